"""The rules of the ring group told a second time, without windows, in whole microseconds.

The engine has plans, which tell it what opens and what closes. The referee goes through everybody, and says after each
event who has to ring by whose turn it is and when the next one comes. Where both agree on every action, for random
groups and random events, the rules are kept. The referee is exact only when deadlines are met to the microsecond.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ringdove.ring.eligibility import Skip, Standing, skip_reason
from ringdove.ring.engine import (
    Action,
    Answered,
    Begin,
    CallerGone,
    Diverted,
    Event,
    Failed,
    Finish,
    Outcome,
    Ring,
    Skipped,
    StandingChanged,
    Stop,
    Why,
    Win,
)
from ringdove.ring.plan import Entry, Strategy


def microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def may_ring(s: Standing) -> bool:
    return bool(s.bindings and s.enabled and not s.is_caller and not s.dnd and (s.call_waiting or not s.busy))


@dataclass
class Person:
    standing: Standing
    legs: dict[int, str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    declined: bool = False
    promised: bool = False
    """Was eligible at some time since the beginning, so that its later skip is worth telling."""
    statuses: set[int] = field(default_factory=set)
    found_busy: bool = False

    @property
    def can_ring(self) -> bool:
        return may_ring(self.standing) and not self.declined

    @property
    def rings_or_will(self) -> bool:
        return bool(self.legs) or (self.can_ring and not self.tried.issuperset(self.standing.bindings))

    @property
    def word(self) -> int:
        if self.statuses & {603, 607, 608}:
            return 603
        return 486 if self.statuses & {486, 600} or self.found_busy else 480


@dataclass(frozen=True)
class Ruling:
    """What has to be done: who begins to ring, which legs stop and why, who is told as skipped, and how it ends."""

    rings: set[tuple[int, str]]
    stops: dict[int, Why]
    skips: list[tuple[int, Skip]]
    end: Win | Finish | None


class Referee:
    """Who has to ring, by the rules. Subclasses say whose time it is."""

    def __init__(self, timeout: float, entries: Sequence[Entry], standings: Mapping[int, Standing]) -> None:
        self.timeout = microseconds(timeout)
        self.entries = entries
        self.order = sorted(standings, key=[m for entry in entries for m in entry.members].index)
        self.people = {member: Person(standings[member]) for member in self.order}
        self.skips: list[tuple[int, Skip]] = []

    def begin(self) -> None:
        """Time starts."""

    def due(self, at: int) -> set[int]:
        """Moves on to `at`; returns whose time it is."""
        raise NotImplementedError

    def waits(self, at: int) -> bool:
        """Whether somebody's time is still to come although nobody rings."""
        raise NotImplementedError

    def next_change(self, at: int) -> int:
        """When the time of somebody comes or ends."""
        raise NotImplementedError

    def skip(self, member: int) -> None:
        """The member is to be told as skipped."""
        reason = skip_reason(self.people[member].standing)
        assert reason
        self.skips.append((member, reason))
        self.people[member].found_busy = reason is Skip.BUSY

    def judge(self, at: int, event: Event, actions: Sequence[Action]) -> None:
        """Fails unless the actions are what the rules ask for."""
        self._compare(actions, self.rule(at, event))
        for action in actions:
            if isinstance(action, Ring):
                self.rang(action.leg, action.member, action.binding)

    def rang(self, leg: int, member: int, binding: str) -> None:
        """What the last ruling asked to ring has this name from now on."""
        self.people[member].legs[leg] = binding

    def rule(self, at: int, event: Event) -> "Ruling":
        """What the rules ask for; then `rang` has to be told of every leg that rings."""
        self.skips = []
        stops: dict[int, Why] = {}
        end: Win | Finish | None = None
        match event:
            case Begin():
                for member, person in self.people.items():
                    person.promised = may_ring(person.standing)
                    if not person.promised:
                        self.skip(member)
                if not any(p.standing.bindings and not p.standing.is_caller for p in self.people.values()):
                    end = Finish(Outcome.NOBODY_ONLINE, 480)
                elif not any(p.promised for p in self.people.values()):
                    end = Finish(Outcome.NOBODY_ELIGIBLE, self._status())
                self.begin()
            case Answered(leg) if leg in self._legs():
                stops = dict.fromkeys(self._legs() - {leg}, Why.ELSEWHERE)
                end = Win(leg)
            case Failed(leg, status) if leg in self._legs():
                person = next(p for p in self.people.values() if leg in p.legs)
                del person.legs[leg]
                person.statuses.add(status)
                if status >= 600:
                    person.declined = True
                    stops = dict.fromkeys(person.legs, Why.DECLINED)
                    person.legs.clear()
            case StandingChanged(member, standing):
                person = self.people[member]
                person.standing = standing
                person.tried.intersection_update(standing.bindings)
                person.promised |= may_ring(standing)
                if not standing.enabled:
                    stops = dict.fromkeys(person.legs, Why.REMOVED)
                    person.legs.clear()
            case Diverted(leg) if leg in self._legs():
                by = next(member for member, p in self.people.items() if leg in p.legs)
                stops = dict.fromkeys(self._legs() - {leg}, Why.DIVERTED)
                end = Finish(Outcome.DIVERTED, 480, by)
            case CallerGone():
                stops = dict.fromkeys(self._legs(), Why.CALLER_GONE)
                end = Finish(Outcome.ABANDONED, 487)

        rings: set[tuple[int, str]] = set()
        if end is None:
            due = self.due(at)
            for member, person in self.people.items():
                if member not in due:
                    stops |= dict.fromkeys(person.legs, Why.WINDOW_CLOSED)
                    person.legs.clear()
                elif person.can_ring:
                    new = set(person.standing.bindings) - person.tried
                    old = [leg for leg, binding in person.legs.items() if binding in new]
                    stops |= dict.fromkeys(old, Why.REGISTERED_ANEW)
                    person.legs = {leg: binding for leg, binding in person.legs.items() if leg not in old}
                    person.tried |= new
                    rings |= {(member, binding) for binding in new}
                    person.found_busy &= not new
        if end is None and not rings and not self._legs() and not self.waits(at):
            end = Finish(Outcome.UNANSWERED, self._status())

        return Ruling(rings, stops, self.skips, end)

    def _compare(self, actions: Sequence[Action], ruling: "Ruling") -> None:
        rung = [action for action in actions if isinstance(action, Ring)]
        stopped = [action for action in actions if isinstance(action, Stop)]
        assert sorted((a.member, a.binding) for a in rung) == sorted(ruling.rings)
        assert sorted((a.leg, a.why) for a in stopped) == sorted(ruling.stops.items())
        assert sorted((a.member, a.reason) for a in actions if isinstance(a, Skipped)) == sorted(ruling.skips)
        assert [a for a in actions if isinstance(a, Win | Finish)] == ([ruling.end] if ruling.end else [])
        assert ruling.end is None or actions[-1] == ruling.end

    def _legs(self) -> set[int]:
        return {leg for person in self.people.values() for leg in person.legs}

    def _status(self) -> int:
        words = {p.word for p in self.people.values() if not p.standing.is_caller}
        return words.pop() if len(words) == 1 else 480


