"""The Event field (RFC 6665 §8.2.1): what a subscription is about."""

from typing import NamedTuple

from .errors import SipSyntaxError
from .grammar import param_of, parse_params
from .message import Request


class Event(NamedTuple):
    """An event package, in lower case; `id` is what a phone tells its subscriptions apart by, if it does."""

    package: str
    id: str | None = None

    @classmethod
    def of(cls, request: Request) -> "Event":
        """What a request is about; a package without a name where it does not say so legibly."""
        name, _, rest = (request.headers.get("Event") or "").partition(";")
        try:
            return cls(name.strip().lower(), param_of(parse_params(rest, "Event"), "id"))
        except SipSyntaxError:
            return cls("")

    def __str__(self) -> str:
        return self.package if self.id is None else f"{self.package};id={self.id}"
