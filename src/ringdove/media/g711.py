"""G.711: µ-law and A-law octets, as samples and as each other (ITU-T G.711). Made by its formulas at import."""

from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise

_NEGATIVE = 0x7F
"""Both laws have 128 sizes for each sign, counted upwards from zero in the lower seven bits before inversion."""
_EVEN_BITS = 0x55
"""Inverted on the line in A-law."""
_SIZE_BITS = 0x7F
"""Inverted on the line in µ-law; the sign is not."""
_FULL_ULAW, _FULL_ALAW = 8159, 4096
"""Where the laws end, in units of 14 and 13 bits. A sine of that height has these levels, in dBm0:"""
_LEVEL_ULAW, _LEVEL_ALAW = 3.17, 3.14


def _ulaw(size: int) -> int:
    """Sample value of a size, in 14 bits (table 2)."""
    segment, step = divmod(size, 16)
    return ((2 * step + 33) << segment) - 33


def _alaw(size: int) -> int:
    """Sample value of a size, in 13 bits (table 1)."""
    segment, step = divmod(size, 16)
    return (2 * step + 33) << (segment - 1) if segment else 2 * step + 1


_ULAW_SIZES = [_ulaw(size) for size in range(128)]
_ALAW_SIZES = [_alaw(size) for size in range(128)]
_ULAW_TO_ALAW_UNITS = _FULL_ALAW / _FULL_ULAW * 10 ** ((_LEVEL_ULAW - _LEVEL_ALAW) / 20)


def _samples(sizes: Sequence[int], invert: int, scale: int) -> tuple[int, ...]:
    """What each octet stands for."""
    upright = [octet ^ invert for octet in range(256)]
    return tuple((scale if octet > _NEGATIVE else -scale) * sizes[octet & 0x7F] for octet in upright)


def _sizes(values: Sequence[int], scale: float, others: Sequence[int]) -> list[int]:
    """The size in another law that lies nearest to each value; the middle between two belongs to the upper one."""
    decisions = [(low + high) / 2 for low, high in pairwise(others)]
    return [bisect(decisions, value * scale) for value in values]


def _octets(sizes: Sequence[int], invert: int, invert_others: int) -> bytes:
    """A table from octet to octet of the other law; signs stay."""
    upright = [octet ^ invert for octet in range(256)]
    return bytes((octet & 0x80 | sizes[octet & 0x7F]) ^ invert_others for octet in upright)


ULAW = _samples(_ULAW_SIZES, _SIZE_BITS, 4)
"""16-bit sample of each µ-law octet."""
ALAW = _samples(_ALAW_SIZES, _EVEN_BITS, 8)
"""16-bit sample of each A-law octet."""
ULAW_TO_ALAW = _octets(_sizes(_ULAW_SIZES, _ULAW_TO_ALAW_UNITS, _ALAW_SIZES), _SIZE_BITS, _EVEN_BITS)
"""For `bytes.translate`: keeps the level, as tables 3 and 4 of the standard do."""
ALAW_TO_ULAW = _octets(_sizes(_ALAW_SIZES, 1 / _ULAW_TO_ALAW_UNITS, _ULAW_SIZES), _EVEN_BITS, _SIZE_BITS)
