"""Payload formats as session descriptions name them: numbers, `rtpmap`, `fmtp` (RFC 8866 §6.6, §6.15; RFC 3551 §6)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from .grammar import number

_REMEMBERED: Final = 64


class Codec(NamedTuple):
    """One payload format: its number on this stream and what it stands for (RFC 8866 §6.6)."""

    payload: int
    """RTP payload type, 0 to 127."""
    name: str
    """Encoding name as the peer wrote it; compared without case."""
    clock: int
    """RTP clock rate in Hz (8000 for G722, whatever its sound, RFC 3551 §4.5.2)."""
    channels: int = 1
    fmtp: str = ""
    """Format parameters, empty for none."""

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes two codecs the same format, whatever their numbers."""
        return (self.name.casefold(), self.clock, self.channels)

    @property
    def rtpmap(self) -> str:
        """The value of the `rtpmap` attribute."""
        return f"{self.payload} {self.name}/{self.clock}" + (f"/{self.channels}" if self.channels != 1 else "")


STATIC_PAYLOADS = {
    codec.payload: codec
    for codec in (
        Codec(0, "PCMU", 8000),
        Codec(3, "GSM", 8000),
        Codec(4, "G723", 8000),
        Codec(8, "PCMA", 8000),
        Codec(9, "G722", 8000),
        Codec(13, "CN", 8000),
        Codec(15, "G728", 8000),
        Codec(18, "G729", 8000),
    )
}
"""Numbers that mean something without `rtpmap` (RFC 3551 §6)."""


@lru_cache(_REMEMBERED)
def codecs(formats: tuple[str, ...], attributes: tuple[tuple[str, str | None], ...]) -> tuple[Codec, ...]:
    """The formats of an `m=` line that are RTP payload types with a known meaning, by its `rtpmap` and `fmtp` lines.

    Phones offer the same in every call. What is remembered is bounded, as descriptions are in length.
    """
    maps = _by_payload(attributes, "rtpmap")
    parameters = _by_payload(attributes, "fmtp")
    found: dict[int, Codec] = {}
    for text in formats:
        payload = number(text, 127)
        if payload is None or payload in found:
            continue
        codec = _rtpmap(payload, maps[payload]) if payload in maps else STATIC_PAYLOADS.get(payload)
        if codec is not None:
            fmtp = parameters.get(payload, "")
            found[payload] = Codec(payload, codec.name, codec.clock, codec.channels, fmtp)
    return tuple(found.values())


def _rtpmap(payload: int, value: str) -> Codec | None:
    """None where the value is malformed: that one format is then unusable, the others are not."""
    name, *numbers = value.strip().split("/")
    clock = number(numbers[0], 10_000_000) if numbers else None
    channels = number(numbers[1], 255) if len(numbers) > 1 else 1
    return Codec(payload, name, clock, channels) if name and " " not in name and clock and channels else None


def _by_payload(attributes: Iterable[tuple[str, str | None]], name: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for key, said in attributes:
        if key == name and said is not None:
            text, _, value = said.strip().partition(" ")
            payload = number(text, 127)
            if payload is not None:
                found.setdefault(payload, value.strip())
    return found
