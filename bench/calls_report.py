"""Calls as tables: what each server spent, bore and how fast it was, and what is wanted of Ringdove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from .report import Row as Line
from .report import Sheet, rank, ranks, spread, three
from .rows import Row

if TYPE_CHECKING:
    from .calls import Outcome, Outcomes

OURS, THEIRS = "ringdove", "asterisk"
TITLES = {"ringdove": "Ringdove", "asterisk": "Asterisk", "kamailio": "Kamailio"}
NONE = "–"
THIRD, QUARTER, TRIPLE, SPREAD = 1 / 3, 1 / 4, 3.0, 0.020
"""What is asked for: CPU of a call in times of Asterisk's, the rate with 3 members, seconds to the 50th member."""


class Wish(NamedTuple):
    """Something that is wanted, and what was found."""

    wanted: str
    found: str
    met: bool


def sheets(outcomes: Outcomes, rows: Sequence[Row], servers: Sequence[str]) -> list[Sheet]:
    """What was measured, and whether it is what is wanted."""
    named = [TITLES[name] for name in servers]
    ratio = [f"{TITLES[OURS]} / {TITLES[THEIRS]}"] if OURS in servers and THEIRS in servers else []

    def table(title: str, cell: Callable[[Outcome], str], of: Callable[[Outcome], list[float]] | None = None) -> Sheet:
        lines: list[Line] = []
        for row in rows:
            cells = [cell(outcomes[name, row.name]) if (name, row.name) in outcomes else NONE for name in servers]
            compared = [_ratio(outcomes, row, of)] if of and ratio else []
            lines.append((row.title, f"{row.rate:.0f}", *cells, *compared))
        return Sheet(title, ("rung", "per s", *named, *(ratio if of else ())), lines)

    return [
        table("CPU of a call at the same rate, ms", lambda one: _ms(one.cpu), lambda one: one.cpu),
        table(
            "Highest rate on time, calls a second",
            lambda one: spread(one.highest) if any(one.highest) else NONE,
            lambda one: one.highest,
        ),
        table("CPU of a call at the highest rate, ms", lambda one: _ms(one.cpu_at_highest), lambda o: o.cpu_at_highest),
        table("The lowest rate that was too much, and why", _too_much),
        table("INVITE to the first 18x, ms: p50, p99", lambda one: _times(one, "ringing")),
        table("First to last INVITE, ms: p50, p99", lambda one: _times(one, "spread")),
        table(
            "Of a call: SIP datagrams in all directions, RTP packets to the caller",
            lambda one: f"{_per_call(one, 'datagrams'):.0f}, {_per_call(one, 'audio'):.0f}",
        ),
        table("Calls at that rate: made, failed, late, messages repeated", _mishaps),
        Sheet("What is wanted", ("wanted", "found", "met"), [_said(wish) for wish in wishes(outcomes, rows)]),
    ]


def wishes(outcomes: Outcomes, rows: Sequence[Row]) -> list[Wish]:
    """The targets that this run can tell of."""
    found: list[Wish] = []
    for row in rows:
        ours, theirs = outcomes.get((OURS, row.name)), outcomes.get((THEIRS, row.name))
        if ours is None:
            continue
        if theirs is not None and row.strategy == "ring_all" and not row.music:
            times = median(ours.cpu) / median(theirs.cpu)
            found += [
                Wish(
                    f"CPU of a call at most {share} of Asterisk's, {row.title}", f"{three(times)} times", times <= most
                )
                for share, most in (("a third", THIRD), ("a quarter", QUARTER))
            ]
            late = _rank(ours, "ringing"), _rank(theirs, "ringing")
            found.append(
                Wish(
                    f"INVITE to 180: p99 no more than Asterisk's, {row.title}",
                    f"{1000 * late[0]:.1f} and {1000 * late[1]:.1f} ms",
                    late[0] <= late[1],
                )
            )
        if theirs is not None and row.name == "3" and ours.highest and theirs.highest and all(theirs.highest):
            times = median(ours.highest) / median(theirs.highest)
            wanted = "Highest rate at least three times Asterisk's, 3 members"
            found.append(Wish(wanted, f"{three(times)} times", times >= TRIPLE))
        if row.name == "50":
            apart = _rank(ours, "spread")
            wanted = "First to last INVITE: p99 below 20 ms, 50 members"
            found.append(Wish(wanted, f"{1000 * apart:.1f} ms", apart < SPREAD))
    return found


def _said(wish: Wish) -> tuple[str, str, str]:
    return wish.wanted, wish.found, "yes" if wish.met else "no"


def _ms(seconds: Sequence[float]) -> str:
    return spread([1000 * one for one in seconds]) if seconds else NONE


def _ratio(outcomes: Outcomes, row: Row, of: Callable[[Outcome], list[float]]) -> str:
    """Of medians: runs of the two are not made at the same moment."""
    ours, theirs = (outcomes.get((name, row.name)) for name in (OURS, THEIRS))
    if ours is None or theirs is None or not of(ours) or not of(theirs) or not all(of(theirs)):
        return NONE
    return three(median(of(ours)) / median(of(theirs)))


def _all(one: Outcome, what: str) -> list[float]:
    """The times of all calls of all runs."""
    return [value for result in one.results for value in getattr(result, what)]


def _times(one: Outcome, what: str) -> str:
    values = _all(one, what)
    return ", ".join(ranks(values)) if values else NONE


def _rank(one: Outcome, what: str) -> float:
    """p99, in seconds."""
    values = _all(one, what)
    return rank(values, 0.99) if values else inf


def _per_call(one: Outcome, what: str) -> float:
    shares: list[float] = [getattr(result, what) / max(1, result.calls) for result in one.results]
    return median(shares)


def _too_much(one: Outcome) -> str:
    return min(one.spoilt, key=lambda said: float(said.partition(":")[0]), default=NONE)


def _mishaps(one: Outcome) -> str:
    numbers = [sum(getattr(result, what) for result in one.results) for what in ("calls", "failed", "late", "repeats")]
    return ", ".join(map(str, numbers))
