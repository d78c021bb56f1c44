"""Calls as tables: what each server spent, bore and how fast it was, and whether Ringdove is where it wants to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from .report import Row as Line
from .report import Sheet, rank, ranks, spread, three
from .rows import Row

if TYPE_CHECKING:
    from .calls import Outcome, Outcomes

OURS, THEIRS = "ringdove", "asterisk"
TITLES = {"ringdove": "Ringdove", "asterisk": "Asterisk", "kamailio": "Kamailio", "floor": "floor"}
NONE = "–"


class Goal(NamedTuple):
    """What is wanted of some rows of a table; `met` is given our figure and Asterisk's."""

    wanted: str
    of: Callable[[Row], bool]
    met: Callable[[float, float], bool]


class Topic(NamedTuple):
    """A table: what its cells say, and the figure of one cell where there is one to compare."""

    title: str
    cell: Callable[[Outcome], str]
    figure: Callable[[Outcome], float | None] | None = None
    goals: Sequence[Goal] = ()


def sheets(outcomes: Outcomes, rows: Sequence[Row], servers: Sequence[str]) -> list[Sheet]:
    """What was measured; ratios and what is wanted where Ringdove and Asterisk were."""
    both = OURS in servers and THEIRS in servers
    shown = []
    for topic in TOPICS:
        lines: list[Line] = []
        for row in rows:
            of_row = {name: outcomes[name, row.name] for name in servers if (name, row.name) in outcomes}
            cells = [topic.cell(of_row[name]) if name in of_row else NONE for name in servers]
            lines.append((row.title, f"{row.rate:.0f}", *cells, *(_judged(topic, row, of_row) if both else ())))
        columns = ["rung", "per s", *(TITLES[name] for name in servers)]
        if both and topic.figure:
            columns += [f"{TITLES[OURS]} / {TITLES[THEIRS]}", "wanted", "met"]
        shown.append(Sheet(topic.title, columns, lines))
    return shown


def _judged(topic: Topic, row: Row, of_row: dict[str, Outcome]) -> tuple[str, ...]:
    """The ratio, what is wanted, and whether it is so. Of medians: runs of the two are not made at the same moment."""
    if topic.figure is None:
        return ()
    ours, theirs = (topic.figure(of_row[name]) if name in of_row else None for name in (OURS, THEIRS))
    goals = [goal for goal in topic.goals if goal.of(row)]
    wanted = "; ".join(goal.wanted for goal in goals)
    if ours is None or theirs is None:
        return NONE, wanted, NONE if goals else ""
    met = "; ".join("yes" if goal.met(ours, theirs) else "no" for goal in goals)
    return three(ours / theirs) if theirs else NONE, wanted, met


def _plain(row: Row) -> bool:
    return row.strategy == "ring_all" and not row.music


def _median(figures: Sequence[float]) -> float | None:
    return median(figures) if figures else None


def _ms(seconds: Sequence[float]) -> str:
    return spread([1000 * one for one in seconds]) if seconds else NONE


def _cpu(one: Outcome) -> list[float]:
    return [run.cpu for run in one.runs]


def _all(one: Outcome, what: str) -> list[float]:
    """The times of all calls of all runs."""
    return [value for run in one.runs for value in getattr(run.result, what)]


def _times(one: Outcome, what: str) -> str:
    values = _all(one, what)
    return ", ".join(ranks(values)) if values else NONE


def _p99(one: Outcome, what: str) -> float | None:
    values = _all(one, what)
    return rank(values, 0.99) if values else None


def _per_call(one: Outcome, what: str) -> float:
    shares: list[float] = [getattr(run.result, what) / max(1, run.result.calls) for run in one.runs]
    return median(shares)


def _too_much(one: Outcome) -> str:
    return min(one.spoilt, key=lambda said: float(said.partition(":")[0]), default=NONE)


def _mishaps(one: Outcome) -> str:
    numbers = [sum(getattr(run.result, what) for run in one.runs) for what in ("calls", "failed", "late", "repeats")]
    return ", ".join(map(str, numbers))


TOPICS = (
    Topic(
        "CPU of a call at the same rate, ms",
        lambda one: _ms(_cpu(one)),
        lambda one: _median(_cpu(one)),
        (
            Goal("a third", _plain, lambda ours, theirs: ours <= theirs / 3),
            Goal("a quarter", _plain, lambda ours, theirs: ours <= theirs / 4),
        ),
    ),
    Topic(
        "Highest rate on time, calls a second",
        lambda one: spread(one.highest) if any(one.highest) else NONE,
        lambda one: _median([rate for rate in one.highest if rate]),
        (Goal("3 times", lambda row: row.name == "3", lambda ours, theirs: ours >= 3 * theirs),),
    ),
    Topic(
        "CPU of a call at the highest rate, ms",
        lambda one: _ms(one.cpu_at_highest),
        lambda one: _median(one.cpu_at_highest),
    ),
    Topic("The lowest rate that was too much, and why", _too_much),
    Topic(
        "INVITE to the first 18x, ms: p50, p99 (the ratio is of p99)",
        lambda one: _times(one, "ringing"),
        lambda one: _p99(one, "ringing"),
        (Goal("no more", _plain, lambda ours, theirs: ours <= theirs),),
    ),
    Topic(
        "First to last INVITE, ms: p50, p99 (the ratio is of p99)",
        lambda one: _times(one, "spread"),
        lambda one: _p99(one, "spread"),
        (Goal("below 20 ms", lambda row: row.name == "50", lambda ours, _: ours < 0.020),),
    ),
    Topic(
        "Of a call: SIP datagrams in all directions, RTP packets to the caller",
        lambda one: f"{_per_call(one, 'datagrams'):.0f}, {_per_call(one, 'audio'):.0f}",
    ),
    Topic("Calls at the same rate: made, failed, late, messages repeated", _mishaps),
)
