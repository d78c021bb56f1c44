"""What a caller has said is not lost, whatever goes wrong while it is said."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ringdove.events.types import MailboxFull
from ringdove.model.story import Disposition, EndedBy, HopOutcome
from ringdove.sip.dialog import Dialog
from support import spoken
from support.house import House, Person
from support.phones import Line, Phone
from support.scene import Scene, open_house
from support.voicemail import messages, press, press_for_tone, reach_tone, speak, tones, wav_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

TONE = 700
"""What callers say, in Hz."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings = {"vm_shortest": 1, "vm_silence": 2, "vm_messages": 1}
    async with open_house(tmp_path_factory.mktemp("mishaps"), **settings) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def said(house: House, person: Person) -> list[tuple[float | None, float]]:
    """The tones in the one message that somebody has."""
    (message,) = await messages(house, count=1, ext_id=person.id)
    return [(hz, seconds) for hz, seconds in tones(await wav_of(house, message["id"]), TONE) if hz is not None]


def near(seconds: float) -> Any:
    return pytest.approx(seconds, abs=0.2)


def spool(house: House) -> Path:
    return house.node.settings.data / "voicemail"


async def test_what_is_being_said_when_the_server_ends_the_call_is_a_message(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, TONE, 1.5)
    await scene.house.node.switchboard.drain(patience=0)
    assert (await alice.hung_up()).headers.get("Reason") == "SIP;cause=503"
    assert await said(scene.house, bob) == [(TONE, near(1.5))]
    story = await scene.story(alice)
    assert (story.disposition, story.ended_by, story.reason) == (
        Disposition.VOICEMAIL,
        EndedBy.SERVER,
        "the server stops",
    )
    assert story.hops[-1].outcome is HopOutcome.MESSAGE_LEFT


@pytest.mark.parametrize("takes", [1, 2])
async def test_what_is_being_said_when_the_server_stops_at_once_is_delivered_by_its_next_start(
    tmp_path: Path, takes: int
) -> None:
    async with House.open(tmp_path, vm_shortest=1) as house:
        alice = await Phone.of(house, await house.extension("2001"))
        bob = await house.extension("2002", enb_vm=1)
        line = await reach_tone(alice, await alice.dial("2002"))
        if takes > 1:  # what was said before does not count any more
            await speak(line, TONE, 1.3)
            await press(line, "#")
            await press_for_tone(line, "3")
        await speak(line, TONE, 2)
    alice.audio.quiet()
    async with House.open(tmp_path, vm_shortest=1) as house:
        assert await said(house, bob) == [(TONE, near(2))]
        assert list(spool(house).iterdir()) == []
    await alice.close()


