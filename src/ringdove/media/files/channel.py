"""One channel of a tape: where its packets belong, and how they sound."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from math import isfinite
from mmap import mmap

import numpy as np
import soxr
from G722 import G722
from numpy.typing import NDArray

from ringdove.media.tape import CODECS, reels

from .laws import MU, A, Samples
from .placing import CLOCK, places

_OPUS, _G722 = CODECS.index("opus"), CODECS.index("g722")
_OPUS_FRAME = CLOCK // 50
_TOGETHER = 500  # packets decoded at a time


class Channel:
    """The packets of one channel. Times count from the first packet of the tape, in units of 1/CLOCK s."""

    def __init__(self, content: bytes | mmap, rows: "array[float]") -> None:
        """`content`: the whole tape; `rows`: codec, arrival in seconds, time stamp, start and size of each packet in
        the order of arrival, one after the other.
        """
        codecs, arrivals, timestamps, starts, sizes = np.frombuffer(rows).reshape(-1, 5).T
        opus = codecs == _OPUS
        heard = ~opus
        begins = np.rint(arrivals * CLOCK).astype(np.int64)
        begins[heard] = places(begins[heard], timestamps[heard].astype(np.int64))
        ends = begins + np.where(opus, _OPUS_FRAME, sizes).astype(np.int64)
        self.begin = int(begins.min()) if len(begins) else None
        """When the first sound begins; None without any."""
        self.end = int(ends.max()) if len(ends) else 0
        """When the last one ends."""
        self.silenced = int(opus.sum())
        """Packets that cannot be decoded."""
        self.wide = bool((codecs == _G722).any())
        """Whether it has 16,000 samples in a second."""
        order = np.flatnonzero(heard)[np.argsort(begins[heard], kind="stable")]
        order = order[np.diff(begins[order], prepend=-(2**62)) > 0]  # duplicates begin together
        self._content = content
        self._codecs = codecs[order].astype(np.uint8)
        self._begins, self._ends = begins[order], ends[order]
        self._starts, self._sizes = starts[order].astype(np.int64), sizes[order].astype(np.int64)

    def sound(self, scale: int) -> Iterator[tuple[int, Samples]]:
        """What is to be heard, and when: both with `scale` times CLOCK samples in a second."""
        coder = G722(16_000, 64_000)  # one for all: where packets are missing it goes on, as in a phone
        follows = (self._begins[1:] == self._ends[:-1]) & (self._codecs[1:] == self._codecs[:-1])
        for run in np.split(np.arange(len(self._begins)), np.flatnonzero(~follows) + 1):
            if not len(run):
                continue
            codec = CODECS[self._codecs[run[0]]]
            stretch = soxr.ResampleStream(CLOCK, CLOCK * scale, 1, dtype="int16")
            at = int(self._begins[run[0]]) * scale
            for first in range(0, len(run), _TOGETHER):
                octets = self._octets(run[first : first + _TOGETHER])
                if codec == "g722":
                    samples = np.array(coder.decode(octets), np.int16)
                else:
                    samples = (MU if codec == "pcmu" else A).decode(octets)
                    samples = stretch.resample_chunk(samples, last=first + _TOGETHER >= len(run))
                yield at, samples
                at += len(samples)

    def _octets(self, packets: NDArray[np.intp]) -> bytes:
        spans = zip(self._starts[packets].tolist(), self._sizes[packets].tolist(), strict=True)
        return b"".join(self._content[start : start + size] for start, size in spans)


def read_channels(tape: bytes | mmap, longest: float) -> list[Channel]:
    """All channels of a tape, at least one. Packets that came more than `longest` seconds after the first are left out,
    and those from before it, which are not of this recording.
    """
    count = 1
    first: float | None = None
    rows: dict[int, array[float]] = defaultdict(lambda: array("d"))
    for channels, packets in reels(tape):
        count = max(count, channels)
        for packet in packets:
            if first is None and isfinite(packet.at):
                first = packet.at
            if first is not None and 0 <= packet.at - first <= longest:
                codec = CODECS.index(packet.codec)
                rows[packet.channel].extend((codec, packet.at - first, packet.timestamp, packet.start, packet.size))
    return [Channel(tape, rows[number]) for number in range(max(count, max(rows, default=0) + 1))]
