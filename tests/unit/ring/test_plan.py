"""The ring plan: the table of design section 3, R3, and how windows move (R7) and make room (R9)."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.ring.eligibility import Standing
from ringdove.ring.engine import Begin, Engine
from ringdove.ring.hunt import Hunt
from ringdove.ring.plan import Entry, Strategy, Window, members
from unit.ring.ring_cases import MEMBERS, custom_entry_lists, entry_lists, ring_timeouts, tenths, whole_seconds

RING_ALL, SEQUENTIALLY, MEMORY_HUNT, CUSTOM = Strategy
SINGLES = [Entry((1,)), Entry((2,)), Entry((3,))]
EVERYBODY = frozenset(MEMBERS)


def windows(strategy: Strategy, timeout: float, entries: Sequence[Entry], eligible: Collection[int]) -> list[Window]:
    """The plan as it is when ringing begins."""
    known = {member: Standing(("phone",) if member in eligible else ()) for member in members(entries)}
    engine = Engine(strategy, timeout, entries, known)
    engine.handle(Begin(), 12345.678)
    return engine.windows


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


# Hunts: turns move, and make room

HUNTS = pytest.mark.parametrize("strategy", [SEQUENTIALLY, MEMORY_HUNT])


def hunt(strategy: Strategy, order: Sequence[int], eligible: Collection[int], timeout: float = 20) -> Hunt:
    begun = Hunt(order, eligible, timeout, gathers=strategy is MEMORY_HUNT)
    begun.turn_to(0)
    return begun


def hurried(strategy: Strategy, *times: float) -> Hunt:
    """A hunt of three, in which at these times nobody rings any more."""
    begun = hunt(strategy, (1, 2, 3), (1, 2, 3))
    for at in times:
        begun.turn_to(at)
        assert begun.hurry(at)
        begun.turn_to(at)
    return begun


def test_R7_sequentially_the_next_turn_starts_now_and_the_rest_move_with_it() -> None:
    assert hurried(SEQUENTIALLY, 5).windows == [Window(1, 0, 5), Window(2, 5, 25), Window(3, 25, 45)]


def test_R7_memory_hunt_the_common_end_moves_too() -> None:
    assert hurried(MEMORY_HUNT, 5).windows == [Window(1, 0, 45), Window(2, 5, 45), Window(3, 25, 45)]


def test_R7_what_is_over_stays_as_it_was() -> None:
    assert hurried(SEQUENTIALLY, 5, 10).windows == [Window(1, 0, 5), Window(2, 5, 10), Window(3, 10, 30)]


@HUNTS
def test_R7_after_the_last_turn_the_end_comes_now(strategy: Strategy) -> None:
    over = hurried(strategy, 45)
    first, second = (45, 45) if strategy is MEMORY_HUNT else (20, 40)
    assert over.windows == [Window(1, 0, first), Window(2, 20, second), Window(3, 40, 45)]
    assert not over.hurry(45)
    assert not any(over.is_open(member, 45) for member in (1, 2, 3))


@HUNTS
def test_a_change_is_told_once(strategy: Strategy) -> None:
    begun = Hunt((1, 2), (1, 2), 20, gathers=strategy is MEMORY_HUNT)
    told = [begun.turn_to(at) for at in (0, 0, 19, 20, 21, 40, 41)]
    turn, end = ([], [1, 2]) if strategy is MEMORY_HUNT else ([1], [2])
    assert told == [([], [1]), ([], []), ([], []), (turn, [2]), ([], []), (end, []), ([], [])]


@given(st.sampled_from([SEQUENTIALLY, MEMORY_HUNT]), st.integers(1, 8), whole_seconds, st.floats(0, 0.999999))
def test_R7_hurrying_takes_away_the_wait_and_nothing_else(
    strategy: Strategy, n: int, timeout: float, share: float
) -> None:
    begun = hunt(strategy, range(n), range(n), timeout)
    planned = begun.windows
    at = round(share * n * timeout, 6)
    begun.turn_to(at)
    assert begun.windows == planned, "time alone moves nothing"
    assert begun.hurry(at)
    begun.turn_to(at)
    moved = begun.windows
    gone = min([w.start for w in planned if w.start > at], default=planned[-1].stop) - at
    for before, after in zip(planned, moved, strict=True):
        assert after.member == before.member
        if before.start > at:
            assert after.start == pytest.approx(before.start - gone)
            assert after.stop == pytest.approx(before.stop - gone)
        else:
            assert after.start == before.start
            assert after.stop == pytest.approx(before.stop if before.stop <= at else before.stop - gone)
    assert min((w.start for w in moved if w.start >= at), default=at) == at


def turns(*spans: tuple[int, float, float]) -> list[Window]:
    return [Window(*span) for span in spans]


ORDER = (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("newcomer", "at", "expected"),
    [
        pytest.param(2, 5, turns((1, 0, 20), (2, 20, 40), (3, 40, 60)), id="between"),
        pytest.param(4, 5, turns((1, 0, 20), (3, 20, 40), (4, 40, 60)), id="behind the last"),
        pytest.param(4, 30, turns((1, 0, 20), (3, 20, 40), (4, 40, 60)), id="behind the last, which rings"),
        pytest.param(4, 40.01, turns((1, 0, 20), (3, 20, 40), (4, 40, 60)), id="the end has passed unnoticed"),
        pytest.param(2, 30, turns((1, 0, 20), (3, 20, 40)), id="its turn has passed"),
        pytest.param(2, 20, turns((1, 0, 20), (3, 20, 40)), id="its turn has just passed"),
        pytest.param(3, 5, turns((1, 0, 20), (3, 20, 40)), id="it has its turn already"),
    ],
)
def test_R9_sequentially_a_newcomer_gets_its_turn(newcomer: int, at: float, expected: list[Window]) -> None:
    begun = hunt(SEQUENTIALLY, ORDER, (1, 3))
    begun.join(newcomer, at)
    assert begun.windows == expected


@pytest.mark.parametrize(
    ("newcomer", "at", "expected"),
    [
        pytest.param(2, 5, turns((1, 0, 60), (2, 20, 60), (3, 40, 60)), id="between"),
        pytest.param(4, 5, turns((1, 0, 60), (3, 20, 60), (4, 40, 60)), id="behind the last"),
        pytest.param(4, 30, turns((1, 0, 60), (3, 20, 60), (4, 40, 60)), id="behind the last, which rings"),
        pytest.param(4, 40.01, turns((1, 0, 60), (3, 20, 60), (4, 40, 60)), id="the end, passed unnoticed, is put off"),
        pytest.param(2, 30, turns((1, 0, 40), (3, 20, 40), (2, 30, 40)), id="its turn has passed: it joins"),
        pytest.param(2, 20, turns((1, 0, 40), (3, 20, 40), (2, 20, 40)), id="its turn has just passed: it joins"),
        pytest.param(2, 40.01, turns((1, 0, 40), (3, 20, 40)), id="the end has passed unnoticed"),
        pytest.param(3, 5, turns((1, 0, 40), (3, 20, 40)), id="it has its turn already"),
        pytest.param(1, 30, turns((1, 0, 40), (3, 20, 40)), id="it rings already"),
    ],
)
def test_R9_memory_hunt_a_newcomer_gets_its_turn(newcomer: int, at: float, expected: list[Window]) -> None:
    begun = hunt(MEMORY_HUNT, ORDER, (1, 3))
    begun.join(newcomer, at)
    assert begun.windows == expected


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
    begun = hunt(strategy, order, first, timeout)
    for member in sorted(early - first):
        begun.join(member, timeout / 2)
    assert begun.windows == windows(strategy, timeout, [Entry((member,)) for member in order], early | first)