async def test_a_recording_that_cannot_be_made_a_file_of_now_is_a_message_later(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    (note,) = spool(scene.house).glob("*.json")
    in_the_way = note.with_suffix(".wav.part")
    in_the_way.mkdir()
    await speak(line, TONE, 1.5)
    await press(line, "#", "1")
    await alice.hung_up(within=8)
    await messages(scene.house, count=0, ext_id=bob.id)
    in_the_way.rmdir()
    assert await said(scene.house, bob) == [(TONE, near(1.5))]
    assert (await scene.story(alice)).hops[-1].outcome is HopOutcome.MESSAGE_LEFT


async def test_a_take_that_nobody_can_judge_yet_does_not_cost_the_one_before(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    before = set(spool(scene.house).glob("*.json"))
    await speak(line, TONE, 1.5)
    await press_for_tone(line, "#", "3")
    (note,) = set(spool(scene.house).glob("*.json")) - before
    in_the_way = note.with_suffix(".wav.part")
    in_the_way.mkdir()
    await line.bye()
    await scene.story(alice)
    in_the_way.rmdir()
    assert await said(scene.house, bob) == [(TONE, near(1.5))]


async def test_who_says_nothing_and_hangs_up_leaves_no_message(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, 0, 1.7)  # its phone sends what it hears: nothing
    assert (await line.bye()).status == 200
    assert (await scene.story(alice)).hops[-1].outcome is HopOutcome.NO_MESSAGE
    await messages(scene.house, count=0, ext_id=bob.id)
    assert list(spool(scene.house).iterdir()) == []


@pytest.mark.parametrize("end", ["key", "hang-up"])
async def test_silence_at_the_end_is_left_out_whatever_ends_the_message(scene: Scene, end: str) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, TONE, 1.3)
    await asyncio.sleep(1.5)
    if end == "key":
        await press(line, "#", "1")
        await alice.hung_up(within=8)
    else:
        await line.bye()
    (message,) = await messages(scene.house, count=1, ext_id=bob.id)
    assert message["duration"] == near(1.8)


async def test_who_comes_to_a_full_mailbox_is_told_that_and_nothing_else(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, TONE, 1.2)
    await line.bye()
    await messages(scene.house, count=1, ext_id=bob.id)
    alice.audio.packets.clear()
    await alice.answered(await alice.dial(bob.number))
    await alice.hung_up(within=10)
    assert spoken.said(alice.audio.packets) == ["mailbox_full", "goodbye"]
    assert (await scene.story(alice)).hops[-1].outcome is HopOutcome.MAILBOX_FULL


async def test_who_comes_when_there_is_no_room_for_anybody_is_told_that_and_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    monkeypatch.setattr("ringdove.voicemail.postbox.SPARE", 1 << 60)  # octets that the disk is to have left
    told = list[MailboxFull]()
    stop = scene.house.node.bus.subscribe(MailboxFull, told.append)
    await alice.answered(await alice.dial(bob.number))
    await alice.hung_up(within=10)
    stop()
    assert spoken.said(alice.audio.packets) == ["no_room", "goodbye"]
    assert [event.mailbox for event in told] == [None]
    assert (await scene.story(alice)).hops[-1].outcome is HopOutcome.MAILBOX_FULL


async def test_who_records_again_needs_no_second_place_in_the_mailbox(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, TONE, 1.2)
    await press_for_tone(line, "#", "3")
    await speak(line, TONE, 2)
    assert (await line.bye()).status == 200
    assert await said(scene.house, bob) == [(TONE, near(2))]


async def test_a_group_without_members_that_only_spreads_messages_takes_none(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    member = await scene.person()
    _, number = await scene.vm_group("broadcast", member)
    await scene.house.get("extension/delete", id=member.id)
    assert (await alice.refused(await alice.dial(number))).status == 480
    story = await scene.story(alice)
    assert story.disposition is Disposition.NO_ANSWER
    assert [hop.kind for hop in story.hops] == ["group_vm", "end_call"]


async def test_a_call_that_voicemail_took_counts_as_such_before_the_caller_is_heard(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    invite = await alice.dial(bob.number, sdp="")  # it tells in its ACK where it hears
    answer = await alice.expect("200 INVITE")
    line = Line(alice, Dialog.as_uac(invite, answer), answer)
    line.request("BYE")
    line.ack(answer, alice.sdp())
    story = await scene.story(alice)
    assert (story.disposition, story.ended_by) == (Disposition.VOICEMAIL, EndedBy.CALLER)
    assert story.hops[-1].outcome is HopOutcome.NO_MESSAGE


async def test_a_caller_that_can_neither_hear_nor_be_recorded_is_told_so(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    opus = alice.sdp(formats="96").replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:96 opus/48000/2")
    assert (await alice.refused(await alice.dial(bob.number, sdp=opus))).status == 488
    assert (await scene.story(alice)).disposition is Disposition.FAILED


async def test_what_was_not_recorded_at_all_is_asked_for_again(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person(enb_vm=1)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, TONE, 1.2)
    (tape,) = spool(scene.house).glob("*.tape")
    tape.unlink()  # as when there was no media process
    await press_for_tone(line, "#")
    await speak(line, TONE, 1.5)
    assert (await line.bye()).status == 200
    assert await said(scene.house, bob) == [(TONE, near(1.5))]
