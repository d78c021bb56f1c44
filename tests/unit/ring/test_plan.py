"""The ring plan: the table of design section 3, R3, and how windows move (R7) and make room (R9)."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.ring.plan import Entry, Strategy, Window, insert_turn, members, pull_forward, windows
from unit.ring.ring_cases import MEMBERS, custom_entry_lists, entry_lists, ring_timeouts, tenths, whole_seconds

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
SINGLES = [Entry((1,)), Entry((2,)), Entry((3,))]
EVERYBODY = frozenset(MEMBERS)


def microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def in_microseconds(planned: Sequence[Window]) -> list[tuple[int, int, int]]:
    return [(w.member, microseconds(w.start), microseconds(w.stop)) for w in planned]


# The table


def test_ring_all_rings_everybody_at_once() -> None:
    assert windows(RING_ALL, 60, SINGLES, EVERYBODY) == [Window(1, 0, 60), Window(2, 0, 60), Window(3, 0, 60)]


def test_sequentially_rings_one_after_the_other() -> None:
    assert windows(SEQUENTIALLY, 20, SINGLES, EVERYBODY) == [Window(1, 0, 20), Window(2, 20, 40), Window(3, 40, 60)]


def test_memory_hunt_earlier_members_keep_ringing() -> None:
    assert windows(MEMORY_HUNT, 20, SINGLES, EVERYBODY) == [Window(1, 0, 60), Window(2, 20, 60), Window(3, 40, 60)]


def test_custom_rings_each_entry_in_its_own_time() -> None:
    entries = [Entry((1, 2), delay=20, timeout=20), Entry((3,), delay=0, timeout=600)]
    assert windows(CUSTOM, 5, entries, EVERYBODY) == [Window(1, 20, 40), Window(2, 20, 40), Window(3, 0, 600)]


@pytest.mark.parametrize("strategy", Strategy)
def test_who_is_not_eligible_has_no_window(strategy: Strategy) -> None:
    entries = [Entry((m,), delay=5, timeout=10) for m in (1, 2, 3)]
    assert {w.member for w in windows(strategy, 20, entries, {1, 3})} == {1, 3}
    assert windows(strategy, 20, entries, ()) == []


def test_who_is_not_eligible_takes_no_turn() -> None:
    assert windows(SEQUENTIALLY, 20, SINGLES, {1, 3}) == [Window(1, 0, 20), Window(3, 20, 40)]
    assert windows(MEMORY_HUNT, 20, SINGLES, {2, 3}) == [Window(2, 0, 40), Window(3, 20, 40)]


# R3


def test_R3_a_member_listed_twice_or_through_a_group_rings_once() -> None:
    twice = [Entry((2,)), Entry((1, 2, 3)), Entry((3,)), Entry((1,))]
    assert members(twice) == [2, 1, 3]
    assert windows(SEQUENTIALLY, 10, twice, EVERYBODY) == [Window(2, 0, 10), Window(1, 10, 20), Window(3, 20, 30)]


@given(entry_lists, ring_timeouts, st.sampled_from([RING_ALL, SEQUENTIALLY, MEMORY_HUNT]))
def test_R3_one_window_each_in_list_order(entries: list[Entry], timeout: float, strategy: Strategy) -> None:
    rung = [w.member for w in windows(strategy, timeout, entries, EVERYBODY)]
    mentioned = [member for entry in entries for member in entry.members]
    assert len(rung) == len(set(rung))
    assert set(rung) == set(mentioned)
    assert rung == sorted(rung, key=mentioned.index)


# Custom merges what overlaps or touches


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([(0, 10), (5, 10)], [(0, 15)], id="overlapping"),
        pytest.param([(0, 10), (10, 10)], [(0, 20)], id="touching"),
        pytest.param([(0, 0.1), (0.1, 0.2), (0.3, 1)], [(0, 1.3)], id="touching in tenths"),
        pytest.param([(0, 30), (5, 10)], [(0, 30)], id="one within the other"),
        pytest.param([(5, 10), (5, 10)], [(5, 15)], id="the same twice"),
        pytest.param([(0, 10), (11, 10)], [(0, 10), (11, 21)], id="apart"),
        pytest.param([(20, 10), (0, 10)], [(0, 10), (20, 30)], id="listed backwards"),
        pytest.param([(0, 10), (20, 10), (5, 15)], [(0, 30)], id="bridged by a third"),
        pytest.param([(5, 0)], [], id="a timeout of 0 never rings"),
        pytest.param([(0, 10), (10, 0), (12, 5)], [(0, 10), (12, 17)], id="a timeout of 0 bridges nothing"),
        pytest.param([(600, 600)], [(600, 1200)], id="the largest of the page"),
    ],
)
def test_custom_windows_of_one_member(spans: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    entries = [Entry((1,), delay, timeout) for delay, timeout in spans]
    assert windows(CUSTOM, 0, entries, {1}) == [Window(1, start, stop) for start, stop in expected]


def test_custom_merges_per_member_only() -> None:
    entries = [Entry((1, 2), 0, 10), Entry((2, 3), 10, 10)]
    assert windows(CUSTOM, 0, entries, EVERYBODY) == [Window(1, 0, 10), Window(2, 0, 20), Window(3, 10, 20)]


@given(custom_entry_lists, st.sets(st.sampled_from(MEMBERS)))
def test_custom_rings_at_an_instant_exactly_who_an_entry_wants_then(entries: list[Entry], eligible: set[int]) -> None:
    planned = windows(CUSTOM, 30, entries, eligible)
    wanted = [
        (member, microseconds(e.delay), microseconds(e.delay + e.timeout)) for e in entries for member in e.members
    ]
    ends = {end for _, start, stop in wanted for end in (start, stop)}
    instants = ends | {end + 1 for end in ends} | {max(0, end - 1) for end in ends}
    for at in instants:
        should = {member for member, start, stop in wanted if member in eligible and start <= at < stop}
        assert {w.member for w in planned if w.is_open(at / 1_000_000)} == should


@given(custom_entry_lists)
def test_custom_windows_of_a_member_lie_apart(entries: list[Entry]) -> None:
    planned = windows(CUSTOM, 30, entries, EVERYBODY)
    for member in members(entries):
        own = [w for w in planned if w.member == member]
        assert all(w.start < w.stop for w in own)
        assert all(a.stop < b.start for a, b in pairwise(own))


# The table again, for any group, in whole microseconds


@given(st.permutations(MEMBERS), st.sets(st.sampled_from(MEMBERS)), ring_timeouts)
def test_windows_are_those_of_the_table(order: list[int], eligible: set[int], timeout: float) -> None:
    entries = [Entry((member,)) for member in order]
    turns = [member for member in order if member in eligible]
    n, t = len(turns), microseconds(timeout)
    table = {
        RING_ALL: [(m, 0, t) for m in turns],
        SEQUENTIALLY: [(m, i * t, (i + 1) * t) for i, m in enumerate(turns)],
        MEMORY_HUNT: [(m, i * t, n * t) for i, m in enumerate(turns)],
    }
    for strategy, expected in table.items():
        assert in_microseconds(windows(strategy, timeout, entries, eligible)) == expected


@given(st.integers(1, 50), tenths)
def test_one_window_ends_at_the_very_instant_the_next_begins(n: int, timeout: float) -> None:
    entries = [Entry((member,)) for member in range(n)]
    turns = windows(SEQUENTIALLY, timeout, entries, range(n))
    assert [w.stop for w in turns[:-1]] == [w.start for w in turns[1:]]
    assert all(w.start == round(w.start, 6) and w.stop == round(w.stop, 6) for w in turns)


def test_a_window_holds_its_start_and_not_its_stop() -> None:
    window = Window(1, 20, 40)
    assert [window.is_open(at) for at in (19.999999, 20, 39.999999, 40)] == [False, True, True, False]


# R7: pull_forward


def test_R7_sequentially_the_next_turn_starts_now_and_the_rest_move_with_it() -> None:
    planned = windows(SEQUENTIALLY, 20, SINGLES, EVERYBODY)
    assert pull_forward(planned, 5) == [Window(1, 0, 5), Window(2, 5, 25), Window(3, 25, 45)]


def test_R7_memory_hunt_the_common_end_moves_too() -> None:
    planned = windows(MEMORY_HUNT, 20, SINGLES, EVERYBODY)
    assert pull_forward(planned, 5) == [Window(1, 0, 45), Window(2, 5, 45), Window(3, 25, 45)]


def test_R7_what_is_over_stays_as_it_was() -> None:
    planned = pull_forward(windows(SEQUENTIALLY, 20, SINGLES, EVERYBODY), 5)
    assert pull_forward(planned, 10)[0] == Window(1, 0, 5)


def test_R7_after_the_last_turn_the_end_comes_now() -> None:
    planned = windows(MEMORY_HUNT, 20, SINGLES, EVERYBODY)
    assert pull_forward(planned, 45) == [Window(1, 0, 45), Window(2, 20, 45), Window(3, 40, 45)]


@given(st.sampled_from([SEQUENTIALLY, MEMORY_HUNT]), st.integers(1, 8), whole_seconds, st.floats(0, 0.999999))
def test_R7_pulling_forward_takes_away_the_wait_and_nothing_else(
    strategy: Strategy, n: int, timeout: float, share: float
) -> None:
    entries = [Entry((member,)) for member in range(n)]
    planned = windows(strategy, timeout, entries, range(n))
    at = round(share * n * timeout, 6)
    pulled = pull_forward(planned, at)
    gone = min([w.start for w in planned if w.start > at], default=planned[-1].stop) - at
    for before, after in zip(planned, pulled, strict=True):
        assert after.member == before.member
        if before.start > at:
            assert after.start == pytest.approx(before.start - gone)
            assert after.stop == pytest.approx(before.stop - gone)
        else:
            assert after.start == before.start
            assert after.stop == pytest.approx(before.stop if before.stop <= at else before.stop - gone)
    assert min((w.start for w in pulled if w.start >= at), default=at) == at


# R9: insert_turn


def turns(*spans: tuple[int, float, float]) -> list[Window]:
    return [Window(*span) for span in spans]


ORDER = (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("newcomer", "at", "expected"),
    [
        pytest.param(2, 5, turns((1, 0, 20), (2, 20, 40), (3, 40, 60)), id="between"),
        pytest.param(4, 5, turns((1, 0, 20), (3, 20, 40), (4, 40, 60)), id="behind the last"),
        pytest.param(4, 30, turns((1, 0, 20), (3, 20, 40), (4, 40, 60)), id="behind the last, which rings"),
        pytest.param(2, 30, turns((1, 0, 20), (3, 20, 40)), id="its turn has passed"),
        pytest.param(2, 20, turns((1, 0, 20), (3, 20, 40)), id="its turn has just passed"),
    ],
)
def test_R9_sequentially_a_newcomer_gets_its_turn(newcomer: int, at: float, expected: list[Window]) -> None:
    planned = turns((1, 0, 20), (3, 20, 40))
    assert insert_turn(planned, SEQUENTIALLY, 20, ORDER, newcomer, at) == expected


@pytest.mark.parametrize(
    ("newcomer", "at", "expected"),
    [
        pytest.param(2, 5, turns((1, 0, 60), (2, 20, 60), (3, 40, 60)), id="between"),
        pytest.param(4, 5, turns((1, 0, 60), (3, 20, 60), (4, 40, 60)), id="behind the last"),
        pytest.param(4, 30, turns((1, 0, 60), (3, 20, 60), (4, 40, 60)), id="behind the last, which rings"),
        pytest.param(2, 30, turns((1, 0, 40), (3, 20, 40), (2, 30, 40)), id="its turn has passed: it joins"),
        pytest.param(2, 20, turns((1, 0, 40), (3, 20, 40), (2, 20, 40)), id="its turn has just passed: it joins"),
        pytest.param(2, 40.01, turns((1, 0, 40), (3, 20, 40)), id="the end has passed unnoticed"),
    ],
)
def test_R9_memory_hunt_a_newcomer_gets_its_turn(newcomer: int, at: float, expected: list[Window]) -> None:
    planned = turns((1, 0, 40), (3, 20, 40))
    assert insert_turn(planned, MEMORY_HUNT, 20, ORDER, newcomer, at) == expected


@given(
    st.sampled_from([SEQUENTIALLY, MEMORY_HUNT]),
    st.permutations(MEMBERS),
    st.sets(st.sampled_from(MEMBERS)),
    whole_seconds,
)
def test_R9_who_registers_before_the_first_turn_ends_is_planned_like_all_others(
    strategy: Strategy, order: list[int], early: set[int], timeout: float
) -> None:
    first = {order[0]}
    entries = [Entry((member,)) for member in order]
    planned = windows(strategy, timeout, entries, first)
    for member in sorted(early - first):
        planned = insert_turn(planned, strategy, timeout, order, member, timeout / 2)
    assert planned == windows(strategy, timeout, entries, early | first)
