"""What the owners of simulated phones say: each a tone of its own pitch, so that listeners can tell who it is."""

import math
from functools import cache

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS
from ringdove.media.g711 import ULAW

_LEVEL = 0.2 * max(ULAW)


def voice(pitch: int) -> bytes:
    """One packet of a tone in PCMU that the next one carries on without a seam.

    `pitch` is in Hz; raises ValueError where it is no multiple of 50.
    """
    if pitch % 50:
        raise ValueError("a packet holds whole waves only of multiples of 50 Hz")
    turn = 2 * math.pi * pitch * FRAME_SECONDS / FRAME_BYTES
    return bytes(octet_of(_LEVEL * math.sin(turn * number)) for number in range(FRAME_BYTES))


@cache
def octet_of(sample: float) -> int:
    """The octet of PCMU that comes nearest to a sample of 16 bits; of two, the first."""
    return min(range(len(ULAW)), key=lambda octet: abs(ULAW[octet] - sample))
