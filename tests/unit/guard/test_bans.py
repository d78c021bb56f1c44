"""Sources that fail too often have to wait, and are heard again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.guard.bans import Ban, BanRules, Bans
from ringdove.guard.rates import RateRules, Rates
from ringdove.guard.sources import Recent, source_of

RULES = BanRules(failures=3, window=100.0, first=10.0, longest=35.0, memory=1000.0, most=4)


def fail(bans: Bans, source: str, now: float, times: int = RULES.failures) -> None:
    for _ in range(times):
        bans.failed(source, "REGISTER", "1000", now)


def test_so_many_failures_within_the_window_ban_a_source_and_no_other() -> None:
    bans = Bans(RULES)
    assert bans.failed("a", "REGISTER", "1000", 0.0) is None
    assert bans.failed("a", "REGISTER", "1000", 1.0) is None
    ban = bans.failed("a", "INVITE", "1000", 2.0)
    assert ban is not None
    assert (ban.source, ban.reason, ban.failures, ban.since, ban.until, ban.times) == ("a", "INVITE", 3, 2.0, 12.0, 1)
    assert bans.of("a", 11.9) == ban
    assert bans.of("b", 2.0) is None
    assert bans.active(2.0) == [ban]
    assert bans.total == {"INVITE": 1}


def test_a_ban_ends_by_itself() -> None:
    bans = Bans(RULES)
    fail(bans, "a", 0.0)
    assert bans.of("a", 10.0) is None
    assert bans.active(10.0) == []


def test_failures_that_are_far_apart_ban_nobody() -> None:
    bans = Bans(RULES)
    assert [bans.failed("a", "REGISTER", "1000", at) for at in (0.0, 50.0, 100.0, 150.0)] == [None] * 4


def test_a_success_forgives_no_failures_at_something_else() -> None:
    bans = Bans(RULES)
    for at in range(3):
        bans.failed("a", "REGISTER", "1000", float(at))
        bans.succeeded("a", "1001")
    ban = bans.of("a", 2.0)
    assert ban is not None
    assert ban.tried == ("1000",)


def test_a_ban_tells_a_few_of_the_last_things_that_were_tried_and_whoever_wants_to_know() -> None:
    bans = Bans(BanRules(failures=8))
    told: list[Ban] = []
    bans.on_ban = told.append
    for name in ("a", "b", "c", "d", "e", "f", "f", "x" * 1000):
        bans.failed("192.0.2.7", "REGISTER", name, 0.0)
    assert [ban.tried for ban in told] == [("x" * 127, "f", "e", "d", "c")]


def test_a_success_makes_failures_slips() -> None:
    bans = Bans(RULES)
    fail(bans, "a", 0.0, times=2)
    bans.succeeded("a", "1000")
    fail(bans, "a", 1.0, times=2)
    assert bans.of("a", 1.0) is None


def test_each_ban_is_twice_as_long_as_the_one_before_up_to_the_longest_and_forgotten_in_time() -> None:
    bans, now, lasted = Bans(RULES), 0.0, []
    for _ in range(4):
        fail(bans, "a", now)
        ban = bans.of("a", now)
        assert ban is not None
        lasted.append(ban.until - ban.since)
        now = ban.until
    assert lasted == [10.0, 20.0, 35.0, 35.0]
    fail(bans, "a", now + RULES.memory)
    ban = bans.of("a", now + RULES.memory)
    assert ban is not None
    assert ban.times == 1


def test_failures_of_the_banned_count_for_nothing() -> None:
    bans = Bans(RULES)
    fail(bans, "a", 0.0)
    fail(bans, "a", 9.0, times=10)
    assert bans.of("a", 10.0) is None


def test_a_lifted_ban_leaves_nothing_behind() -> None:
    bans = Bans(RULES)
    fail(bans, "a", 0.0)
    assert bans.lift("a", 1.0)
    assert not bans.lift("a", 1.0)
    fail(bans, "a", 1.0)
    ban = bans.of("a", 1.0)
    assert ban is not None
    assert ban.times == 1


def test_no_more_sources_are_remembered_than_the_rules_say() -> None:
    bans = Bans(RULES)
    for i in range(50):
        fail(bans, f"source {i}", float(i))
    assert [ban.source for ban in bans.active(0.0)] == [f"source {i}" for i in range(46, 50)]


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_an_ipv4_address_or_an_ipv6_network_is_a_source(host: str, source: str) -> None:
    assert source_of(host) == source


def test_a_burst_is_let_and_then_so_many_a_second() -> None:
    rates = Rates(RateRules(source=10.0, burst=20.0))
    for _ in range(20):
        assert rates.has_left("a", 0.0)
        rates.spend("a", 0.0)
    assert not rates.has_left("a", 0.05)
    assert rates.has_left("b", 0.0)
    assert rates.has_left("a", 0.1)
    rates.spend("a", 0.1)
    assert not rates.has_left("a", 0.15)


def test_all_strangers_together_have_a_rate_too() -> None:
    rates = Rates(RateRules(total=10.0, total_burst=5.0))
    for i in range(5):
        rates.spend(f"source {i}", 0.0)
    assert not rates.has_left("another", 0.0)
    assert rates.has_left("another", 0.1)


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(1, 50), st.floats(1, 50))
def test_no_source_gets_more_than_its_rate(gaps: list[float], rate: float, burst: float) -> None:
    rates, now, let = Rates(RateRules(source=rate, burst=burst, total=1e9, total_burst=1e9)), 0.0, 0
    for gap in gaps:
        now += gap
        if rates.has_left("a", now):
            rates.spend("a", now)
            let += 1
    assert let <= burst + rate * now + 1


def test_what_came_in_one_piece_is_paid_for_before_more_is_let() -> None:
    """A stream brings a thousand messages at once, between two looks at what is left."""
    rates = Rates(RateRules(source=10.0, burst=20.0, total=100.0, total_burst=50.0))
    for _ in range(1000):
        rates.spend("a", 0.0)
    assert not rates.has_left("b", 9.5)
    assert rates.has_left("b", 9.6)
    assert not rates.has_left("a", 98.0)
    assert rates.has_left("a", 98.2)


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    rates = Rates(RateRules(source=1.0, burst=1.0))
    rates.spend("a", 1000.0)
    assert not rates.has_left("a", 500.0)
    assert rates.has_left("a", 501.0)


def test_the_oldest_entries_are_forgotten_first() -> None:
    table: Recent[str, list[int]] = Recent(2, list)
    table.touch("a").append(1)
    table.touch("b")
    table.touch("a")
    table.touch("c")
    assert list(table) == ["a", "c"]
    assert table.get("b") is None
    assert len(table) == 2
