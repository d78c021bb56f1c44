"""The rules R1 to R6 and R10 as the engine keeps them, each test named after its rule; R7 to R9: test_engine_times."""

from collections.abc import Callable

import pytest

from ringdove.ring.eligibility import Skip, Standing
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
    Tick,
    Why,
    Win,
)
from ringdove.ring.plan import Entry, Strategy, Window
from unit.ring.ringing_group import CLOCK, OFFLINE, SKIPPED, RingingGroup, any_group, online, own_times

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
UNANSWERED = Finish(Outcome.UNANSWERED, 480)
IN_TURN = pytest.mark.parametrize("strategy", [SEQUENTIALLY, MEMORY_HUNT])
EVERY_STRATEGY = pytest.mark.parametrize("strategy", Strategy)


# R1: who is not eligible is skipped, with the reason


@EVERY_STRATEGY
@pytest.mark.parametrize("reason", SKIPPED)
def test_R1_skipped_with_the_reason(strategy: Strategy, reason: Skip) -> None:
    group = any_group(strategy, 2, standings={1: SKIPPED[reason]})
    assert group.first == [Skipped(1, reason), Ring(1, 2, "phone2")]


@EVERY_STRATEGY
def test_R1_busy_with_call_waiting_rings(strategy: Strategy) -> None:
    group = any_group(strategy, 1, standings={1: online(1, busy=True, call_waiting=True)})
    assert group.ringing == [1]


def test_R1_every_phone_of_a_member_rings() -> None:
    group = RingingGroup(RING_ALL, 1, standings={1: Standing(("desk", "mobile", "browser"))})
    assert group.first == [Ring(1, 1, "desk"), Ring(2, 1, "mobile"), Ring(3, 1, "browser")]


@IN_TURN
def test_R1_no_longer_eligible_when_its_turn_comes_is_skipped_then_and_the_next_comes_at_once(
    strategy: Strategy,
) -> None:
    group = RingingGroup(strategy)
    assert group.change(5, 2, online(2, dnd=True)) == []
    group.wait_until(20)
    assert 3 in group.ringing
    assert 2 not in group.ringing
    spans = group.wait_for_the_end()
    stop_of_first = 20 if strategy is SEQUENTIALLY else 40
    assert spans == [Window(1, 0, stop_of_first), Window(3, 20, 40)]


def test_R1_the_skip_at_its_turn_is_told_once() -> None:
    group = RingingGroup(MEMORY_HUNT)
    group.change(5, 2, online(2, dnd=True))
    assert group.wait() == [Skipped(2, Skip.DND), Ring(2, 3, "phone3")]
    assert group.change(21, 2, online(2, "mobile", dnd=True)) == []


@IN_TURN
def test_R1_when_the_last_member_is_no_longer_eligible_the_end_comes_at_its_turn(strategy: Strategy) -> None:
    group = RingingGroup(strategy)
    group.change(5, 3, OFFLINE)
    group.wait_until(39)
    assert Skipped(3, Skip.OFFLINE) in group.wait()
    assert group.end == UNANSWERED
    assert max(span.stop for span in group.spans) == 40


@IN_TURN
def test_R1_no_longer_eligible_and_back_before_its_turn_rings_in_its_turn(strategy: Strategy) -> None:
    group = RingingGroup(strategy)
    group.change(5, 2, OFFLINE)
    group.change(10, 2, online(2))
    group.wait_until(20)
    assert 2 in group.ringing


def test_R1_custom_no_longer_eligible_when_its_window_opens_is_skipped_in_that_window_only() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 60), (2, 10, 10), (2, 30, 10)))
    group.change(5, 2, online(2, dnd=True))
    assert group.wait() == [Skipped(2, Skip.DND)]
    group.change(25, 2, online(2))
    assert group.wait_for_the_end() == [Window(1, 0, 60), Window(2, 30, 40)]


@EVERY_STRATEGY
def test_R1_who_becomes_busy_while_it_rings_rings_on(strategy: Strategy) -> None:
    group = any_group(strategy, 1)
    assert group.change(5, 1, online(1, busy=True, call_waiting=False)) == []
    assert group.ringing == [1]


# R2: nobody online is something else than nobody eligible


@EVERY_STRATEGY
def test_R2_nobody_online(strategy: Strategy) -> None:
    group = any_group(strategy, 2, standings={1: OFFLINE, 2: OFFLINE})
    skips = [Skipped(1, Skip.OFFLINE), Skipped(2, Skip.OFFLINE)]
    assert group.first == [*skips, Finish(Outcome.NOBODY_ONLINE, 480)]


@EVERY_STRATEGY
def test_R2_the_caller_does_not_count_as_online(strategy: Strategy) -> None:
    group = any_group(strategy, 2, standings={1: online(1, is_caller=True), 2: OFFLINE})
    assert group.end == Finish(Outcome.NOBODY_ONLINE, 480)


