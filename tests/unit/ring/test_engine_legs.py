"""What a ring group does when its call has rung as many phones as one call may."""

import pytest

from ringdove.ring.eligibility import Skip, Standing
from ringdove.ring.engine import Finish, Outcome, Ring, Skipped
from ringdove.ring.plan import Strategy, Window
from unit.ring.ringing_group import OFFLINE, RingingGroup, online, own_times

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
BARRED = Skip.TOO_MANY_LEGS
UNANSWERED = Finish(Outcome.UNANSWERED, 480)


def test_whoever_comes_first_rings_and_the_others_are_skipped_with_the_reason() -> None:
    group = RingingGroup(RING_ALL, 3, most_legs=2)
    assert group.first == [Ring(1, 1, "phone1"), Ring(2, 2, "phone2"), Skipped(3, BARRED)]
    assert group.wait_for_the_end() == [Window(1, 0, 20), Window(2, 0, 20)]


def test_a_member_of_whom_one_phone_rings_is_not_skipped() -> None:
    group = RingingGroup(RING_ALL, 2, standings={1: Standing(("desk", "mobile"))}, most_legs=1)
    assert group.first == [Ring(1, 1, "desk"), Skipped(2, BARRED)]


def test_a_phone_that_registers_anew_again_and_again_rings_no_more_often_than_that() -> None:
    group = RingingGroup(RING_ALL, 1, most_legs=3)
    said = [action for at in range(10) for action in group.change(at, 1, Standing((f"address{at}",)))]
    assert [action.leg for action in said if isinstance(action, Ring)] == [2, 3]


@pytest.mark.parametrize(
    ("strategy", "spans"),
    [(SEQUENTIALLY, [Window(1, 0, 20), Window(2, 20, 40)]), (MEMORY_HUNT, [Window(1, 0, 40), Window(2, 20, 40)])],
)
def test_R7_the_turns_that_cannot_ring_are_passed_over(strategy: Strategy, spans: list[Window]) -> None:
    group = RingingGroup(strategy, 4, most_legs=2)
    assert group.wait_for_the_end() == spans
    assert group.end == UNANSWERED


def test_R7_memory_hunt_who_joins_and_cannot_ring_hurries_nobody() -> None:
    group = RingingGroup(MEMORY_HUNT, 3, standings={1: OFFLINE}, most_legs=1)
    assert group.change(5, 1, online(1)) == [Skipped(1, BARRED)]
    assert group.ringing == [2]
    assert group.deadline == 20


def test_R7_own_times_are_not_waited_for_when_none_of_them_can_ring() -> None:
    group = RingingGroup(CUSTOM, own_times((1, 0, 10), (2, 30, 10), (3, 60, 10)), most_legs=1)
    assert group.wait_for_the_end() == [Window(1, 0, 10)]
    assert group.end == UNANSWERED
    assert group.engine.deadline is None


def test_with_none_left_the_group_is_left_at_once() -> None:
    group = RingingGroup(RING_ALL, 2, most_legs=0)
    assert group.first == [Skipped(1, BARRED), Skipped(2, BARRED), UNANSWERED]


def test_who_is_not_eligible_takes_nobodys_place() -> None:
    group = RingingGroup(RING_ALL, 3, standings={1: online(1, dnd=True)}, most_legs=2)
    assert group.ringing == [2, 3]
