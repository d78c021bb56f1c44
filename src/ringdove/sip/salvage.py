"""What can still be read of a request that is no message: enough to answer it (RFC 3261 §8.2.6)."""

import re
from typing import Final

from .errors import SipSyntaxError
from .grammar import TOKEN
from .headers import Headers, canonical
from .message import Request

MOST: Final = 4_096
"""Octets that are looked at: rubbish is to cost little."""

_COPIED: Final = frozenset({"Via", "From", "To", "Call-ID", "CSeq"})
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_FOLD: Final = re.compile(r"(?:\r\n|\r|\n)[ \t]+")


def salvage(data: bytes) -> Request | None:
    """The method, the Request-URI and the fields that an answer copies, as far as they can be read.

    None where this may be a response or an ACK, which nothing answers (§17), and where no Via says where to.
    """
    text = data[:MOST].lstrip(b"\r\n").decode("utf-8", "ignore").partition("\r\n\r\n")[0]
    first, *lines = _LINE_END.split(_FOLD.sub(" ", text))
    if len(data) > MOST and lines:
        lines.pop()  # cut off
    method, _, uri = first.partition(" ")
    if not TOKEN.match(method) or not uri or first[:4].upper() == "SIP/":
        return None
    request = Request(method, uri.partition(" ")[0], Headers.of_canonical(list(filter(None, map(_field, lines)))))
    is_ack = method == "ACK" or (request.headers.get("CSeq") or "").endswith("ACK")
    return request if not is_ack and request.mend_via() else None


def _field(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(":")
    try:
        name = canonical(name.rstrip(" \t"))
    except SipSyntaxError:
        return None
    return (name, value.strip(" \t")) if colon and name in _COPIED else None
