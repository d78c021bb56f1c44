"""Which formats can be carried, and in which of them sounds are kept."""

from contextlib import suppress
from pathlib import Path

from ringdove.media.frames import FRAME_BYTES, FRAME_SECONDS
from ringdove.sip.codec import Codec

__all__ = ["DEFAULT_OFFER", "FRAME_BYTES", "FRAME_SECONDS", "SOUND_FORMATS", "sound_file", "sound_seconds", "supported"]

DEFAULT_OFFER = (
    Codec(0, "PCMU", 8000),
    Codec(8, "PCMA", 8000),
    Codec(9, "G722", 8000),
    Codec(101, "telephone-event", 8000, fmtp="0-15"),
)
"""What is offered where nobody else's wishes are known. Opus is only passed on: few desk phones have it."""

_CARRIED = frozenset({("pcmu", 8000, 1), ("pcma", 8000, 1), ("g722", 8000, 1), ("opus", 48000, 2)})


def supported(codec: Codec) -> bool:
    """Whether this engine can carry the format; telephone-event at any clock rate (RFC 4733 §2.1)."""
    return codec.key in _CARRIED or codec.key[0] == "telephone-event"


SOUND_FORMATS = {"PCMU": "pcmu", "PCMA": "pcma", "G722": "g722"}
"""Codecs that sounds can be played in, by their names in SDP, and the file of that codec in the folder of a track.

A file is nothing but packets: FRAME_BYTES each, FRAME_SECONDS of sound, the last one filled up with silence.
"""


def sound_file(codec: Codec) -> str | None:
    """The file in the folder of a track that is played in this codec; None where sounds cannot be."""
    return SOUND_FORMATS.get(codec.name.upper())


def sound_seconds(track: Path) -> float:
    """How long the track in this folder plays: a whole number of packets; 0 where there is none."""
    with suppress(FileNotFoundError):
        return round((track / SOUND_FORMATS["PCMU"]).stat().st_size // FRAME_BYTES * FRAME_SECONDS, 2)
    return 0.0
