"""The rules R1 to R10 as the engine keeps them, each test named after its rule."""

from collections.abc import Callable

import pytest
from ringing_group import CLOCK, OFFLINE, RingingGroup, online

from ringdove.ring.eligibility import Skip, Standing
from ringdove.ring.engine import (
    Answered,
    Begin,
    CallerGone,
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

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
UNANSWERED = Finish(Outcome.UNANSWERED, 480)
IN_TURN = pytest.mark.parametrize("strategy", [SEQUENTIALLY, MEMORY_HUNT])
EVERY_STRATEGY = pytest.mark.parametrize("strategy", Strategy)


def own_times(*spans: tuple[int, float, float]) -> list[Entry]:
    """A custom member list: member, delay, timeout."""
    return [Entry((member,), delay, timeout) for member, delay, timeout in spans]


def any_group(strategy: Strategy, members: int = 3, **more: object) -> RingingGroup:
    """A group in which, at the beginning, everybody or the first member rings."""
    return RingingGroup(strategy, own_times(*((m, 0, 20) for m in range(1, members + 1))), **more)  # type: ignore[arg-type]


# R1: who is not eligible is skipped, with the reason

SKIPPED = {
    Skip.CALLER: Standing(("phone",), is_caller=True),
    Skip.DISABLED: Standing(("phone",), enabled=False),
    Skip.OFFLINE: Standing(),
    Skip.DND: Standing(("phone",), dnd=True),
    Skip.BUSY: Standing(("phone",), busy=True, call_waiting=False),
}


@EVERY_STRATEGY
@pytest.mark.parametrize("reason", Skip)
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
    assert group.send(1, StandingChanged(99, Standing(("phone",)))) == []
    assert group.answer(2, 1)[-1] == Win(1)


# R5: only a lost race says answered elsewhere


def test_R5_only_a_lost_race_says_answered_elsewhere() -> None:
    reasons = []
    for end in (
        lambda group: group.answer(5, 2),
        lambda group: group.caller_goes(5),
        lambda group: group.fail(5, 1, 603),
        lambda group: group.wait(),
    ):
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


# R7: no dead air


def test_R7_sequentially_the_next_rings_as_soon_as_nobody_does() -> None:
    group = RingingGroup(SEQUENTIALLY)
    assert group.fail(5, 1, 486) == [Ring(2, 2, "phone2")]
    assert group.wait_for_the_end() == [Window(1, 0, 5), Window(2, 5, 25), Window(3, 25, 45)]


def test_R7_memory_hunt_the_next_rings_as_soon_as_nobody_does() -> None:
    group = RingingGroup(MEMORY_HUNT)
    assert group.fail(5, 1, 486) == [Ring(2, 2, "phone2")]
    assert group.wait_for_the_end() == [Window(1, 0, 5), Window(2, 5, 45), Window(3, 25, 45)]


def test_R7_memory_hunt_while_an_earlier_member_rings_nothing_moves() -> None:
    group = RingingGroup(MEMORY_HUNT)
    group.wait_until(20)
    assert group.fail(25, 2, 486) == []
    assert group.wait_for_the_end() == [Window(1, 0, 60), Window(2, 20, 25), Window(3, 40, 60)]


@IN_TURN
def test_R7_passes_over_several_that_are_gone(strategy: Strategy) -> None:
    group = RingingGroup(strategy, 4)
    group.change(1, 2, OFFLINE)
    group.change(2, 3, online(3, dnd=True))
    skips = [Skipped(2, Skip.OFFLINE), Skipped(3, Skip.DND)]
    assert group.fail(5, 1) == [*skips, Ring(2, 4, "phone4")]


@EVERY_STRATEGY
def test_R7_when_the_last_has_refused_the_group_ends_at_once(strategy: Strategy) -> None:
    group = any_group(strategy, 2)
    group.fail(1, 1)
    assert group.fail(2, 2) == [UNANSWERED]


@IN_TURN
def test_R7_when_all_that_are_to_come_are_gone_the_group_ends_at_once(strategy: Strategy) -> None:
    group = RingingGroup(strategy)
    group.change(1, 2, OFFLINE)
    group.change(2, 3, OFFLINE)
    assert group.fail(5, 1)[-1] == UNANSWERED


def test_R7_custom_times_are_promises_and_do_not_move() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (2, 30, 10)))
    assert group.fail(5, 1) == []
    assert group.deadline == 30
    assert group.wait_for_the_end() == [Window(1, 0, 5), Window(2, 30, 40)]


