"""A stream of messages: how it is cut into chunks changes nothing, and no more is kept than the limits allow."""

from collections.abc import Sequence

from ringdove.sip.message import Message
from ringdove.sip.parser import Item, Limits, NoMessage, StreamParser

from ..choices import Choices
from . import message

LIMITS = Limits(head=600, line=300, fields=20, body=200)
OPTIONS = (
    b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody"
)
SEEDS: Sequence[bytes] = (
    b"\x01\x07" + OPTIONS + b"\r\n\r\n" + OPTIONS,
    b"\x03\x00\r\n" + OPTIONS.replace(b"4\r", b"400\r"),
    b"\x40\x03\r\n\r\n\r\n\r\nSIP/2.0 200 OK\r\nl:0\r\n\r\n\r\n",
    b"\x10\x20OPTIONS sip:a SIP/2.0\r\nX: " + b"x" * 700 + b"\r\n\r\n",
)
WORDS: Sequence[bytes] = (*message.WORDS, b"\r", b"\r\n\r\n\r\n\r\n", b"\r\nl: 0\r\n\r\n", b"\r\nl: 201\r\n\r\n")


def check(data: bytes) -> None:
    """The first two octets say where the rest is cut."""
    choices = Choices(data)
    lengths = (1 + choices.number(), 1 + choices.number())
    stream = choices.rest()
    whole = _read([stream])
    assert _read(_cut(stream, lengths)) == whole


def _cut(stream: bytes, lengths: tuple[int, int]) -> list[bytes]:
    """Pieces of two lengths in turn."""
    pieces: list[bytes] = []
    while stream:
        length = lengths[len(pieces) % 2]
        pieces.append(stream[:length])
        stream = stream[length:]
    return pieces


def _read(pieces: list[bytes]) -> tuple[list[bytes | str], str]:
    """What came out, and what was wrong at last."""
    parser = StreamParser(LIMITS)
    items: list[bytes | str] = []
    for piece in pieces:
        try:
            items += map(_said, parser.feed(piece))
        except NoMessage as fault:
            return items + list(map(_said, fault.before)), f"{fault.status} {fault}"
        assert len(parser._buffer) < max(LIMITS.head + 4, LIMITS.body)
    return items, ""


def _said(item: Item) -> bytes | str:
    return item.to_bytes() if isinstance(item, Message) else repr(item)
