"""How much of something is taken."""

from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.budget import Budget


@given(st.integers(1, 100), st.integers(1, 100), st.lists(st.floats(0, 2), max_size=300))
def test_no_span_of_time_takes_more_than_a_burst_and_the_rate(rate: int, burst: int, pauses: list[float]) -> None:
    budget, now, taken = Budget(rate, burst), 1000.0, []
    for pause in pauses:
        now += pause
        if budget.takes(now):
            taken.append(now)
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], first):
            assert last - first + 1 <= burst + rate * (end - begin) + 1e-6


@given(st.integers(1, 100), st.lists(st.floats(0, 2), max_size=300))
def test_who_stays_within_the_rate_is_never_refused(rate: int, pauses: list[float]) -> None:
    budget, now = Budget(rate, 2), 1000.0
    for pause in pauses:
        assert budget.takes(now)
        now += 1 / rate + pause
