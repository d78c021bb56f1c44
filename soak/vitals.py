"""How the server fares while it lives: samples of its memory, and whether it has grown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_WARM, _WINDOW = 0.4, 0.15
"""Shares of the time: what does not count, and how much of it makes the figure at either end."""
ALLOWED = 0.05
"""Growth that is none: a twentieth,"""
GRAIN = 2.0
"""or so many MB: Python takes memory in pieces of 1 MB, of which one is more than that for a small process."""
SHORTEST = 300.0
"""Seconds below which growth says nothing: caches fill, and the allocator has not settled."""
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the calls began, resident MB by process, calls that are up or ring."""

    at: float
    memory: Mapping[str, float]
    calls: int


@dataclass(frozen=True, slots=True)
class Growth:
    """MB of one process after the warm-up and at the end, as medians of windows."""

    before: float
    after: float
    judged: bool
    """Whether the time was long enough to tell."""

    @property
    def share(self) -> float:
        """By how much it grew, as a share."""
        return self.after / self.before - 1

    @property
    def is_too_much(self) -> bool:
        """Whether that is a leak."""
        return self.judged and self.share > ALLOWED and self.after - self.before > GRAIN


def growth(samples: Sequence[Sample], process: str) -> Growth:
    """How one process grew; wants at least ten samples that are evenly spread."""
    values = [sample.memory[process] for sample in samples]
    size = max(1, int(len(values) * _WINDOW))
    first = int(len(values) * _WARM)
    lasted = samples[-1].at - samples[0].at
    return Growth(median(values[first : first + size]), median(values[-size:]), lasted >= SHORTEST)


def spark(values: Sequence[float]) -> str:
    """A line of bars, from the least value to the greatest."""
    if not values:
        return ""
    step = max(1, -(-len(values) // _WIDTH))
    means = [sum(part) / len(part) for part in (values[at : at + step] for at in range(0, len(values), step))]
    low, high = min(means), max(means)
    span = high - low or 1.0
    return "".join(_BARS[round((mean - low) / span * (len(_BARS) - 1))] for mean in means)
