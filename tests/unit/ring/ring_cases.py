"""Hypothesis strategies: groups of every kind and what may be known of their members."""

from hypothesis import strategies as st

from ringdove.ring.eligibility import Standing
from ringdove.ring.plan import Entry, Strategy

MEMBERS = range(1, 9)

whole_seconds = st.integers(1, 60).map(float)
tenths = st.integers(1, 100).map(lambda n: n / 10)
"""0.1 + 0.2 is not 0.3: ends that should meet have to meet nevertheless."""
ring_timeouts = whole_seconds | tenths

spans = st.sampled_from([0.0, 5.0, 10.0, 20.0, 30.0])
"""Few values, so that custom windows often overlap, touch or are empty."""
custom_spans = spans | st.integers(0, 600).map(float) | st.integers(0, 50).map(lambda n: n / 10)


def _entries(delays: st.SearchStrategy[float], timeouts: st.SearchStrategy[float]) -> st.SearchStrategy[list[Entry]]:
    some_members = st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=4).map(tuple)
    return st.lists(st.builds(Entry, some_members, delays, timeouts), min_size=1, max_size=6)


entry_lists = _entries(st.just(0.0), st.just(0.0))
custom_entry_lists = _entries(custom_spans, custom_spans)


def entry_lists_for(strategy: Strategy) -> st.SearchStrategy[list[Entry]]:
    """Member lists as the strategy has them; members appear more than once."""
    return custom_entry_lists if strategy is Strategy.CUSTOM else entry_lists


phones = st.lists(st.sampled_from(["desk", "mobile", "browser"]), max_size=3, unique=True).map(tuple)
some_phones = st.sampled_from([("desk",), ("desk", "mobile"), ("mobile",)])
good_standings = st.builds(Standing, some_phones)
any_standings = st.builds(Standing, phones, st.booleans(), st.booleans(), st.booleans(), st.booleans())
standings = good_standings | any_standings
