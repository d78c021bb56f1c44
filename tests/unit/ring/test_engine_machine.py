"""The engine under random groups and random orders of events, on a clock that looks like a real one.

`PunctualGroup` meets every deadline and is judged action by action; `LateGroup` meets them up to 50 ms late, with
other events in between, and is only watched.
"""

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ringdove.ring import plan
from ringdove.ring.eligibility import Standing
from ringdove.ring.engine import (
    Answered,
    Begin,
    CallerGone,
    Diverted,
    Engine,
    Event,
    Failed,
    Finish,
    Outcome,
    Ring,
    StandingChanged,
    Stop,
    Tick,
    Win,
)
from ringdove.ring.plan import Strategy, Window
from support.ring_referee import REFEREES, Referee
from unit.ring.ring_cases import entry_lists_for, good_standings, ring_timeouts, standings
from unit.ring.ring_witness import Witness

MICROSECOND = 1e-6
STATUSES = [302, 404, 408, 480, 486, 500, 503, 600, 603, 607, 608]

clocks = st.sampled_from([0.0, 12345.678, 86400.1, 3_000_000.3]) | st.floats(0, 1e6)
strategies = st.sampled_from(Strategy)
legs = st.integers(0, 7)
"""Which of the legs that ring, counted round."""


class GroupMachine(RuleBasedStateMachine):
    """Time is kept in whole microseconds since the beginning; the engine sees only sums of floats."""

    lateness: ClassVar[int]

    @initialize(data=st.data(), clock=clocks, strategy=strategies, timeout=ring_timeouts, good=st.booleans())
    def begin(self, data: st.DataObject, clock: float, strategy: Strategy, timeout: float, good: bool) -> None:
        entries = data.draw(entry_lists_for(strategy), label="entries")
        self.members = plan.members(entries)
        known = {m: data.draw(good_standings if good else standings, label=f"member {m}") for m in self.members}
        self.clock = clock
        self.at = 0
        self.engine = Engine(strategy, timeout, entries, known)
        self.witness = Witness(strategy, timeout, entries, self.lateness * MICROSECOND)
        self.referee: Referee | None = None if self.lateness else REFEREES[strategy](timeout, entries, known)
        self.ticks_left = 2 + 4 * sum(len(entry.members) for entry in entries)
        self.send(Begin())

    # What is checked after each event

    def send(self, event: Event) -> None:
        now = self.clock + self.at * MICROSECOND
        over = bool(self.witness.ends)
        actions = self.engine.handle(event, now)
        self.witness.see(self.at * MICROSECOND, event, actions)
        if self.referee and not over:
            self.referee.judge(self.at, event, actions)
        due = self.engine.deadline
        assert (due is None) == bool(self.witness.ends), "a deadline until the end, none after it"
        if due is not None:
            assert due > now, "a deadline in the past makes a busy loop"
            if self.referee:
                assert self.due() <= self.referee.next_change(self.at)

    def due(self) -> int:
        assert self.engine.deadline is not None
        return round((self.engine.deadline - self.clock) / MICROSECOND)

    def running(self) -> bool:
        return not self.witness.ends

    # What may happen

    @precondition(running)
    @rule(share=st.floats(0, 0.999), tick=st.booleans())
    def some_time_passes(self, share: float, tick: bool) -> None:
        if self.due() > self.at:
            self.at += int((self.due() - self.at) * share)
        if tick:
            self.send(Tick())

    @precondition(running)
    @rule(data=st.data(), tick=st.booleans())
    def the_deadline_comes(self, data: st.DataObject, tick: bool) -> None:
        if self.due() > self.at:
            self.at = self.due() + (data.draw(st.integers(0, self.lateness), label="late") if self.lateness else 0)
        if tick or not self.lateness:
            self.send(Tick())

    @precondition(running)
    @rule(which=legs, status=st.sampled_from(STATUSES))
    def a_leg_fails(self, which: int, status: int) -> None:
        if ringing := list(self.witness.ringing()):
            self.send(Failed(ringing[which % len(ringing)], status))

    @precondition(running)
    @rule(which=legs, standing=standings)
    def a_member_changes(self, which: int, standing: Standing) -> None:
        self.send(StandingChanged(self.members[which % len(self.members)], standing))

    @precondition(running)
    @rule(which=legs, standing=good_standings)
    def a_member_registers(self, which: int, standing: Standing) -> None:
        self.send(StandingChanged(self.members[which % len(self.members)], standing))

    @rule(which=st.integers(0, 40), status=st.sampled_from(STATUSES), answered=st.booleans())
    def a_leg_that_is_over_speaks(self, which: int, status: int, answered: bool) -> None:
        if which not in self.witness.ringing():
            self.send(Answered(which) if answered else Failed(which, status))

    @precondition(running)
    @rule(chance=st.integers(0, 5), which=legs)
    def somebody_answers(self, chance: int, which: int) -> None:
        ringing = list(self.witness.ringing())
        if chance == 0 and ringing:
            self.send(Answered(ringing[which % len(ringing)]))

    @precondition(running)
    @rule(chance=st.integers(0, 10), which=legs)
    def somebody_sends_it_to_voicemail(self, chance: int, which: int) -> None:
        ringing = list(self.witness.ringing())
        if chance == 0 and ringing:
            self.send(Diverted(ringing[which % len(ringing)]))

    @precondition(running)
    @rule(chance=st.integers(0, 10))
    def the_caller_goes(self, chance: int) -> None:
        if chance == 0:
            self.send(CallerGone())

    def teardown(self) -> None:
        """From here on nobody acts: deadlines alone lead to the end."""
        if not hasattr(self, "witness"):
            return
        while self.running():
            self.ticks_left -= 1
            assert self.ticks_left, "it does not end"
            self.at = max(self.at, self.due())
            self.send(Tick())
        self.witness.sum_up()
        for event in (Tick(), CallerGone(), StandingChanged(self.members[0], Standing(("new",)))):
            self.send(event)


