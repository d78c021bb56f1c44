"""Who is to ring from when to when (design section 3)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Strategy(StrEnum):
    """The ring strategies of the page."""

    RING_ALL = "ring_all"
    SEQUENTIALLY = "sequentially"
    MEMORY_HUNT = "memory_hunt"
    CUSTOM = "custom"

    @property
    def in_turn(self) -> bool:
        """Whether members wait for their turn, so that windows move when nobody rings (R7)."""
        return self in (Strategy.SEQUENTIALLY, Strategy.MEMORY_HUNT)


def tidy(seconds: float) -> float:
    """A time of the plan in whole microseconds, so that ends which should meet are equal."""
    return round(seconds, 6)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the member list with its extension groups expanded; `delay` and `timeout` count for custom only."""

    members: tuple[int, ...]
    delay: float = 0.0
    timeout: float = 0.0


class Window(NamedTuple):
    """The span [start, stop) in which a member is to ring, in seconds."""

    member: int
    start: float
    stop: float

    def moved(self, start: float = 0.0, stop: float = 0.0) -> "Window":
        """The same window with its ends moved by so many seconds."""
        return Window(self.member, tidy(self.start + start), tidy(self.stop + stop))

    def is_open(self, at: float) -> bool:
        """Whether the member is to ring at that time."""
        return self.start <= at < self.stop


def members(entries: Iterable[Entry]) -> list[int]:
    """Every member once, in list order, first mention wins (R3)."""
    return list(dict.fromkeys(member for entry in entries for member in entry.members))


def windows(
    strategy: Strategy, ring_timeout: float, entries: Sequence[Entry], eligible: Collection[int]
) -> list[Window]:
    """The windows of the eligible members, in seconds from the moment that ringing begins."""
    if strategy is Strategy.CUSTOM:
        return _own_windows(entries, eligible)
    turns = [member for member in members(entries) if member in eligible]
    end = tidy(len(turns) * ring_timeout)
    if strategy is Strategy.RING_ALL:
        stop = tidy(ring_timeout)
        return [Window(member, 0.0, stop) for member in turns]
    if strategy is Strategy.SEQUENTIALLY:
        return [Window(member, tidy(i * ring_timeout), tidy((i + 1) * ring_timeout)) for i, member in enumerate(turns)]
    return [Window(member, tidy(i * ring_timeout), end) for i, member in enumerate(turns)]


def _own_windows(entries: Iterable[Entry], eligible: Collection[int]) -> list[Window]:
    """Each member's own windows, those that overlap or touch made one; a timeout of 0 never rings."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for entry in entries:
        span = tidy(entry.delay), tidy(entry.delay + entry.timeout)
        for member in entry.members:
            own = spans.setdefault(member, [])
            if entry.timeout > 0:
                own.append(span)
    return [w for member, own in spans.items() if member in eligible for w in _merged(member, own)]


def _merged(member: int, spans: list[tuple[float, float]]) -> list[Window]:
    merged: list[Window] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1].stop:
            merged[-1] = Window(member, merged[-1].start, max(stop, merged[-1].stop))
        else:
            merged.append(Window(member, start, stop))
    return merged


def pull_forward(planned: Sequence[Window], at: float) -> list[Window]:
    """Let the next window start now, or after the last one the end come now, and the rest move with it (R7).

    Windows that are open keep their start; their stop moves too, because under memory_hunt it is the common end.
    """
    end = max((w.stop for w in planned), default=at)
    gap = min((w.start for w in planned if w.start > at), default=end) - at
    return [w if w.stop <= at else w.moved(start=-gap if w.start > at else 0.0, stop=-gap) for w in planned]


def insert_turn(
    planned: Sequence[Window], strategy: Strategy, ring_timeout: float, order: Sequence[int], newcomer: int, at: float
) -> list[Window]:
    """Give a member that became eligible late its turn at its place in `order`, the member list (R9).

    Where its turn has passed a sequential hunt goes on without it; under memory_hunt its window is open by now.
    """
    place = order.index(newcomer)
    end = max((w.stop for w in planned), default=at)
    behind = [w for w in planned if order.index(w.member) > place]
    if any(w.start <= at for w in behind):
        joins = strategy is Strategy.MEMORY_HUNT and at < end
        return [*planned, Window(newcomer, at, end)] if joins else list(planned)
    start = min((w.start for w in behind), default=end)
    if strategy is Strategy.SEQUENTIALLY:
        ahead = [w for w in planned if w not in behind]
        stop = tidy(start + ring_timeout)
    else:
        ahead = [w.moved(stop=ring_timeout) for w in planned if w not in behind]
        stop = tidy(end + ring_timeout)
    return [*ahead, Window(newcomer, start, stop), *(w.moved(ring_timeout, ring_timeout) for w in behind)]