def test_R2_a_group_without_members_has_nobody_online() -> None:
    assert RingingGroup(RING_ALL, []).end == Finish(Outcome.NOBODY_ONLINE, 480)


@EVERY_STRATEGY
@pytest.mark.parametrize("reason", [Skip.DISABLED, Skip.DND])
def test_R2_somebody_online_but_nobody_eligible(strategy: Strategy, reason: Skip) -> None:
    group = any_group(strategy, 2, standings={1: OFFLINE, 2: SKIPPED[reason]})
    assert group.end == Finish(Outcome.NOBODY_ELIGIBLE, 480)


def test_R2_custom_eligible_but_never_to_ring_fails_over_at_once() -> None:
    assert RingingGroup(CUSTOM, own_times((1, 10, 0))).end == UNANSWERED


# R3: one ringing each


@EVERY_STRATEGY
def test_R3_a_member_listed_twice_rings_once(strategy: Strategy) -> None:
    group = RingingGroup(strategy, [Entry((1,), 0, 20), Entry((2, 1), 0, 20)])
    group.wait_for_the_end()
    assert sorted(span.member for span in group.spans) == [1, 2]


@EVERY_STRATEGY
def test_R3_a_phone_does_not_ring_twice_when_its_member_stands_anew(strategy: Strategy) -> None:
    group = any_group(strategy, 1)
    assert group.change(5, 1, online(1)) == []


def test_R3_a_phone_that_comes_back_while_its_old_leg_rings_has_one_leg() -> None:
    group = RingingGroup(RING_ALL, 2)
    assert group.change(5, 1, OFFLINE) == []
    assert group.change(6, 1, online(1)) == [Stop(1, Why.REGISTERED_ANEW), Ring(3, 1, "phone1")]


# R4: first answer wins


@EVERY_STRATEGY
def test_R4_the_first_answer_wins_and_every_other_leg_stops(strategy: Strategy) -> None:
    group = any_group(strategy, 2, standings={1: online(1, "mobile")})
    others = sorted(set(group.legs) - {1})
    assert group.answer(3, 1) == [*(Stop(leg, Why.ELSEWHERE) for leg in others), Win(1)]


def test_R4_the_second_answer_loses() -> None:
    group = RingingGroup(RING_ALL, 2)
    second = group.leg(2)
    group.answer(3, 1)
    assert group.send(3, Answered(second)) == []


def test_R4_an_answer_that_crossed_the_stop_does_not_win() -> None:
    group = RingingGroup(SEQUENTIALLY, 2)
    late = group.leg(1)
    group.wait_until(20)
    assert group.send(20.01, Answered(late)) == []
    assert group.answer(21, 2) == [Win(2)]


def test_R4_an_answer_before_a_late_tick_wins() -> None:
    group = RingingGroup(SEQUENTIALLY, 2)
    assert group.answer(20.03, 1) == [Win(1)]


AFTERWARDS: list[Event] = [
    Begin(),
    Tick(),
    Answered(2),
    Failed(2, 486),
    Diverted(2),
    StandingChanged(3, Standing(("new",))),
    CallerGone(),
]


@EVERY_STRATEGY
@pytest.mark.parametrize("event", AFTERWARDS)
@pytest.mark.parametrize(
    "end", [lambda group: group.answer(1, 1), lambda group: group.caller_goes(1), RingingGroup.wait_for_the_end]
)
def test_R4_after_the_end_nothing_more(strategy: Strategy, event: Event, end: Callable[[RingingGroup], object]) -> None:
    group = any_group(strategy)
    end(group)
    assert group.send(100, event) == []
    assert group.deadline is None


@EVERY_STRATEGY
@pytest.mark.parametrize("leg", [0, 99])
def test_R4_legs_that_never_rang_are_ignored(strategy: Strategy, leg: int) -> None:
    group = any_group(strategy)
    assert group.send(1, Answered(leg)) == []
    assert group.send(1, Failed(leg, 603)) == []
    assert group.send(1, Diverted(leg)) == []
    assert group.send(1, StandingChanged(99, Standing(("phone",)))) == []
    assert group.answer(2, 1)[-1] == Win(1)


@EVERY_STRATEGY
def test_a_member_that_diverts_the_call_ends_the_ringing_and_is_named(strategy: Strategy) -> None:
    group = any_group(strategy)
    ringing = list(group.ringing)
    *stops, finish = group.send(1, Diverted(ringing[0]))
    assert stops == [Stop(leg, Why.DIVERTED) for leg in ringing[1:]]
    assert finish == Finish(Outcome.DIVERTED, 480, by=1)


# R5: only a lost race says answered elsewhere


