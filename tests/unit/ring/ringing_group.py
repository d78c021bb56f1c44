"""A group that rings, for tests: sends events to an engine at given seconds and keeps the books of who rings."""

from collections.abc import Iterable, Mapping

from ringdove.ring.eligibility import Skip, Standing
from ringdove.ring.engine import (
    Action,
    Answered,
    Begin,
    CallerGone,
    Engine,
    Event,
    Failed,
    Finish,
    Ring,
    StandingChanged,
    Stop,
    Tick,
    Win,
)
from ringdove.ring.plan import Entry, Strategy, Window

CLOCK = 12345.678
"""A monotonic clock is never at 0 when a call comes, and its sums are never exact."""


def online(member: int, *more: str, **known: bool) -> Standing:
    """A member with one phone, `more` of them by name, and what else is known of it."""
    return Standing((f"phone{member}", *more), **known)


OFFLINE = Standing()

SKIPPED = {
    Skip.CALLER: Standing(("phone",), is_caller=True),
    Skip.DISABLED: Standing(("phone",), enabled=False),
    Skip.OFFLINE: Standing(),
    Skip.DND: Standing(("phone",), dnd=True),
    Skip.BUSY: Standing(("phone",), busy=True, call_waiting=False),
}


class RingingGroup:
    """`members` are numbered from 1 and have one phone each where `standings` says nothing else."""

    def __init__(
        self,
        strategy: Strategy,
        members: int | Iterable[Entry] = 3,
        *,
        timeout: float = 20.0,
        standings: Mapping[int, Standing] | None = None,
        begin: bool = True,
        most_legs: float = float("inf"),
    ) -> None:
        entries = [Entry((m,)) for m in range(1, members + 1)] if isinstance(members, int) else list(members)
        everyone = {member for entry in entries for member in entry.members}
        known = {member: online(member) for member in everyone} | dict(standings or {})
        self.engine = Engine(strategy, timeout, entries, known, most_legs=most_legs)
        self.legs: dict[int, tuple[int, str]] = {}
        """Legs that ring, each with its member and binding."""
        self.spans: list[Window] = []
        """Who rang from when to when."""
        self.end: Finish | Win | None = None
        self._since: dict[int, float] = {}
        self.first = self.send(0, Begin()) if begin else []

    @property
    def ringing(self) -> list[int]:
        """The members that ring."""
        return sorted({member for member, _ in self.legs.values()})

    @property
    def deadline(self) -> float | None:
        """Of the engine, in seconds since the beginning."""
        due = self.engine.deadline
        return None if due is None else round(due - CLOCK, 6)

    def leg(self, member: int, phone: str | None = None) -> int:
        """The leg that rings at a member, or at one of its phones."""
        (leg,) = [leg for leg, rung in self.legs.items() if rung == (member, phone or f"phone{member}")]
        return leg

    def send(self, at: float, event: Event) -> list[Action]:
        """One event at so many seconds since the beginning."""
        if isinstance(event, Failed) and event.leg in self.legs:
            self._over(event.leg, at)
        actions = self.engine.handle(event, CLOCK + at)
        for action in actions:
            match action:
                case Ring(leg, member, binding):
                    self.legs[leg] = member, binding
                    self._since[leg] = at
                case Stop(leg):
                    self._over(leg, at)
                case Win(leg):
                    self._over(leg, at)
                    self.end = action
                case Finish():
                    self.end = action
        return actions

    def fail(self, at: float, member: int, status: int = 480, phone: str | None = None) -> list[Action]:
        """A phone of a member refuses."""
        return self.send(at, Failed(self.leg(member, phone), status))

    def answer(self, at: float, member: int, phone: str | None = None) -> list[Action]:
        """A phone of a member is picked up."""
        return self.send(at, Answered(self.leg(member, phone)))

    def change(self, at: float, member: int, standing: Standing) -> list[Action]:
        """A member registers, goes, becomes busy …"""
        return self.send(at, StandingChanged(member, standing))

    def caller_goes(self, at: float) -> list[Action]:
        """The caller hangs up."""
        return self.send(at, CallerGone())

    def wait(self) -> list[Action]:
        """Nothing happens until the deadline."""
        due = self.deadline
        assert due is not None
        actions = self.send(due, Tick())
        assert self.deadline is None or self.deadline > due, "a deadline that stays makes a busy loop"
        return actions

    def wait_until(self, at: float) -> None:
        """Nothing happens until then."""
        while self.deadline is not None and self.deadline <= at:
            self.wait()

    def wait_for_the_end(self) -> list[Window]:
        """Nothing happens any more; returns who rang from when to when, in the order of the beginnings."""
        self.wait_until(float("inf"))
        assert self.end is not None
        assert not self.legs
        return sorted(self.spans, key=lambda span: (span.start, span.member))

    def _over(self, leg: int, at: float) -> None:
        member, _ = self.legs.pop(leg)
        self.spans.append(Window(member, self._since.pop(leg), at))


def own_times(*spans: tuple[int, float, float]) -> list[Entry]:
    """A custom member list: member, delay, timeout."""
    return [Entry((member,), delay, timeout) for member, delay, timeout in spans]


def any_group(
    strategy: Strategy, members: int = 3, *, standings: Mapping[int, Standing] | None = None, begin: bool = True
) -> RingingGroup:
    """A group in which, at the beginning, everybody or the first member rings, for 20 seconds."""
    entries = own_times(*((member, 0, 20) for member in range(1, members + 1)))
    return RingingGroup(strategy, entries, standings=standings, begin=begin)
