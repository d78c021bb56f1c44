"""How things grow, as tables: what was measured at each size, and whether anything grows faster than it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

from .growth_curves import CURVES, Curve
from .report import Row, Sheet, rank, ranks, spread, three
from .task import Result

FLAT, LINEAR = 1.25, 1.1
"""How many times what it is at the smallest size something may be that is to be flat; the exponent of something that
is to grow no faster than linearly. Both are 1 but for what the machine does by itself.
"""
FIRST, LAST = (3, 30), (50, 200)
"""Between which numbers of members the cost of one more is compared."""


@dataclass
class Found:
    """What was measured at one size. CPU: seconds of a call, without what an idle server takes; memory: MB."""

    size: int
    started: float
    idle: float = 0.0
    rate: float = 0.0
    memory: tuple[float, float] = (0.0, 0.0)
    cpu: list[float] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def times(self, what: str) -> list[float]:
        """Seconds of all calls of all turns: `ringing` or `spread`."""
        return [value for result in self.results for value in getattr(result, what)]


Curves = Mapping[str, Sequence[Found]]
"""By name of curve, by size."""
Measure = Callable[[Found], float]


def cost(one: Found) -> float:
    """ms of a call, of the turn that other programs disturbed least."""
    return 1000 * min(one.cpu)


def ringing(one: Found) -> float:
    """ms from INVITE to the first 18x, in the middle."""
    return 1000 * rank(one.times("ringing"), 0.5)


def apart(one: Found) -> float:
    """ms from first to last INVITE, in the middle."""
    return 1000 * rank(one.times("spread"), 0.5)


def memory(one: Found) -> float:
    """MB of all processes."""
    return sum(one.memory)


def started(one: Found) -> float:
    """Seconds until it was ready."""
    return one.started


def exponent(points: Sequence[Found], of: Measure, noise: float) -> float:
    """The exponent p of what comes to the figure of the smallest size: by least squares, of y - y0 = c (x - x0)^p.

    Sizes at which it is no more than `noise` are left out; 0 where fewer than two are left.
    """
    least = points[0]
    more = [(one.size - least.size, of(one) - of(least)) for one in points[1:]]
    known = [(log(x), log(y)) for x, y in more if y > noise]
    if len(known) < 2:
        return 0.0
    middle_x = sum(x for x, _ in known) / len(known)
    middle_y = sum(y for _, y in known) / len(known)
    return sum((x - middle_x) * (y - middle_y) for x, y in known) / sum((x - middle_x) ** 2 for x, _ in known)


def sheets(found: Curves) -> list[Sheet]:
    """What was measured."""
    columns = (
        *("what grows", "size", "per s", "CPU of a call, ms", "INVITE to 18x, ms: p50, p99"),
        *("first to last INVITE, ms: p50, p99", "memory, MB: SIP + media", "idle, % of a core", "start, s"),
        "calls: made, failed, late, repeats",
    )
    return [Sheet("At each size", columns, [_line(c, one) for c in CURVES for one in found.get(c.name, ())])]


def pages(seen: list[Row]) -> Sheet:
    """What lists cost."""
    columns = ("list", "objects", "page", "ms", "INVITE to 18x meanwhile, ms: p50, p99")
    return Sheet("Pages of the longest lists", columns, seen)


def wanted(found: Curves) -> Iterator[Row]:
    """What is wanted, what was found, and whether it holds."""
    for curve in CURVES:
        if points := found.get(curve.name):
            yield from _of_members(curve, points) if curve.by_members else _of_others(curve, points)


def _line(curve: Curve, one: Found) -> Row:
    counts = (sum(getattr(result, what) for result in one.results) for what in ("calls", "failed", "late", "repeats"))
    return (
        *(curve.title, str(one.size), f"{one.rate:.0f}", spread([1000 * cpu for cpu in one.cpu])),
        *(", ".join(ranks(one.times(what))) for what in ("ringing", "spread")),
        " + ".join(f"{part:.1f}" for part in one.memory),
        *(f"{100 * one.idle:.1f}", f"{one.started:.1f}", ", ".join(map(str, counts))),
    )


def _of_members(curve: Curve, points: Sequence[Found]) -> Iterator[Row]:
    by_size = {one.size: cost(one) for one in points}
    early, late = ((by_size[last] - by_size[first]) / (last - first) for first, last in (FIRST, LAST))
    told = f"{three(early)} ms from {FIRST[0]} to {FIRST[1]}, {three(late)} ms from {LAST[0]} to {LAST[1]}"
    yield f"CPU of one more is flat by {curve.title}", told, _says(late <= FLAT * early)
    for what, of, noise in (
        ("CPU of a call", cost, 0.0),
        ("first to last INVITE", apart, 0.2),
        ("memory", memory, 1.0),
    ):
        yield _linear(f"{what} by {curve.title}", points, of, noise)


def _of_others(curve: Curve, points: Sequence[Found]) -> Iterator[Row]:
    for what, of in (("CPU of a call", cost), ("INVITE to 18x", ringing)):
        first, last = of(points[0]), of(points[-1])
        told = f"{three(last / first)} times: {three(first)} to {three(last)} ms"
        yield f"{what} is flat by {curve.title}", told, _says(last <= FLAT * first)
    yield _linear(f"memory by {curve.title}", points, memory, 1.0)
    yield _linear(f"start by {curve.title}", points, started, 0.3)


def _linear(what: str, points: Sequence[Found], of: Measure, noise: float) -> Row:
    p, more = exponent(points, of, noise), of(points[-1]) - of(points[0])
    told = f"exponent {p:.2f}; {three(of(points[0]))} to {three(of(points[-1]))}" if more > noise else "nothing more"
    return f"{what}: no worse than linear", told, _says(p <= LINEAR)


def _says(holds: bool) -> str:
    return "holds" if holds else "does not hold"
