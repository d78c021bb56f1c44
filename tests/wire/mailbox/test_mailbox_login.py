"""Who gets into which mailbox, and what the others learn: nothing (ADR 0032)."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from ringdove.events.types import Banned
from ringdove.guard.bans import BanRules, Bans
from ringdove.model.story import HopOutcome
from support.house import House
from support.mailbox import (
    BRIEF,
    A,
    B,
    dial,
    heard,
    key_in,
    leave,
    leave_by_key,
    mailbox_of,
)
from support.phones import Phone
from support.scene import Scene
from support.spoken import told
from support.voicemail import press, speak

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_own_mailbox_may_want_its_pin(scene: Scene) -> None:
    alice = await scene.phone(vm_pin="4711", enb_vm_pin=1)
    line = await dial(alice)
    await told(alice, "enter_password")
    await key_in(line, "4712")
    await told(alice, "login_incorrect", "enter_password")
    await key_in(line, "4711")
    await told(alice, "you_have")
    await leave_by_key(line)


@pytest.mark.parametrize("case", ["wrong", "without", "nobody", "ring group", "disabled"])
async def test_who_may_not_enter_learns_nothing(scene: Scene, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    alice = await scene.phone()
    bob = await scene.person(**{} if case == "without" else {"vm_pin": "58271"}, enabled=int(case != "disabled"))
    number = {"nobody": "1999", "ring group": await scene.group(bob)}.get(case, bob.number)
    pin = "58270" if case == "wrong" else "58271"
    line = await dial(alice, "*02")
    await told(alice, "enter_mailbox")
    await key_in(line, number)
    await told(alice, "enter_password")
    await key_in(line, pin)
    asked = time.monotonic()
    await told(alice, "login_incorrect")
    assert time.monotonic() - asked == pytest.approx(1.0, abs=0.25), "when half a second of it was heard"
    await told(alice, "enter_mailbox")
    await line.bye()
    story = await scene.story(alice)
    assert [(hop.kind, hop.number, hop.outcome) for hop in story.hops] == [("voicemail", "", HopOutcome.NOT_ENTERED)]
    assert pin not in story.to_json() + capsys.readouterr().out
    ladder = await scene.house.get("calls/ladder", id=story.id)
    assert pin not in str(ladder)
    assert {word.rstrip("~") for word in heard(alice)} == {"enter_mailbox", "enter_password", "login_incorrect"}


async def test_a_mailbox_without_a_pin_is_not_entered_by_giving_none(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.person()
    line = await dial(alice, "*02")
    await told(alice, "enter_mailbox")
    await key_in(line, bob.number)
    await told(alice, "enter_password")
    await key_in(line, "")
    await told(alice, "login_incorrect")
    await line.bye()
    assert (await scene.story(alice)).hops[0].outcome is HopOutcome.NOT_ENTERED


async def test_three_tries_are_all(scene: Scene) -> None:
    alice = await scene.phone()
    line = await dial(alice, "*02")
    for _ in range(3):
        await told(alice, "enter_mailbox")
        await key_in(line, "1999", "1")
        await told(alice, "login_incorrect")
    await told(alice, "goodbye")
    await alice.hung_up()


async def test_other_mailbox_by_its_pin(scene: Scene) -> None:
    alice = await scene.phone()
    bob = await scene.person(vm_pin="58271", **BRIEF)
    await leave(scene.house, mailbox_of(bob), B)
    line = await dial(alice, "*02")
    await told(alice, "enter_mailbox")
    await key_in(line, bob.number, "58271")
    await told(alice, "you_have", "1", "new_message")
    await press(line, "1")
    await alice.audio.hears(B)
    await line.bye()
    hop = (await scene.story(alice)).hops[0]
    assert (hop.number, hop.outcome) == (bob.number, HopOutcome.ENTERED)


async def test_own_mailbox_by_its_number(scene: Scene) -> None:
    alice = await scene.phone()
    line = await dial(alice, "*02")
    await told(alice, "enter_mailbox")
    await key_in(line, alice.number)
    await told(alice, "you_have")
    await leave_by_key(line)


@pytest.fixture
def impatient(house: House) -> Iterator[Bans]:
    """A server that locks after four wrong PINs."""
    guesses = house.node.switchboard._board.guesses
    rules, guesses.rules = guesses.rules, BanRules(failures=4)
    yield guesses
    guesses.rules = rules


async def test_guessing_locks_the_mailbox_for_others_and_the_guesser_out(scene: Scene, impatient: Bans) -> None:
    mallory, alice = await scene.phone(), await scene.phone()
    bob = await scene.phone(vm_pin="58271", enb_vm_pin=1)
    carol = await scene.person(vm_pin="3333")
    banned: list[Banned] = []
    stop = scene.house.node.bus.subscribe(Banned, banned.append)
    for times in (3, 1):
        line = await dial(mallory, "*02")
        await told(mallory, "enter_mailbox")
        for _ in range(times):
            await key_in(line, bob.number, "1")
            await told(mallory, "login_incorrect")
        await line.bye() if times == 1 else await mallory.hung_up()
    stop()
    assert {(one.door, one.ban.source) for one in banned} == {
        ("mailbox", f"extension {mallory.number}"),
        ("mailbox", f"mailbox {bob.number}"),
    }

    async def is_let_in(phone: Phone, number: str, pin: str) -> bool:
        line = await dial(phone, "*02")
        await told(phone, "enter_mailbox")
        await key_in(line, number, pin)
        await asyncio.sleep(1.5)
        await line.bye()
        return "login_incorrect" not in [word.rstrip("~") for word in heard(phone)]

    assert not await is_let_in(mallory, carol.number, "3333"), "even with the right PIN"
    assert not await is_let_in(alice, bob.number, "58271"), "nor anybody else into this mailbox"
    alice.forget()
    assert await is_let_in(alice, carol.number, "3333")
    assert await is_let_in(bob, bob.number, "58271"), "but its owner, from its own phone"


async def test_mailbox_by_keys_in_infos(scene: Scene) -> None:
    alice = await scene.phone(**BRIEF, vm_pin="4711", enb_vm_pin=1)
    await leave(scene.house, mailbox_of(alice), A)
    line = await dial(alice)
    await told(alice, "enter_password")

    async def inform(key: str) -> None:
        body = f"Signal={key}\r\nDuration=160\r\n".encode()
        response = await line.settled(line.request("INFO", body=body, kind="application/dtmf-relay"))
        assert response.status == 200

    for key in "4711#":
        await inform(key)
    await told(alice, "you_have", "1", "new_message")
    await inform("1")
    await alice.audio.hears(A)
    await inform("#")
    await told(alice, "goodbye")
    await alice.hung_up()
    story = await scene.story(alice)
    assert "Signal=4" not in str(await scene.house.get("calls/ladder", id=story.id))


@pytest.mark.parametrize("code", ["#", "%23"])
async def test_code_before_a_number_leaves_a_message_without_ringing(scene: Scene, code: str) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    line = await dial(alice, f"{code}{bob.number}")
    await told(alice, "person_at_extension", *bob.number, "is_not_available", "beep", within=15)
    await speak(line, A, 1.3)
    await line.bye()
    story = await scene.story(alice)
    assert [(hop.kind, hop.number, hop.outcome) for hop in story.hops] == [
        ("ext_vm", bob.number, HopOutcome.MESSAGE_LEFT)
    ]
    assert bob.count("INVITE") == 0


async def test_code_before_a_number_without_a_mailbox_is_not_found(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    for number in ("1999", await scene.group(bob), "", "2*"):
        assert (await alice.refused(await alice.dial(f"%23{number}"))).status == 404
