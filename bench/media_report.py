"""What was measured of media, as tables."""

from collections.abc import Iterator
from statistics import median

from . import media_rtpengine
from .media_load import Result
from .report import Row, Sheet, spread

Outcomes = dict[tuple[int, str], list[Result]]
"""Results by number of calls and who carried them, one per repetition."""

OURS, THEIRS = "Ringdove", "rtpengine"
TALK, MUSIC = 100, 50
"""Packets a second of one call: both ways, and one way."""
TALKING, PLAYING = 200, 100
"""Calls at which we must be on time."""
LATE = 5.0
"""ms that p99 must be below then."""
_COSTS = ("CPU of a call, ms/s", "CPU of a packet, µs", "of a core, %", "kept waiting, %", "memory, MB")


def sheets(talks: Outcomes, music: Outcomes, around: Sheet) -> list[Sheet]:
    """Everything; `around`: where and when."""
    everything = [one for outcomes in (talks, music) for results in outcomes.values() for one in results]
    effort, late = max(one.effort for one in everything), max(one.late for one in everything)
    more: list[Row] = [
        (THEIRS, media_rtpengine.version() or "not installed (in Debian: rtpengine-daemon)"),
        ("cores", "one for the server, another for the phones"),
        ("phones", f"used at most {100 * effort:.0f} % of theirs, and sent at most {late:.1f} ms late"),
    ]
    return [
        Sheet(
            "Two-way calls: delay in ms, cost",
            ("calls", "through", "packets", "lost", "p50", "p99", "most", *_COSTS),
            [_row(*one, TALK) for one in talks.items()],
        ),
        Sheet(
            "Calls that hear music: how far from 20 ms packets were apart in ms, cost",
            ("calls", "from", "packets", "lost", "p50", "p99", "most", *_COSTS),
            [_row(*one, MUSIC) for one in music.items()],
        ),
        Sheet(
            "CPU of a call, in times that of others",
            ("calls", OURS, "to", "ratio"),
            [*_ratios("talking", talks), *_ratios("playing", music)],
        ),
        Sheet("What is wanted", ("wanted", "found", "holds"), list(_wanted(talks, music))),
        Sheet(around.title, around.columns, [*around.rows, *more]),
    ]


def _row(key: tuple[int, str], results: list[Result], rate: int) -> Row:
    times = [spread([getattr(one, name) for one in results]) for name in ("p50", "p99", "worst")]
    costs = ["–"] * len(_COSTS)
    if any(one.cpu for one in results):
        costs = [
            spread([1e3 * rate * _cost(one) for one in results]),
            spread([1e6 * _cost(one) for one in results]),
            spread([100 * one.cpu / one.seconds for one in results]),
            spread([100 * one.waited / one.seconds for one in results]),
            f"{median(one.memory for one in results):.0f}",
        ]
    counts = (sum(one.came + one.lost for one in results), sum(one.lost for one in results))
    return (str(key[0]), key[1], *map(str, counts), *times, *costs)


def _ratios(doing: str, outcomes: Outcomes) -> Iterator[Row]:
    for (calls, name), results in outcomes.items():
        if name != OURS and any(one.cpu for one in results):
            yield str(calls), doing, name, spread(_times(outcomes[calls, OURS], results))


def _wanted(talks: Outcomes, music: Outcomes) -> Iterator[Row]:
    """The targets that were measured, and whether they are met."""

    def row(what: str, found: float, unit: str, holds: bool) -> Row:
        return what, f"{found:.3g} {unit}", "yes" if holds else "no"

    if ours := talks.get((TALKING, OURS)):
        lost, late = sum(one.lost for one in ours), median(one.p99 for one in ours)
        yield row(f"no loss with {TALKING} calls", lost, "packets", lost == 0)
        yield row(f"p99 of the delay below {LATE:g} ms with {TALKING} calls", late, "ms", late < LATE)
    if ours := music.get((PLAYING, OURS)):
        late = median(one.p99 for one in ours)
        yield row(f"p99 of the distance from 20 ms below {LATE:g} ms with {PLAYING} players", late, "ms", late < LATE)
    for doing, outcomes in (("talking", talks), ("playing", music)):
        for (calls, name), theirs in outcomes.items():
            if name == THEIRS:
                ratio = median(_times(outcomes[calls, OURS], theirs))
                yield row(f"CPU of a call no more than {THEIRS}'s, {calls} {doing}", ratio, "times", ratio <= 1)


def _cost(one: Result) -> float:
    """CPU seconds of a packet that arrived."""
    return one.cpu / one.came


def _times(ours: list[Result], others: list[Result]) -> list[float]:
    """Our cost by theirs, in each repetition."""
    return [_cost(a) / _cost(b) for a, b in zip(ours, others, strict=True)]
