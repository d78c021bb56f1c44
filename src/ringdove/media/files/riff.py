"""How much sound a WAV file promises: decoders take what is there and say nothing about the rest."""

from pathlib import Path
from struct import unpack

_UNKNOWN = 0x7FFF_0000
"""Sizes from here on are written by programs that cannot know the size in advance."""
_CHUNKS = 1000


def promised(path: Path, frames: int) -> int | None:
    """How many frames an audio file promises, `frames` of which are there as far as the decoder knows.

    None where nothing is promised. Only in WAV files do the two differ.
    """
    if frames >= 2**62:  # what libsndfile says where the header does not say
        return None
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return frames
        at = 12
        for _ in range(_CHUNKS):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                break
            name, octets = unpack("<4sI", head)
            at += 8
            if name == b"data":
                there = size - at
                return frames * octets // there if 0 < there < octets < _UNKNOWN else frames
            at += octets + octets % 2
    return frames
