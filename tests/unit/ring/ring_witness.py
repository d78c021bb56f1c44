"""Watches a group ring and checks what must hold whatever happens and however late: R3 to R8 read off the trace.

It knows no windows and no turns, only what was asked for. `slack` is how late, in seconds, a deadline may be met.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ringdove.ring.engine import (
    Action,
    Answered,
    CallerGone,
    Diverted,
    Event,
    Failed,
    Finish,
    Outcome,
    Ring,
    Stop,
    Why,
    Win,
)
from ringdove.ring.plan import Entry, Strategy

NOISE = 1e-6


@dataclass
class Leg:
    member: int
    binding: str
    start: float
    stop: float | None = None


class Witness:
    """Takes every event with its actions, in seconds since the beginning."""

    def __init__(self, strategy: Strategy, timeout: float, entries: Sequence[Entry], slack: float = 0.0) -> None:
        self.strategy = strategy
        self.timeout = timeout
        self.entries = entries
        self.slack = slack + NOISE
        self.order = list(dict.fromkeys(m for entry in entries for m in entry.members))
        self.legs: dict[int, Leg] = {}
        self.ends: list[Win | Finish] = []
        self.declined: set[int] = set()
        self.ended_at = 0.0

    def ringing(self) -> dict[int, Leg]:
        return {number: leg for number, leg in self.legs.items() if leg.stop is None}

    def see(self, at: float, event: Event, actions: Sequence[Action]) -> None:
        assert not self.ends or not actions, "nothing more after the end"
        before = self.ringing()
        if isinstance(event, Failed) and event.leg in before:
            before[event.leg].stop = at
            if event.status >= 600:
                self.declined.add(before[event.leg].member)
        if isinstance(event, Diverted) and event.leg in before:
            before[event.leg].stop = at
        for action in actions:
            match action:
                case Ring(leg, member, binding):
                    assert leg not in self.legs
                    assert member not in self.declined
                    assert all((a.member, a.binding) != (member, binding) for a in self.ringing().values())
                    self.legs[leg] = Leg(member, binding, at)
                case Stop(leg, why):
                    self._stopped(leg, at)
                    assert (why is Why.ELSEWHERE) == any(isinstance(a, Win) for a in actions)  # R5
                    assert (why is Why.CALLER_GONE) == isinstance(event, CallerGone)
                    assert (why is Why.DIVERTED) == isinstance(event, Diverted)
                    if why is Why.DECLINED:
                        assert isinstance(event, Failed)
                        assert self.legs[leg].member == self.legs[event.leg].member
                        assert event.status >= 600
                    if why is Why.WINDOW_CLOSED and self.strategy in (Strategy.RING_ALL, Strategy.MEMORY_HUNT):
                        assert isinstance(actions[-1], Finish), "these ring until the common end"
                case Win(leg):
                    assert event == Answered(leg)
                    self._stopped(leg, at)
                    self.ends.append(action)
                case Finish(outcome, _, by):
                    assert (outcome is Outcome.ABANDONED) == isinstance(event, CallerGone)
                    assert (outcome is Outcome.DIVERTED) == isinstance(event, Diverted) == (by is not None)
                    assert not isinstance(event, Diverted) or by == self.legs[event.leg].member
                    self.ends.append(action)
        if self.strategy is Strategy.SEQUENTIALLY:
            assert len({leg.member for leg in self.ringing().values()}) <= 1
        if self.strategy is not Strategy.CUSTOM and not self.ends:
            assert self.ringing(), "dead air"  # R7
        if self.ends:
            self.ended_at = at

    def _stopped(self, number: int, at: float) -> None:
        assert self.legs[number].stop is None, "a leg ends once"
        self.legs[number].stop = at

    def sum_up(self) -> None:
        """To be called after the end."""
        assert len(self.ends) == 1
        assert not self.ringing(), "every leg ends"
        for member in self.order:
            own = [leg for leg in self.legs.values() if leg.member == member]
            if own:
                self._check_times(member, own)
        assert self.ended_at <= self._bound()
        if self.strategy is Strategy.SEQUENTIALLY:
            rung = list(dict.fromkeys(leg.member for leg in self.legs.values()))
            assert rung == sorted(rung, key=self.order.index)

    def _check_times(self, member: int, own: Sequence[Leg]) -> None:
        if self.strategy is Strategy.CUSTOM:
            spans = [(e.delay, e.delay + e.timeout) for e in self.entries if member in e.members and e.timeout > 0]
            for leg in own:
                self._check_covered(leg, spans)
        elif self.strategy is Strategy.SEQUENTIALLY:
            first, last = min(leg.start for leg in own), max(leg.stop or 0.0 for leg in own)
            assert last - first <= self.timeout + self.slack

    def _check_covered(self, leg: Leg, spans: Sequence[tuple[float, float]]) -> None:
        """Walk from span to span that overlap or touch, from the leg's start to its stop."""
        assert leg.stop is not None
        reached = leg.start
        while True:
            beyond = max((stop for start, stop in spans if start <= reached + NOISE), default=0.0)
            if leg.stop <= beyond + self.slack:
                break
            assert beyond > reached + NOISE, "rings outside its own times"
            reached = beyond
        assert any(start <= leg.start + NOISE and leg.start < stop + NOISE for start, stop in spans)

    def _bound(self) -> float:
        if self.strategy is Strategy.CUSTOM:
            return max((e.delay + e.timeout for e in self.entries if e.timeout > 0), default=0.0) + self.slack
        turns = len(self.order) if self.strategy.in_turn else 1
        return turns * (self.timeout + self.slack)