class InTurn(Referee):
    """A pointer into the member list, and when it moves on."""

    turn = -1
    moves_on = 0

    def whose(self) -> list[int]:
        raise NotImplementedError

    def due(self, at: int) -> set[int]:
        while at >= self.moves_on or not any(self.people[m].rings_or_will for m in self.whose()):
            if not self._move_on(at):
                return set()
        return set(self.whose())

    def _move_on(self, at: int) -> bool:
        self.moves_on = at + self.timeout
        while self.turn + 1 < len(self.order):
            self.turn += 1
            person = self.people[self.order[self.turn]]
            if may_ring(person.standing):
                return True
            if person.promised:
                self.skip(self.order[self.turn])
        return False

    def waits(self, at: int) -> bool:
        return False  # no dead air

    def next_change(self, at: int) -> int:
        return self.moves_on


class Sequentially(InTurn):
    def whose(self) -> list[int]:
        return self.order[max(0, self.turn) : self.turn + 1]


class MemoryHunt(InTurn):
    def whose(self) -> list[int]:
        return self.order[: self.turn + 1]


class RingAll(Referee):
    def due(self, at: int) -> set[int]:
        return set(self.order) if at < self.timeout else set()

    def waits(self, at: int) -> bool:
        return False

    def next_change(self, at: int) -> int:
        return self.timeout


class Custom(Referee):
    """Each member's seconds, laid over each other."""

    def begin(self) -> None:
        self.spans = {member: self._spans(member) for member in self.order}
        self.opened: set[tuple[int, int]] = set()

    def _spans(self, member: int) -> list[tuple[int, int]]:
        """Merged by counting: a span begins where the count of entries that want the member leaves 0."""
        own = [(microseconds(e.delay), microseconds(e.delay + e.timeout)) for e in self.entries if member in e.members]
        steps = sorted([(start, -1) for start, stop in own if start < stop] + [(s, 1) for b, s in own if b < s])
        spans, depth, began = [], 0, 0
        for at, step in steps:
            began = at if depth == 0 else began
            depth -= step
            if depth == 0:
                spans.append((began, at))
        return spans

    def due(self, at: int) -> set[int]:
        due = set()
        for member in self.order:
            person = self.people[member]
            for start, stop in self.spans[member]:
                if not start <= at < stop:
                    continue
                due.add(member)
                if person.promised and not person.declined and (member, start) not in self.opened:
                    self.opened.add((member, start))
                    person.tried.clear()
                    if not may_ring(person.standing):
                        self.skip(member)
        return due

    def _promises(self) -> list[tuple[int, int, int]]:
        return [
            (member, start, stop)
            for member, person in self.people.items()
            if person.promised and not person.declined
            for start, stop in self.spans[member]
        ]

    def waits(self, at: int) -> bool:
        return any(start > at for _, start, _ in self._promises())

    def next_change(self, at: int) -> int:
        starts = [start for _, start, _ in self._promises()]
        stops = [stop for member, _, stop in self._promises() if self.people[member].legs]
        return min(end for end in starts + stops if end > at)


REFEREES: dict[Strategy, type[Referee]] = {
    Strategy.RING_ALL: RingAll,
    Strategy.SEQUENTIALLY: Sequentially,
    Strategy.MEMORY_HUNT: MemoryHunt,
    Strategy.CUSTOM: Custom,
}
