"""Reception statistics (RFC 3550 appendices A.1, A.3, A.8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.reception import MAX_DROPOUT, MAX_MISORDER, Reception


def received(*numbers: int, first: int | None = None) -> Reception:
    """A source of which these numbers came, each at the time its stamp says."""
    reception = Reception(1, numbers[0] if first is None else first)
    for number in numbers:
        assert reception.take(number % 65536, number * 160 % (1 << 32), 8000, number * 0.02)
    return reception


def test_what_came_in_order_lost_nothing() -> None:
    reception = received(*range(65_530, 65_550))
    assert reception.lost == 0
    assert reception.report().highest == 65_549
    assert reception.jitter == pytest.approx(0, abs=1e-6)


def test_gaps_are_lost_and_late_packets_are_not() -> None:
    assert received(1, 2, 5, 6).lost == 2
    assert received(1, 2, 5, 4, 6).lost == 1
    assert received(1, 2, 3, 3, 3).lost == -2


@given(st.integers(0, 65_535), st.sets(st.integers(1, 400)))
def test_lost_is_what_is_missing_up_to_the_highest(base: int, came: set[int]) -> None:
    numbers = [base, *(base + number for number in sorted(came))]
    reception = received(*numbers, first=base)
    assert reception.lost == max({0} | came) - len(came)
    assert reception.report().highest == numbers[-1]


def test_the_fraction_is_of_the_time_since_the_last_report() -> None:
    reception = received(0, 1, 2, 4)  # one of five
    assert reception.report()[1:3] == (256 // 5, 1)
    assert reception.report()[1:3] == (0, 1)
    for number in (5, 7, 9, 11):  # three of seven
        reception.take(number, 0, 0, 0.0)
    assert reception.report()[1:3] == (3 * 256 // 7, 4)


def test_jitter_is_smoothed_over_sixteen_packets() -> None:
    reception = received(0, 1)
    reception.take(2, 320, 8000, 0.05)  # 10 ms late
    assert reception.jitter == pytest.approx(0.01 / 16)
    reception.take(3, 480, 8000, 0.06)  # on time, 10 ms less than before
    assert reception.jitter == pytest.approx(0.01 / 16 + (0.01 - 0.01 / 16) / 16)
    assert reception.report().jitter == int(8000 * reception.jitter)


def test_jitter_is_not_judged_by_named_events_nor_by_a_stamp_set_anew() -> None:
    reception = received(0, 1)
    reception.take(2, 99, 0, 7.0)
    reception.take(3, 480, 8000, 0.06)
    reception.take(4, 1 << 31, 8000, 0.08)
    assert reception.jitter == pytest.approx(0, abs=1e-6)


def test_jitter_counts_over_the_end_of_time_stamps() -> None:
    reception = Reception(1, 0)
    for number in range(10):
        reception.take(number, ((1 << 32) - 320 + 160 * number) % (1 << 32), 8000, 0.02 * number)
    assert reception.jitter == pytest.approx(0, abs=1e-6)


def test_a_number_far_off_is_not_of_the_source_unless_the_next_follows_it() -> None:
    reception = received(1000, 1001)
    assert not reception.take(1001 + MAX_DROPOUT, 0, 0, 0.0)
    assert not reception.restarts(1001 + MAX_DROPOUT)
    assert not reception.restarts(30_000)
    assert reception.restarts(30_001)
    assert reception.take(1001 + MAX_DROPOUT - 1, 0, 0, 0.0)
    assert reception.take(1001 + MAX_DROPOUT - 1 - (MAX_MISORDER - 1), 0, 0, 0.0)
    assert not reception.take(1001 + MAX_DROPOUT - 1 - (MAX_MISORDER + 1), 0, 0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, (1 << 32) - 1), st.sampled_from([0, 8000, 48_000]))))
def test_no_sequence_of_packets_makes_a_report_that_cannot_be_written(packets: list[tuple[int, int, int]]) -> None:
    reception = Reception(1, 0)
    for now, (number, timestamp, clock) in enumerate(packets):
        reception.take(number, timestamp, clock, float(now))
    block = reception.report()
    assert 0 <= block.fraction <= 255
    assert 0 <= block.jitter < 1 << 32
    assert 0 <= block.highest < 1 << 32
