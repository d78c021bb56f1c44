"""Whom the SIP door hears, and whom it believes."""

from ipaddress import ip_network

from ringdove.guard.bans import BanRules
from ringdove.guard.guard import Flow, Guard, GuardRules, Why
from ringdove.guard.rates import RateRules

RULES = GuardRules(
    sources=BanRules(failures=3),
    users=BanRules(failures=5, first=300.0, longest=300.0),
    rates=RateRules(source=1.0, burst=2.0),
    trust=100.0,
    most_flows=3,
)


def flow(port: int, host: str = "192.0.2.7") -> Flow:
    return "udp", host, port


def test_a_banned_source_is_not_heard_but_its_phones_are() -> None:
    guard = Guard(RULES)
    guard.succeeded(flow(1), "alice", 0.0)
    for _ in range(3):
        guard.failed(flow(2), "nobody", "REGISTER", 0.0, exists=False)
    assert not guard.admits(flow(2), 1.0)
    assert not guard.admits(flow(3), 1.0)
    assert guard.admits(flow(1), 1.0)
    assert guard.admits(flow(2, "192.0.2.8"), 1.0)
    assert guard.refused == {Why.BANNED: 2}
    assert guard.admits(flow(2), 600.0)


def test_who_guesses_over_the_flow_of_a_phone_gets_no_more_guesses_by_that() -> None:
    guard = Guard(RULES)
    guard.succeeded(flow(1), "alice", 0.0)
    for _ in range(3):
        guard.failed(flow(1), "bob", "REGISTER", 0.0, exists=True)
    assert not guard.may_try(flow(1), "bob", 1.0)


def test_a_phone_with_one_wrong_password_keeps_its_other_account() -> None:
    guard, lost = Guard(RULES), 0
    for minute in range(24 * 60):
        now = 60.0 * minute
        assert guard.admits(flow(1), now)
        if guard.may_try(flow(1), "bob", now):
            guard.failed(flow(1), "bob", "REGISTER", now, exists=True)
        else:
            lost += 1
        assert guard.may_try(flow(1), "alice", now)
        guard.succeeded(flow(1), "alice", now)
    assert lost > 0, "it was banned"


def test_who_has_one_password_cannot_guess_at_others_for_ever() -> None:
    guard = Guard(RULES)
    for _ in range(3):
        guard.succeeded(flow(1), "alice", 0.0)
        guard.failed(flow(1), "bob", "REGISTER", 0.0, exists=True)
    assert not guard.may_try(flow(1), "bob", 1.0)


def test_who_guesses_over_a_trusted_flow_while_its_source_is_banned_loses_it() -> None:
    guard = Guard(RULES)
    guard.succeeded(flow(1), "alice", 0.0)
    guard.succeeded(flow(2), "carol", 0.0)
    for _ in range(3):
        guard.failed(flow(3), "bob", "REGISTER", 0.0, exists=True)
    assert guard.may_try(flow(1), "alice", 1.0)
    assert guard.may_try(flow(1), "carol", 1.0), "it has logged in from behind the same address"
    assert not guard.may_try(flow(1), "bob", 1.0)
    assert not guard.may_try(flow(3), "alice", 1.0)
    guard.failed(flow(1), "carol", "REGISTER", 1.0, exists=True)
    assert not guard.may_try(flow(1), "carol", 1.0)
    assert not guard.admits(flow(1), 1.0)
    assert guard.admits(flow(2), 1.0)


def test_trust_in_a_flow_ends_unless_it_is_renewed() -> None:
    guard = Guard(RULES)
    guard.vouch(flow(1), 0.0)
    guard.vouch(flow(2), 50.0)
    for _ in range(3):
        guard.failed(flow(3), "nobody", "INVITE", 60.0, exists=False)
    assert guard.admits(flow(1), 99.0)
    assert not guard.admits(flow(1), 100.0)
    assert guard.admits(flow(2), 149.0)


def test_a_stranger_has_a_rate_and_a_phone_has_none() -> None:
    guard = Guard(RULES)
    guard.vouch(flow(1), 0.0)
    for _ in range(2):
        guard.strange(flow(1), 0.0)
        guard.strange(flow(2), 0.0)
    assert guard.admits(flow(1), 0.0)
    assert not guard.admits(flow(2), 0.0)
    assert not guard.admits(flow(3), 0.0)
    assert guard.refused == {Why.RATE: 2}
    assert guard.admits(flow(2), 1.0)


def test_networks_that_are_never_banned_are_always_heard() -> None:
    guard = Guard(GuardRules(sources=RULES.sources, rates=RULES.rates, never=(ip_network("192.0.2.0/24"),)))
    for _ in range(10):
        guard.failed(flow(1), "nobody", "REGISTER", 0.0, exists=False)
        guard.strange(flow(1), 0.0)
    assert guard.admits(flow(1), 0.0)
    assert guard.bans.active(0.0) == []
    assert guard.failures == 10


def test_a_user_whom_many_sources_guess_is_locked_except_where_it_has_been_before() -> None:
    guard = Guard(RULES)
    home = flow(1)
    guard.succeeded(home, "alice", 0.0)
    for i in range(5):
        guard.failed(flow(1, f"198.51.100.{i}"), "alice", "REGISTER", 1.0, exists=True)
    elsewhere = flow(1, "203.0.113.1")
    assert guard.is_locked("alice", elsewhere, 2.0)
    assert not guard.is_locked("alice", home, 2.0)
    assert not guard.is_locked("alice", flow(9), 2.0), "the same address, another port"
    assert not guard.is_locked("bob", elsewhere, 2.0)
    assert not guard.is_locked("alice", elsewhere, 301.0)


def test_failures_at_home_and_of_made_up_names_lock_nobody() -> None:
    guard = Guard(RULES)
    guard.succeeded(flow(1), "alice", 0.0)
    for _ in range(10):
        guard.failed(flow(1), "alice", "REGISTER", 1.0, exists=True)
        guard.failed(flow(1, "198.51.100.1"), "nobody", "REGISTER", 1.0, exists=False)
    assert not guard.is_locked("alice", flow(1, "203.0.113.1"), 1.0)
    assert guard.users.active(1.0) == []


def test_no_more_flows_are_remembered_than_the_rules_say() -> None:
    guard = Guard(RULES)
    for port in range(50):
        guard.vouch(flow(port), 0.0)
    for _ in range(3):
        guard.failed(flow(99), "nobody", "REGISTER", 0.0, exists=False)
    assert [port for port in range(50) if guard.admits(flow(port), 0.0)] == [47, 48, 49]
