"""G.711 for many samples at once: both ways by look-up, from the tables of `media.g711`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ringdove.media.g711 import ALAW, ULAW

Samples = NDArray[np.int16]


class Law:
    """One of the two laws."""

    def __init__(self, samples: Sequence[int]) -> None:
        """`samples`: what each octet stands for."""
        self._samples = np.array(samples, np.int16)
        # from the last octet on, so that of two zeros the positive one, which is sent for silence, is taken
        levels, firsts = np.unique(self._samples[::-1], return_index=True)
        octets = (255 - firsts).astype(np.uint8)
        middles = (levels[:-1].astype(np.int32) + levels[1:]) / 2
        every = np.arange(65_536, dtype=np.uint16).view(np.int16)
        self._octets = octets[np.searchsorted(middles, every, side="right")]

    def encode(self, samples: Samples) -> bytes:
        """An octet for each sample: the one that lies nearest; in the middle between two, the higher one."""
        return self._octets[samples.view(np.uint16)].tobytes()

    def decode(self, octets: bytes) -> Samples:
        """A sample for each octet."""
        return self._samples[np.frombuffer(octets, np.uint8)]


MU, A = Law(ULAW), Law(ALAW)
