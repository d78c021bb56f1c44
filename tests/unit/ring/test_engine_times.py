"""The rules of time as the engine keeps them, each test named after its rule: R7, R8 and R9."""

import pytest

from ringdove.ring.eligibility import Skip, Standing
from ringdove.ring.engine import Begin, Failed, Finish, Outcome, Ring, Skipped, Stop, Tick, Why
from ringdove.ring.plan import Strategy, Window
from unit.ring.ringing_group import OFFLINE, SKIPPED, RingingGroup, any_group, online, own_times

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
UNANSWERED = Finish(Outcome.UNANSWERED, 480)
IN_TURN = pytest.mark.parametrize("strategy", [SEQUENTIALLY, MEMORY_HUNT])
EVERY_STRATEGY = pytest.mark.parametrize("strategy", Strategy)


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


def test_R8_a_tick_later_than_a_whole_turn_does_not_end_the_member_that_it_starts() -> None:
    group = RingingGroup(MEMORY_HUNT)
    group.change(5, 2, OFFLINE)
    group.send(45, Tick())
    assert group.ringing == [1, 3]
    assert group.deadline == 60


def test_R8_custom_a_tick_that_slept_through_a_pause_ends_one_ringing_and_begins_another() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (1, 20, 10)))
    assert group.send(25, Tick()) == [Stop(1, Why.WINDOW_CLOSED), Ring(2, 1, "phone1")]


def test_R8_custom_nobody_is_woken_for_the_end_of_who_has_refused() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 60), (2, 0, 20)))
    group.fail(5, 2, 486)
    assert group.deadline == 60


def test_R8_custom_who_refused_and_registers_anew_rings_until_its_stop() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 60), (2, 0, 20)))
    group.fail(5, 2, 486)
    assert group.deadline == 60
    group.change(6, 2, OFFLINE)
    assert group.change(7, 2, online(2)) == [Ring(3, 2, "phone2")]
    assert group.deadline == 20
    assert group.wait() == [Stop(3, Why.WINDOW_CLOSED)]


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


def test_R9_memory_hunt_who_joins_as_a_turn_is_passed_over_does_not_take_it() -> None:
    group = RingingGroup(MEMORY_HUNT, 4, standings={1: OFFLINE})
    group.change(5, 3, OFFLINE)
    assert group.change(20, 1, online(1)) == [
        Skipped(3, Skip.OFFLINE),
        Ring(2, 4, "phone4"),
        Ring(3, 1, "phone1"),
    ]


def test_R9_memory_hunt_who_joins_as_the_end_comes_is_not_rung() -> None:
    group = RingingGroup(MEMORY_HUNT, 3, standings={1: OFFLINE})
    group.change(5, 3, OFFLINE)
    assert group.change(20, 1, online(1)) == [Skipped(3, Skip.OFFLINE), Stop(1, Why.WINDOW_CLOSED), UNANSWERED]


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
