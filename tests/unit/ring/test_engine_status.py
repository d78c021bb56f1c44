"""The most telling status: what the caller of a group that nobody took is told (outcome table)."""

import pytest

from ringdove.ring.eligibility import Skip, Standing
from ringdove.ring.engine import Finish, Outcome
from ringdove.ring.plan import Strategy
from unit.ring.ringing_group import OFFLINE, SKIPPED, RingingGroup, online

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
UNANSWERED = Finish(Outcome.UNANSWERED, 480)
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
