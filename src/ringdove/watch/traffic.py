"""SIP messages, counted as they come and go."""

from collections import Counter

from ringdove.net.passage import Passage
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.message import METHODS, Message, Request, Response

from .metrics import Metrics


class Traffic:
    """An observer that counts messages by direction, method and kind: "request", or the class of the response."""

    def __init__(self, metrics: Metrics) -> None:
        self._messages: Counter[tuple[str, str, str]] = Counter()
        metrics.counter(
            "ringdove_sip_messages_total",
            "SIP messages, repeated ones too; `kind` is `request` or the class of a response, `1xx` to `6xx`.",
            lambda: self._messages,
            labels=["direction", "method", "kind"],
        )

    def __call__(self, passage: Passage) -> None:
        """See one message."""
        method, kind = _kind(passage.message)
        self._messages[passage.direction.value, method if method in METHODS else "other", kind] += 1


def _kind(message: Message) -> tuple[str, str]:
    match message:
        case Request():
            return message.method, "request"
        case Response() if 100 <= message.status <= 699:  # strangers write any number
            try:
                return message.cseq.method, f"{message.status // 100}xx"
            except SipSyntaxError:
                pass
    return "", "unreadable"