class PunctualGroup(GroupMachine):
    lateness = 0


class LateGroup(GroupMachine):
    lateness = 50_000


MACHINE = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

TestPunctualGroup = PunctualGroup.TestCase
TestPunctualGroup.settings = MACHINE
TestLateGroup = LateGroup.TestCase
TestLateGroup.settings = MACHINE


# Silent phones: what is seen is what was planned


@given(data=st.data(), strategy=strategies, timeout=ring_timeouts, clock=clocks)
def test_R8_silent_phones_ring_exactly_in_their_windows(
    data: st.DataObject, strategy: Strategy, timeout: float, clock: float
) -> None:
    entries = data.draw(entry_lists_for(strategy))
    everyone = plan.members(entries)
    eligible = data.draw(st.sets(st.sampled_from(everyone), min_size=1))
    engine = Engine(strategy, timeout, entries, {m: Standing(("phone",) if m in eligible else ()) for m in everyone})
    seen: list[Window] = []
    ringing: dict[int, tuple[int, float]] = {}
    event: Event = Begin()
    now, end = clock, None
    planned: list[Window] = []
    while end is None:
        at = round(now - clock, 6)
        actions = engine.handle(event, now)
        planned = planned or engine.windows
        for action in actions:
            match action:
                case Ring(leg, member):
                    ringing[leg] = member, at
                case Stop(leg):
                    seen.append(Window(*ringing.pop(leg), at))
                case Finish():
                    end = action
        event, now = Tick(), engine.deadline or now
    assert sorted(seen, key=lambda w: (w.member, w.start)) == sorted(planned, key=lambda w: (w.member, w.start))
    assert end == Finish(Outcome.UNANSWERED, 480)


@given(data=st.data(), strategy=strategies, timeout=st.integers(5, 60).map(float), clock=clocks)
def test_R7_R9_what_is_told_of_the_plan_after_refusals_and_registrations_comes_true(
    data: st.DataObject, strategy: Strategy, timeout: float, clock: float
) -> None:
    entries = data.draw(entry_lists_for(strategy))
    everyone = plan.members(entries)
    early = data.draw(st.sets(st.sampled_from(everyone), min_size=1))
    engine = Engine(strategy, timeout, entries, {m: Standing(("phone",) if m in early else ()) for m in everyone})
    witness = Witness(strategy, timeout, entries)

    def send(at: float, event: Event) -> None:
        witness.see(at, event, engine.handle(event, clock + at))

    send(0, Begin())
    for at, late in enumerate(data.draw(st.lists(st.none() | st.sampled_from(everyone), max_size=4)), start=1):
        ringing = list(witness.ringing())
        if late is not None:
            send(at, StandingChanged(late, Standing(("phone",))))
        elif ringing:
            send(at, Failed(ringing[0], 486))
    now = 4.0
    told = {(w.member, round(w.start, 5), round(w.stop, 5)) for w in engine.windows if w.start > now}
    while engine.deadline is not None:
        now = max(now, engine.deadline - clock)
        send(now, Tick())
    seen = {(leg.member, round(leg.start, 5), round(leg.stop or 0, 5)) for leg in witness.legs.values()}
    assert told <= seen


# R4: two answers at once, in every order, with everything else that may cross them


@pytest.mark.parametrize("strategy", [Strategy.RING_ALL, Strategy.MEMORY_HUNT, Strategy.CUSTOM])
@given(order=st.permutations([Answered(1), Answered(2), Answered(3), Failed(1, 603), Failed(2, 486), Tick()]))
def test_R4_exactly_one_wins_under_every_interleaving(strategy: Strategy, order: list[Event]) -> None:
    entries = [plan.Entry((1, 2), 0, 20)]
    engine = Engine(strategy, 20, entries, {1: Standing(("desk", "mobile")), 2: Standing(("phone",))})
    engine.handle(Begin(), 12345.678)
    if strategy is Strategy.MEMORY_HUNT:
        engine.handle(Tick(), 12345.678 + 20)
    legs = {1, 2, 3}
    wins = []
    for event in order:
        actions = engine.handle(event, 12345.678 + 20.5 if strategy.in_turn else 12345.678 + 1.5)
        if isinstance(event, Failed):
            legs.discard(event.leg)
        for action in actions:
            match action:
                case Stop(leg):
                    legs.remove(leg)
                case Win(leg):
                    legs.remove(leg)
                    wins.append(leg)
    assert len(wins) == 1
    assert not legs