def test_R7_custom_nobody_rings_before_the_first_delay() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 20, 20)))
    assert group.first == []
    assert group.wait_for_the_end() == [Window(1, 20, 40)]


def test_R7_custom_the_windows_of_who_declined_are_not_waited_for() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (1, 20, 10)))
    assert group.fail(5, 1, 603) == [Finish(Outcome.UNANSWERED, 603)]


# R8: stop means stop


@EVERY_STRATEGY
def test_R8_when_the_last_window_closes_its_legs_stop_and_the_group_ends(strategy: Strategy) -> None:
    group = any_group(strategy, 1, standings={1: online(1, "mobile")})
    assert group.wait() == [Stop(1, Why.WINDOW_CLOSED), Stop(2, Why.WINDOW_CLOSED), UNANSWERED]


def test_R8_sequentially_one_stops_before_the_next_rings() -> None:
    group = RingingGroup(SEQUENTIALLY)
    assert group.wait() == [Stop(1, Why.WINDOW_CLOSED), Ring(2, 2, "phone2")]


def test_R8_custom_each_stops_in_its_own_time() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (2, 5, 15), (3, 0, 30), (3, 5, 5)))
    assert group.wait_for_the_end() == [Window(1, 0, 10), Window(3, 0, 30), Window(2, 5, 20)]


@EVERY_STRATEGY
def test_R8_deadlines_lead_to_the_end(strategy: Strategy) -> None:
    group = any_group(strategy)
    times = []
    while group.deadline is not None:
        times.append(group.deadline)
        group.wait()
    assert times == sorted(set(times))
    assert times[-1] == (60 if strategy.in_turn else 20)
    assert group.end == UNANSWERED


@EVERY_STRATEGY
def test_R8_an_early_tick_changes_nothing(strategy: Strategy) -> None:
    group = any_group(strategy)
    deadline = group.deadline
    assert group.send(19.999, Tick()) == []
    assert group.deadline == deadline


@EVERY_STRATEGY
def test_R8_a_tick_early_by_less_than_a_microsecond_is_on_time(strategy: Strategy) -> None:
    group = any_group(strategy)
    assert group.send(20 - 4e-7, Tick()) != []


def test_R8_a_late_tick_shortens_nobody_and_moves_nothing() -> None:
    group = RingingGroup(SEQUENTIALLY)
    group.send(20.05, Tick())
    assert group.ringing == [2]
    assert group.deadline == 40


@EVERY_STRATEGY
def test_R8_an_event_that_means_nothing_does_not_hide_a_deadline_that_has_passed(strategy: Strategy) -> None:
    group = any_group(strategy, 2)
    group.send(20.03, Failed(99, 480))
    assert group.ringing == {RING_ALL: [], SEQUENTIALLY: [2], MEMORY_HUNT: [1, 2], CUSTOM: []}[strategy]


@EVERY_STRATEGY
def test_R8_a_second_beginning_is_ignored(strategy: Strategy) -> None:
    group = any_group(strategy)
    deadline = group.deadline
    assert group.send(5, Begin()) == []
    assert group.deadline == deadline


@pytest.mark.parametrize("timeout", [0.1, 0.7, 1.1, 3.3])
@IN_TURN
def test_R8_fractions_of_seconds_meet(strategy: Strategy, timeout: float) -> None:
    group = RingingGroup(strategy, 8, timeout=timeout)
    ticks = 0
    while group.end is None:
        group.wait()
        ticks += 1
    assert ticks == 8


def test_R8_at_its_stop_and_start_a_window_makes_one_deadline() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0.1, 0.2), (2, 0.3, 1)))
    group.wait_until(0.1)
    assert group.wait() == [Stop(1, Why.WINDOW_CLOSED), Ring(2, 2, "phone2")]


# R9: late join


@pytest.mark.parametrize("strategy", [RING_ALL, CUSTOM])
def test_R9_who_registers_while_its_window_is_open_starts_to_ring_until_its_stop(strategy: Strategy) -> None:
    group = any_group(strategy, 2, standings={2: OFFLINE})
    assert group.change(5, 2, online(2)) == [Ring(2, 2, "phone2")]
    assert group.wait_for_the_end() == [Window(1, 0, 20), Window(2, 5, 20)]