def test_R5_only_a_lost_race_says_answered_elsewhere() -> None:
    ends: list[Callable[[RingingGroup], list[Action]]] = [
        lambda group: group.answer(5, 2),
        lambda group: group.caller_goes(5),
        lambda group: group.fail(5, 1, 603),
        lambda group: group.wait(),
    ]
    reasons = []
    for end in ends:
        group = RingingGroup(RING_ALL, 2, standings={1: online(1, "mobile")})
        reasons.append({action.why for action in end(group) if isinstance(action, Stop)})
    assert reasons == [{Why.ELSEWHERE}, {Why.CALLER_GONE}, {Why.DECLINED}, {Why.WINDOW_CLOSED}]


# R6: a refusal is local

REFUSALS = pytest.mark.parametrize("status", [302, 404, 408, 480, 486, 487, 500, 503, 600, 603, 604, 606, 607, 608])
GLOBAL = pytest.mark.parametrize("status", [600, 603, 604, 606, 607, 608])


@REFUSALS
def test_R6_a_refusal_never_ends_the_group(status: int) -> None:
    group = RingingGroup(RING_ALL, 3)
    assert group.fail(5, 2, status) == []
    assert group.ringing == [1, 3]


@GLOBAL
def test_R6_603_or_6xx_from_one_device_ends_the_member_and_its_other_legs(status: int) -> None:
    group = RingingGroup(RING_ALL, 2, standings={1: online(1, "mobile", "browser")})
    assert group.fail(5, 1, status) == [Stop(2, Why.DECLINED), Stop(3, Why.DECLINED)]
    assert group.ringing == [2]


@pytest.mark.parametrize("status", [302, 404, 408, 480, 486, 487, 500, 503])
def test_R6_another_failure_ends_only_that_leg(status: int) -> None:
    group = RingingGroup(RING_ALL, 1, standings={1: online(1, "mobile")})
    assert group.fail(5, 1, status) == []
    assert list(group.legs.values()) == [(1, "mobile")]


def test_R6_another_failure_ends_the_member_when_it_was_its_last() -> None:
    group = RingingGroup(SEQUENTIALLY, 2, standings={1: online(1, "mobile")})
    group.fail(5, 1)
    assert group.fail(6, 1, phone="mobile") == [Ring(3, 2, "phone2")]


@EVERY_STRATEGY
def test_R6_who_declined_is_not_rung_again_on_another_phone(strategy: Strategy) -> None:
    group = any_group(strategy, 2)
    group.fail(5, 1, 603)
    group.change(6, 1, Standing(("another",)))
    group.wait_for_the_end()
    assert [span.member for span in group.spans].count(1) == 1


def test_R6_custom_who_declined_is_not_rung_in_its_next_window() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (1, 20, 10), (2, 0, 60)))
    group.fail(5, 1, 603)
    assert group.wait_for_the_end() == [Window(1, 0, 5), Window(2, 0, 60)]


def test_R6_custom_who_was_busy_is_rung_in_its_next_window() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (1, 20, 10)))
    group.fail(5, 1, 486)
    assert group.wait_for_the_end() == [Window(1, 0, 5), Window(1, 20, 30)]


# R10: caller gone


@EVERY_STRATEGY
def test_R10_every_leg_stops_and_the_outcome_is_abandoned(strategy: Strategy) -> None:
    group = any_group(strategy, 1, standings={1: online(1, "mobile")})
    stops = [Stop(1, Why.CALLER_GONE), Stop(2, Why.CALLER_GONE)]
    assert group.caller_goes(5) == [*stops, Finish(Outcome.ABANDONED, 487)]


@EVERY_STRATEGY
def test_R10_before_ringing_begins(strategy: Strategy) -> None:
    group = any_group(strategy, begin=False)
    assert group.caller_goes(-1) == [Finish(Outcome.ABANDONED, 487)]
    assert group.send(0, Begin()) == []


def test_R10_while_nobody_rings_yet() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 20, 20)))
    assert group.caller_goes(5) == [Finish(Outcome.ABANDONED, 487)]


# Whatever else


def test_the_plan_as_it_stands_is_told() -> None:
    group = RingingGroup(SEQUENTIALLY, 2)
    assert group.engine.windows == [Window(1, 0, 20), Window(2, 20, 40)]
    group.fail(5, 1)
    assert group.engine.windows == [Window(1, 0, 5), Window(2, 5, 25)]
    assert group.engine.deadline == pytest.approx(CLOCK + 25)


@EVERY_STRATEGY
def test_R1_a_member_that_is_disabled_or_deleted_while_it_rings_rings_no_more(strategy: Strategy) -> None:
    group = any_group(strategy, 2)
    leg = group.leg(1)
    assert group.change(1.0, 1, online(1, enabled=False))[0] == Stop(leg, Why.REMOVED)
    assert 1 not in group.ringing


@pytest.mark.parametrize("now", ["dnd", "busy"])
def test_a_member_that_turns_dnd_or_busy_while_it_rings_rings_on(now: str) -> None:
    group = any_group(RING_ALL, 2)
    assert group.change(1.0, 1, online(1, **{now: True}, call_waiting=False)) == []
    assert sorted(group.ringing) == [1, 2]
