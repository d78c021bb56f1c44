"""One check of the demo, and how strict it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TOGETHER: Final = 0.05
"""Seconds within which phones that ring together get their INVITEs."""
ON_TIME: Final = 0.25
"""Seconds that a planned moment may be off: 0.05 is the rule (R11), the rest is for a busy machine."""
MOST: Final = 0.9
"""The share of packets that has to be heard: the last ones are on the way when somebody hangs up or holds."""


@dataclass(frozen=True, slots=True)
class Check:
    """`rule` is what was to happen, `seen` is what did."""

    rule: str
    holds: bool
    seen: str


def near(seen: Sequence[float], planned: Sequence[float]) -> bool:
    """Whether each happened, when it was planned to."""
    return len(seen) == len(planned) and all(abs(a - b) < ON_TIME for a, b in zip(seen, planned, strict=True))
