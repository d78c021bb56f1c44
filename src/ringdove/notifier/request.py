"""What a SUBSCRIBE says (RFC 6665 §3.1), and what is wrong with it."""

from typing import Final

from ringdove.sip.grammar import delta_seconds
from ringdove.sip.message import Request
from ringdove.sip.validator import Rejection

DEFAULT: Final = 3600
SHORTEST: Final = 60
LONGEST: Final = 7200
"""Seconds that a subscription lasts, as a binding does: where the phone does not say, at least (423), and at most."""

COME_BACK: Final = ("Retry-After", "30")


def granted(request: Request) -> int | Rejection:
    """The seconds that a SUBSCRIBE gets, 0 where it wants an end (§4.2.1.1); what cannot be read counts as not said."""
    asked = delta_seconds(request.headers.get("Expires"))
    seconds = DEFAULT if asked is None else min(asked, LONGEST)
    if 0 < seconds < SHORTEST:
        return Rejection(423, "Interval Too Brief", (("Min-Expires", str(SHORTEST)),))
    return seconds


def accepts(request: Request, content_type: str) -> bool:
    """Whether its phone can read such bodies; one that does not say which takes the package's own (§3.1.3)."""
    kinds = {kind.partition(";")[0].replace(" ", "").lower() for kind in request.headers.values("Accept")}
    return not kinds or bool(kinds & {content_type, f"{content_type.partition('/')[0]}/*", "*/*"})
