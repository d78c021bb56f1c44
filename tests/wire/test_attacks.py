"""Attacks from outside, each bounded: what is left of them, and what calls of others notice (docs/security.md)."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from attack.floods import FLOODS, METHODS
from attack.siege import GUESSER, Cost, Siege
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Response
from ringdove.sip.uri import Uri
from support.house import House
from support.peer import Peer
from support.phones import Phone

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 0.5
RATE = 1500
"""Datagrams a second: with what else runs, about half of what one core can answer."""
PATIENCE = 0.5
"""Seconds in which a phone of the group rings though a flood comes in: 50 ms of R11 and a busy test machine."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def open_door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    """A server that reads whatever comes, however fast: the worst case."""
    async with Siege.open(tmp_path_factory.mktemp("open"), strangers_rate="1000000") as siege:
        yield siege


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    """A server as it is by default."""
    async with Siege.open(tmp_path_factory.mktemp("default")) as siege:
        yield siege


def grown(before: Cost, after: Cost) -> dict[str, int]:
    """What the server holds more of; a question on its way, and its answer, may be there at any time."""
    some = {"tasks": after.tasks - before.tasks, "dialogs": after.dialogs - before.dialogs}
    some |= {"transactions": after.transactions - before.transactions, "timers": after.timers - before.timers}
    return {name: more for name, more in some.items() if more > 5}


@pytest.mark.parametrize("attack", FLOODS)
async def test_a_flood_leaves_nothing_behind_and_a_call_of_others_is_on_time(open_door: Siege, attack: str) -> None:
    before = await open_door.cost()
    async with open_door.attacked(attack, SECONDS, RATE) as done:
        await asyncio.sleep(SECONDS / 3)
        during = await open_door.cost()
        called = await open_door.call()
    assert done["sent"] > SECONDS * RATE / 2
    assert grown(before, during) == {}
    assert called.rang < PATIENCE


async def test_no_method_does_anything_for_a_stranger(open_door: Siege) -> None:
    before = await open_door.cost()
    statuses: dict[str, int] = {}
    async with await Peer.udp("127.0.0.6") as stranger:
        for method in ("INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", *METHODS):
            stranger.request(method, "sip:2001@127.0.0.1", open_door.tower.sip)
            statuses[method] = (await stranger.expect(lambda message: isinstance(message, Response))).status
    assert {method for method, status in statuses.items() if status == 401} == {"INVITE", "REGISTER"}
    assert {method for method, status in statuses.items() if status == 200} == {"OPTIONS"}
    assert set(statuses.values()) == {200, 401, 405, 481, 489, 501}
    assert grown(before, await open_door.cost()) == {}
    assert open_door.member.count("INVITE") == open_door.member.count("BYE")


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE"])
async def test_a_number_that_exists_gets_the_answer_of_one_that_does_not(open_door: Siege, method: str) -> None:
    answers = set()
    async with await Peer.udp("127.0.0.6") as stranger:
        for number in ("2001", "6300", "9999"):
            who = NameAddr(Uri("sip", "127.0.0.1", user=number))
            fields: dict[str, Any] = {
                "from_": who.with_param("tag", "a"),
                "to": who,
                "call_id": "same",
                "branch": "z9hG4bKsame",
            }
            fields["headers"] = [("Event", "message-summary")]
            stranger.request(method, f"sip:{number}@127.0.0.1", open_door.tower.sip, **fields)
            answer = (await stranger.expect_received(lambda message: isinstance(message, Response))).data.decode()
            answers.add(re.sub(r'nonce="[^"]*"', "", answer).replace(number, "NUMBER"))
    assert len(answers) == 1


async def test_memory_is_flat_under_a_flood(open_door: Siege) -> None:
    """For ten minutes: `make attack`."""
    for attack in ("invites", "garbage"):  # so that what is filled once is full
        async with open_door.attacked(attack, SECONDS, RATE):
            pass
    before = await open_door.cost()
    for attack in ("invites", "registers", "garbage"):
        async with open_door.attacked(attack, SECONDS, RATE):
            pass
    assert (await open_door.cost()).rss - before.rss < 2 * 2**20


async def test_a_fast_flood_from_one_address_is_hardly_read_and_nobody_else_notices(door: Siege) -> None:
    async with door.attacked("invites", 1.5, 8000) as done:
        await asyncio.sleep(0.7)
        called = await door.call()
        foreign = await door.foreign_call()
    assert max(called.rang, foreign.rang) < PATIENCE
    numbers = await door.numbers()
    assert done["heard"] < 1000 + 100 * 3, "more than its burst and rate"
    assert numbers["ringdove_sip_unread_total rate"] > 0


async def test_a_flood_from_everywhere_leaves_the_calls_of_known_phones_alone(door: Siege) -> None:
    async with door.attacked("crowd", 1.5, 8000) as done:
        await asyncio.sleep(0.7)
        called = await door.call()
    assert called.rang < PATIENCE
    assert done["sent"] > 1.5 * 8000 / 2


async def test_who_guesses_passwords_is_banned_and_seen_and_its_phones_are_not(door: Siege) -> None:
    attacker = GUESSER
    async with await Phone.of(door.tower, door.caller.person, at=attacker) as inside:
        assert (await inside.register()).status == 200
        async with door.attacked("guesses", 20, 200) as done:
            pass
        assert 30 <= done["sent"] < 90
        (row,) = (await door.tower.get("blocked_ip/list"))["data"]
        assert (row["ip"], row["service"], row["tried"], row["failures"]) == (attacker, "sip", ["1000"], 30)
        assert (await inside.register()).status == 200, "a phone behind the same address"
    async with await Peer.udp(attacker) as another:
        another.request("OPTIONS", f"sip:{attacker}", door.tower.sip)
        await another.expect_none("200 OPTIONS", within=0.2)
        numbers = await door.numbers()
        assert numbers["ringdove_bans sip"] == 1
        assert numbers["ringdove_bans_total sip REGISTER"] == 1
        assert numbers["ringdove_login_failures_total"] == 30
        assert numbers["ringdove_sip_unread_total banned"] >= 1
        async with await Peer.tcp(door.tower.sip, attacker) as stream:
            await asyncio.wait_for(stream.closed.wait(), 2)
        assert (await door.foreign_call()).rang < PATIENCE
        await door.tower.get("blocked_ip/delete", ip=attacker)
        another.request("OPTIONS", f"sip:{attacker}", door.tower.sip)
        await another.expect("200 OPTIONS")


async def test_connections_are_opened_no_faster_than_messages_may_come(door: Siege) -> None:
    async with door.attacked("churn", 1.5, 3000) as done:
        await asyncio.sleep(0.7)
        called = await door.call()
    assert called.rang < PATIENCE
    turned_away = (await door.numbers())["ringdove_sip_connections_turned_away_total door tcp"]
    assert done["sent"] - turned_away < 1000 + 100 * 3


@pytest.mark.parametrize("attack", ["silent", "slow"])
async def test_many_connections_that_say_nothing_keep_nobody_out(door: Siege, attack: str) -> None:
    async with door.attacked(attack, 1.0, 0) as done:
        await asyncio.sleep(0.5)
        called = await door.call()
        async with await Peer.tcp(door.tower.sip) as stream:
            stream.request("OPTIONS", "sip:ringdove")
            await stream.expect("200 OPTIONS")
    assert done["sent"] == 400
    assert called.rang < PATIENCE


async def test_phones_that_registered_before_a_restart_are_no_strangers_after_it(tmp_path: Path) -> None:
    async with House.open(tmp_path) as house, await Phone.of(house, await house.extension("2001")) as phone:
        assert (await phone.register()).status == 200
    async with House.open(tmp_path) as house:
        guard = house.node.guard
        stranger = "udp", phone.host, phone.port + 1
        for _ in range(guard.rules.sources.failures):
            guard.failed(stranger, "2001", "REGISTER", time.time(), exists=True)
        assert not guard.admits(stranger, time.time())
        assert guard.admits(("udp", phone.host, phone.port), time.time())


async def test_many_messages_in_one_piece_are_paid_for_before_more_is_read(door: Siege) -> None:
    """A stream brings them faster than anybody looks at what its source has left."""
    piece = 600 * (
        b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKa\r\nFrom: <sip:a>;tag=a\r\nTo: <sip:a>\r\n"
        b"Call-ID: a\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    answers = 0
    for _ in range(8):
        async with await Peer.tcp(door.tower.sip, "127.0.0.9") as stream:
            stream.send(piece)
            await asyncio.wait([asyncio.create_task(stream.closed.wait())], timeout=0.2)
            answers += len(stream.log)
    assert 0 < answers < 1000 + 600 + 100 * 3


async def test_keep_alives_without_end_are_not_read_without_end(door: Siege) -> None:
    sent = 0
    async with await Peer.tcp(door.tower.sip, "127.0.0.10") as stream:
        while not stream.closed.is_set() and sent < 200_000:
            stream.send(b"\r\n\r\n" * 1000)
            sent += 1000
            await asyncio.wait([asyncio.create_task(stream.closed.wait())], timeout=0.02)
        assert stream.closed.is_set()
    assert len(b"".join(stream.raw)) < 2 * 50_000


async def test_a_long_message_counts_as_many(door: Siege) -> None:
    """Its fields take up to a hundred times as long to read as those of a short one."""
    anybody, routes = Uri("sip", "a"), ", ".join(["<sip:a>"] * 880)
    async with await Peer.udp("127.0.0.11") as stranger:
        for asked in range(100):
            fields = [("Record-Route", routes)] * 3
            request = new_request("OPTIONS", anybody, from_=NameAddr(anybody), headers=fields)
            stranger.send(stranger.stamp(request), door.tower.sip)
            with suppress(AssertionError):
                await stranger.expect("200 OPTIONS", within=2.0)
            if len(stranger.log) == asked:
                break
        # A thousand short ones would be; what others spent of the budget of all just before leaves fewer of these.
        assert 10 < len(stranger.log) < 100
