"""`ring_all` and `custom`: everybody has times of its own, which are promises and do not move."""

from collections.abc import Collection, Iterable, Mapping
from heapq import heapify, heappop, heappush

from .member import Member
from .plan import Change, Entry, Window, tidy


class Timetable:
    """A plan of fixed windows: each member's [delay, delay + timeout) of every entry that names it.

    `members` are in list order, and hold everybody whom entries name.
    """

    def __init__(self, members: Mapping[int, Member], eligible: Collection[int], entries: Iterable[Entry]) -> None:
        self._members = members
        self._places = {member: place for place, member in enumerate(members)}
        self._own = _own_windows(entries)
        """Of everybody, whether it may ring or not."""
        self._planned = {member: self._own[member] for member in members if member in eligible}
        """Of those who may, or might before."""
        self._coming = [(w.start, self._places[w.member], w) for own in self._planned.values() for w in own]
        """By start and place: a heap of what is still to open."""
        heapify(self._coming)
        self._open: dict[int, Window] = {}
        """The latest window of each member that has opened."""
        self._closing: list[tuple[float, int, int]] = []
        """By stop and place: a heap of members that ring, and of some that rang."""

    @property
    def windows(self) -> list[Window]:
        """One member's after the other's."""
        return [window for own in self._planned.values() for window in own]

    @property
    def due(self) -> float:
        """When somebody's time comes, or that of somebody who rings is over."""
        start = self._coming[0][0] if self.waits else float("inf")
        while self._closing and not self._members[self._closing[0][2]].legs:
            heappop(self._closing)
        return min(start, self._closing[0][0]) if self._closing else start

    @property
    def waits(self) -> bool:
        """Whether a window is still to open for somebody who has not declined."""
        while self._coming and self._members[self._coming[0][2].member].declined:
            heappop(self._coming)
        return bool(self._coming)

    def turn_to(self, at: float) -> Change:
        """Close and open what is due."""
        closed: list[int] = []
        while self._closing and self._closing[0][0] <= at:
            closed.append(heappop(self._closing)[2])
        opened: list[int] = []
        while self._coming and self._coming[0][0] <= at:
            window = heappop(self._coming)[2]
            if window.is_open(at):
                self._open[window.member] = window
                self._note_close(window)
                opened.append(window.member)
        return Change(closed, opened)

    def hurry(self, at: float) -> bool:
        """Nothing moves."""
        return False

    def join(self, member: int, at: float) -> None:
        """It has those of its windows that are not over."""
        if member not in self._planned:
            self._planned[member] = own = self._own[member]
            for window in own:
                heappush(self._coming, (window.start, self._places[member], window))
        elif not self._members[member].legs and self.is_open(member, at):
            self._note_close(self._open[member])

    def is_open(self, member: int, at: float) -> bool:
        """Whether one of its windows is open."""
        return member in self._open and self._open[member].is_open(at)

    def _note_close(self, window: Window) -> None:
        heappush(self._closing, (window.stop, self._places[window.member], window.member))


def _own_windows(entries: Iterable[Entry]) -> dict[int, list[Window]]:
    """Each member's own windows, those that overlap or touch made one; a timeout of 0 never rings."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for entry in entries:
        span = tidy(entry.delay), tidy(entry.delay + entry.timeout)
        for member in entry.members:
            own = spans.setdefault(member, [])
            if entry.timeout > 0:
                own.append(span)
    return {member: _merged(member, own) for member, own in spans.items()}


def _merged(member: int, spans: list[tuple[float, float]]) -> list[Window]:
    merged: list[Window] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1].stop:
            merged[-1] = Window(member, merged[-1].start, max(stop, merged[-1].stop))
        else:
            merged.append(Window(member, start, stop))
    return merged
