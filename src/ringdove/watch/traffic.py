"""SIP messages, counted as they come and go."""

from collections import Counter, defaultdict

from ringdove.net.passage import Direction, Passage
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.message import METHODS, Message, Request, Response

from .metrics import Metrics


class Traffic:
    """An observer that counts messages by direction, method and kind: "request", or the class of the response."""

    def __init__(self, metrics: Metrics) -> None:
        self._seen: defaultdict[tuple[bool, str, int], int] = defaultdict(int)
        """By whether it came, method and status (0: a request), as can be read off a message; named when asked."""
        metrics.counter(
            "ringdove_sip_messages_total",
            "SIP messages, repeated ones too; `kind` is `request` or the class of a response, `1xx` to `6xx`.",
            self._messages,
            labels=["direction", "method", "kind"],
        )

    def __call__(self, passage: Passage) -> None:
        """See one message."""
        message = passage.message
        method, status = (message.method, 0) if isinstance(message, Request) else _answered(message)
        self._seen[passage.direction is Direction.IN, method if method in METHODS else "other", status] += 1

    def _messages(self) -> Counter[tuple[str, str, str]]:
        messages: Counter[tuple[str, str, str]] = Counter()
        for (came, method, status), count in self._seen.items():
            kind = f"{status // 100}xx" if status > 0 else "request" if status == 0 else "unreadable"
            messages["in" if came else "out", method, kind] += count
        return messages


def _answered(message: Message) -> tuple[str, int]:
    """Method and status of a response; strangers write any number and any name."""
    if isinstance(message, Response) and 100 <= message.status <= 699:
        try:
            return message.cseq.method, message.status
        except SipSyntaxError:
            pass
    return "", -1
