"""`blocked_ip/…`: who is blocked at which door, and how to let somebody in again."""

from typing import Any

import pytest

from unit.api.api_client import CLIENT_ID, Api, bad_fields

OFFICE = ("udp", "192.0.2.7", 5060)


def guess(api: Api, host: str = OFFICE[1]) -> None:
    """Fail at the door of SIP until the address is banned."""
    for _ in range(api.services.guard.rules.sources.failures):
        api.services.guard.failed(("udp", host, 5060), "1000", "REGISTER", api.now, exists=False)


async def log_in_wrongly(api: Api) -> dict[str, Any]:
    wrong = {"username": CLIENT_ID, "password": "wrong"}
    return [await api.post("get_token", wrong) for _ in range(6)][-1]


async def test_blocked_addresses_are_listed_with_where_why_and_until_when(api: Api) -> None:
    guess(api)
    api.now += 1
    await log_in_wrongly(api)
    answer = await api.get("blocked_ip/list")
    sip, http = answer["data"]
    assert answer["total_number"] == 2
    assert sip == {
        "ip": "192.0.2.7", "user": None, "service": "sip", "reason": "REGISTER", "tried": ["1000"],
        "failures": 30, "times": 1,
        "since": int(api.now) - 1, "block_expire_time": int(api.now) + 600,
    }  # fmt: skip
    assert (http["service"], http["reason"], http["failures"], http["tried"]) == ("api", "login", 5, [CLIENT_ID])
    api.now += 601
    assert (await api.get("blocked_ip/list"))["total_number"] == 0


async def test_a_blocked_address_can_be_let_in_again_at_both_doors(api: Api) -> None:
    guess(api)
    assert not api.services.guard.admits(OFFICE, api.now)
    assert (await api.get("blocked_ip/delete", ip="192.0.2.7"))["errcode"] == 0
    assert api.services.guard.admits(OFFICE, api.now)
    assert bad_fields(await api.get("blocked_ip/delete", ip="192.0.2.7")) == {"ip": "exist"}
    assert (await log_in_wrongly(api))["errcode"] == 70004
    (http,) = (await api.get("blocked_ip/list"))["data"]
    assert (await api.get("blocked_ip/delete", ip=http["ip"]))["errcode"] == 0
    assert (await api.log_in())["errcode"] == 0


async def test_a_user_whom_many_addresses_tried_is_listed_and_let_in_again(api: Api) -> None:
    guard, home, elsewhere = api.services.guard, ("udp", "192.0.2.7", 5060), ("udp", "203.0.113.7", 5060)
    guard.succeeded(home, "1000", api.now)
    for i in range(guard.rules.users.failures):
        guard.failed(("udp", f"198.51.100.{i}", 5060), "1000", "INVITE", api.now, exists=True)
    (row,) = (await api.get("blocked_ip/list"))["data"]
    assert (row["ip"], row["user"], row["reason"], row["tried"][0]) == (None, "1000", "INVITE", "198.51.100.49")
    assert guard.is_locked("1000", elsewhere, api.now)
    assert (await api.get("blocked_ip/delete", user="1000"))["errcode"] == 0
    assert not guard.is_locked("1000", elsewhere, api.now)
    assert bad_fields(await api.get("blocked_ip/delete", user="1000", ip="192.0.2.1")) == {
        "ip": "exist",
        "user": "exist",
    }


async def test_a_mailbox_that_is_guessed_at_is_listed_and_unlocked(api: Api) -> None:
    guesses = api.services.guesses
    for _ in range(guesses.rules.failures):
        guesses.failed("mailbox 2001", "pin", "2003", api.now)
    (row,) = (await api.get("blocked_ip/list"))["data"]
    assert (row["ip"], row["user"], row["service"], row["reason"]) == (None, "mailbox 2001", "mailbox", "pin")
    assert (await api.get("blocked_ip/delete", user="mailbox 2001"))["errcode"] == 0
    assert guesses.of("mailbox 2001", api.now) is None
    assert bad_fields(await api.get("blocked_ip/delete", user="mailbox 2001")) == {"user": "exist"}


async def test_an_ipv6_network_is_named_by_any_address_of_it(api: Api) -> None:
    guess(api, "2001:db8:0:1::7")
    assert [row["ip"] for row in (await api.get("blocked_ip/list"))["data"]] == ["2001:db8:0:1::/64"]
    assert (await api.get("blocked_ip/delete", ip="2001:db8:0:1::8"))["errcode"] == 0
    guess(api, "2001:db8:0:1::7")
    assert (await api.get("blocked_ip/delete", ip="2001:db8:0:1::/64"))["errcode"] == 0


@pytest.mark.parametrize(
    ("order", "hosts"), [({}, ["192.0.2.9", "192.0.2.8"]), ({"sort_by": "ip"}, ["192.0.2.8", "192.0.2.9"])]
)
async def test_the_list_is_sorted_and_paged(api: Api, order: dict[str, str], hosts: list[str]) -> None:
    guess(api, "192.0.2.9")
    api.now += 1
    guess(api, "192.0.2.8")
    assert [row["ip"] for row in (await api.get("blocked_ip/list", **order))["data"]] == hosts
    answer = await api.get("blocked_ip/list", **order, page=2, page_size=1)
    assert (answer["total_number"], [row["ip"] for row in answer["data"]]) == (2, hosts[1:])
    assert bad_fields(await api.get("blocked_ip/list", sort_by="reason", page=0)) == {
        "sort_by": "enum",
        "page": "range",
    }
    assert bad_fields(await api.get("blocked_ip/delete")) == {"ip": "required"}