def test_R9_custom_before_its_window_it_waits() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 20), (2, 10, 5)), standings={2: OFFLINE})
    assert group.change(5, 2, online(2)) == []
    assert group.wait_for_the_end() == [Window(1, 0, 20), Window(2, 10, 15)]


def test_R9_custom_after_its_window_it_does_not_ring() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 20), (2, 0, 5)), standings={2: OFFLINE})
    assert group.change(5, 2, online(2)) == []
    assert group.wait_for_the_end() == [Window(1, 0, 20)]


def test_R9_custom_between_its_windows_it_rings_in_the_second() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 60), (2, 0, 5), (2, 30, 5)), standings={2: OFFLINE})
    group.change(10, 2, online(2))
    assert group.wait_for_the_end() == [Window(1, 0, 60), Window(2, 30, 35)]


def test_R9_sequentially_before_its_turn_it_gets_its_turn() -> None:
    group = RingingGroup(SEQUENTIALLY, standings={2: OFFLINE})
    assert group.change(5, 2, online(2)) == []
    assert group.wait_for_the_end() == [Window(1, 0, 20), Window(2, 20, 40), Window(3, 40, 60)]


def test_R9_sequentially_after_its_turn_the_hunt_goes_on_without_it() -> None:
    group = RingingGroup(SEQUENTIALLY, standings={1: OFFLINE})
    assert group.change(5, 1, online(1)) == []
    assert group.wait_for_the_end() == [Window(2, 0, 20), Window(3, 20, 40)]


def test_R9_sequentially_the_last_of_the_list_joins_while_the_one_before_rings() -> None:
    group = RingingGroup(SEQUENTIALLY, 2, standings={2: OFFLINE})
    group.change(15, 2, online(2))
    assert group.wait_for_the_end() == [Window(1, 0, 20), Window(2, 20, 40)]


def test_R9_memory_hunt_before_its_turn_it_gets_its_turn() -> None:
    group = RingingGroup(MEMORY_HUNT, standings={2: OFFLINE})
    assert group.change(5, 2, online(2)) == []
    assert group.wait_for_the_end() == [Window(1, 0, 60), Window(2, 20, 60), Window(3, 40, 60)]


def test_R9_memory_hunt_after_its_turn_it_rings_at_once() -> None:
    group = RingingGroup(MEMORY_HUNT, standings={1: OFFLINE})
    group.wait_until(20)
    assert group.change(25, 1, online(1)) == [Ring(3, 1, "phone1")]
    assert group.wait_for_the_end() == [Window(2, 0, 40), Window(3, 20, 40), Window(1, 25, 40)]


def test_R9_memory_hunt_who_was_skipped_at_its_turn_rings_when_it_comes_back() -> None:
    group = RingingGroup(MEMORY_HUNT)
    group.change(5, 2, OFFLINE)
    group.wait_until(20)
    assert group.change(25, 2, online(2)) == [Ring(3, 2, "phone2")]


@EVERY_STRATEGY
def test_R9_a_second_phone_of_a_ringing_member_rings_too(strategy: Strategy) -> None:
    group = any_group(strategy, 1)
    assert group.change(5, 1, online(1, "mobile")) == [Ring(2, 1, "mobile")]
    assert group.wait_for_the_end() == [Window(1, 0, 20), Window(1, 5, 20)]


@EVERY_STRATEGY
def test_R9_a_phone_that_vanished_and_registers_under_the_same_key_rings_again(strategy: Strategy) -> None:
    group = any_group(strategy, 1, standings={1: online(1, "mobile")})
    group.change(5, 1, Standing(("mobile",)))
    group.fail(6, 1, 408)
    assert group.change(7, 1, online(1, "mobile")) == [Ring(3, 1, "phone1")]


@EVERY_STRATEGY
def test_R9_a_phone_that_refused_and_stayed_is_not_rung_again(strategy: Strategy) -> None:
    group = any_group(strategy, 1, standings={1: online(1, "mobile")})
    group.fail(5, 1, 486)
    assert group.change(6, 1, online(1, "mobile")) == []


def test_R9_memory_hunt_a_member_whose_only_phone_failed_joins_again_when_it_registers_anew() -> None:
    group = RingingGroup(MEMORY_HUNT)
    group.wait_until(20)
    group.fail(25, 1, 503)
    group.change(26, 1, OFFLINE)
    assert group.change(27, 1, online(1)) == [Ring(3, 1, "phone1")]


@pytest.mark.parametrize("before", [Skip.BUSY, Skip.DND, Skip.DISABLED])
@pytest.mark.parametrize("strategy", [RING_ALL, CUSTOM])
def test_R9_who_becomes_free_while_its_window_is_open_starts_to_ring(strategy: Strategy, before: Skip) -> None:
    group = any_group(strategy, 2, standings={2: SKIPPED[before]})
    assert group.change(5, 2, online(2)) == [Ring(2, 2, "phone2")]


def test_R9_the_caller_never_joins() -> None:
    group = RingingGroup(RING_ALL, 2, standings={2: online(2, is_caller=True)})
    assert group.change(5, 2, online(2, "mobile", is_caller=True)) == []


@EVERY_STRATEGY
def test_R9_who_registers_before_ringing_begins_is_rung_from_the_beginning(strategy: Strategy) -> None:
    group = any_group(strategy, 1, standings={1: OFFLINE}, begin=False)
    assert group.change(-5, 1, online(1)) == []
    assert group.engine.windows == []
    assert group.deadline is None
    assert group.send(0, Begin()) == [Ring(1, 1, "phone1")]
    assert group.wait_for_the_end() == [Window(1, 0, 20)]


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


# The most telling status (outcome table)

BUSY = SKIPPED[Skip.BUSY]
DND = SKIPPED[Skip.DND]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([486, 486], 486),
        ([600, 486], 486),
        ([603, 603], 603),
        ([603, 607, 608], 603),
        ([486, 603], 480),
        ([486, 480], 480),
        ([603, 408], 480),
        ([503, 503], 480),
        ([404, 500, 302], 480),
        ([486], 486),
        ([603], 603),
        ([604], 480),
    ],
)
def test_most_telling_status_of_what_the_members_said(statuses: list[int], expected: int) -> None:
    group = RingingGroup(RING_ALL, len(statuses))
    for member, status in enumerate(statuses, start=1):
        group.fail(member, member, status)
    assert group.end == Finish(Outcome.UNANSWERED, expected)


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ({1: BUSY, 2: BUSY}, 486),
        ({1: BUSY, 2: SKIPPED[Skip.CALLER]}, 486),
        ({1: BUSY, 2: DND}, 480),
        ({1: BUSY, 2: OFFLINE}, 480),
        ({1: DND, 2: DND}, 480),
    ],
)
def test_most_telling_status_when_nobody_is_eligible(standings: dict[int, Standing], expected: int) -> None:
    group = RingingGroup(RING_ALL, 2, standings=standings)
    assert group.end == Finish(Outcome.NOBODY_ELIGIBLE, expected)


def test_most_telling_status_busy_by_our_books_and_busy_by_the_phone() -> None:
    group = RingingGroup(RING_ALL, 2, standings={1: BUSY})
    group.fail(1, 2, 486)
    assert group.end == Finish(Outcome.UNANSWERED, 486)


@pytest.mark.parametrize(("first", "second", "expected"), [(486, 480, 486), (480, 486, 486), (486, 603, 603)])
def test_most_telling_status_of_one_member_with_two_phones(first: int, second: int, expected: int) -> None:
    group = RingingGroup(RING_ALL, 1, standings={1: online(1, "mobile")})
    group.fail(1, 1, first)
    group.fail(2, 1, second, phone="mobile")
    assert group.end == Finish(Outcome.UNANSWERED, expected)


def test_most_telling_status_who_rang_in_vain_was_not_busy() -> None:
    group = RingingGroup(RING_ALL, 2)
    group.fail(1, 1, 486)
    group.wait()
    assert group.end == UNANSWERED


def test_most_telling_status_who_became_free_and_rang_in_vain_was_not_busy() -> None:
    group = RingingGroup(MEMORY_HUNT, 2, standings={1: BUSY})
    group.change(1, 1, online(1))
    group.fail(2, 2, 486)
    group.wait()
    assert group.end == UNANSWERED


def test_the_plan_as_it_stands_is_told() -> None:
    group = RingingGroup(SEQUENTIALLY, 2)
    assert group.engine.windows == [Window(1, 0, 20), Window(2, 20, 40)]
    group.fail(5, 1)
    assert group.engine.windows == [Window(1, 0, 5), Window(2, 5, 25)]
    assert group.engine.deadline == pytest.approx(CLOCK + 25)
