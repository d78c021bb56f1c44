"""The mailbox that somebody dials into, walked through by keys: what is said, octet by octet, and what comes of it."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from ringdove.events.types import MailboxChanged
from ringdove.model.story import Disposition, EndedBy, HopOutcome
from ringdove.model.voicemail import Mailbox, MailboxKind
from support.hearing import check_stream
from support.mailbox import (
    BRIEF,
    A,
    B,
    C,
    dial,
    enter,
    heard,
    inside,
    leave,
    leave_by_key,
    leftovers,
    mailbox_of,
    message,
)
from support.phones import Phone
from support.scene import Scene, open_house
from support.spoken import said, told
from support.voicemail import press

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_own_mailbox_says_what_there_is_and_what_can_be_done(scene: Scene) -> None:
    alice = await scene.phone()
    await leave(scene.house, mailbox_of(alice), A)
    await leave(scene.house, mailbox_of(alice), B, B, read=True)
    line = await dial(alice)
    await told(alice, "you_have", "press_hash", within=20)
    await asyncio.sleep(1)
    await leave_by_key(line)
    menu = ["to_new_messages", "press_1", "to_old_messages", "press_2", "to_options", "press_0"]
    menu += ["to_menu_again", "press_star", "to_exit", "press_hash"]
    assert heard(alice) == ["you_have", "1", "new_message", "and", "2", "old_messages", *menu, "goodbye"]
    check_stream(alice.audio.packets)
    story = await scene.story(alice)
    assert (story.disposition, story.ended_by, story.final_status) == (Disposition.ANSWERED, EndedBy.SERVER, 200)
    assert story.answered_by is None
    assert story.answered_at == pytest.approx(0, abs=0.2)
    assert [(hop.kind, hop.number, hop.outcome) for hop in story.hops] == [
        ("voicemail", alice.number, HopOutcome.ENTERED)
    ]


async def test_new_messages_one_after_the_other(scene: Scene) -> None:
    alice = await scene.phone(**BRIEF)
    first, last = await leave(scene.house, mailbox_of(alice), A, B)
    changes: list[MailboxChanged] = []
    stop = scene.house.node.bus.subscribe(MailboxChanged, changes.append)
    line = await enter(alice)
    await press(line, "1")
    await told(alice, "first_message")
    assert await inside(scene.house, mailbox_of(alice)) == {first: False, last: False}, "nothing was heard yet"
    await alice.audio.hears(A)
    assert await inside(scene.house, mailbox_of(alice)) == {first: True, last: False}, "read from its first sound on"
    assert changes == [MailboxChanged(mailbox_of(alice))]
    await told(alice, "to_repeat", "press_5", "to_next")
    await press(line, "4")
    await told(alice, "no_more_messages")
    await press(line, "6")
    await told(alice, "last_message")
    await alice.audio.hears(B)
    await press(line, "6")
    await told(alice, "no_more_messages", "to_repeat", "to_previous")
    await press(line, "5")
    await told(alice, "last_message")
    await alice.audio.hears(B)
    await press(line, "4")
    await told(alice, "first_message")
    await alice.audio.hears(A)
    await press(line, "*")
    await told(alice, "you_have", "2", "old_messages", "to_old_messages")
    await leave_by_key(line)
    stop()
    assert [word for word in heard(alice) if word.endswith("Hz")] == ["700 Hz", "1300 Hz", "1300 Hz", "700 Hz"]
    check_stream(alice.audio.packets)
    assert await inside(scene.house, mailbox_of(alice)) == {first: True, last: True}
    assert changes == [MailboxChanged(mailbox_of(alice))] * 2


async def test_message_in_the_middle_is_repeated_as_what_it_is(scene: Scene) -> None:
    alice = await scene.phone(**BRIEF)
    await leave(scene.house, mailbox_of(alice), A, B, C)
    line = await enter(alice)
    await press(line, "1")
    await told(alice, "first_message")
    await press(line, "6")
    await told(alice, "next_message")
    await alice.audio.hears(B)
    await told(alice, "to_repeat", "press_5")
    await press(line, "5")
    await alice.audio.hears(B)
    await line.bye()
    assert [word for word in heard(alice) if "message" in word].count("next_message") == 1


@pytest.mark.parametrize(
    ("settings", "envelope"),
    [
        ({}, ["received", "today", "from", "2", "9", "9", "9"]),
        ({"enb_vm_play_datetime": 0, "enb_vm_play_duration": 1}, ["from", "2", "9", "9", "9", "length", "one_second"]),
        (BRIEF, []),
    ],
)
async def test_envelope_is_told_by_the_settings_and_on_demand(
    scene: Scene, settings: dict[str, Any], envelope: list[str]
) -> None:
    alice = await scene.phone(**settings)
    await leave(scene.house, mailbox_of(alice), A)
    line = await enter(alice)
    await press(line, "1")
    await told(alice, "first_message", *envelope)
    await alice.audio.hears(A)
    if envelope:
        await line.bye()
        return
    assert {"received", "from", "length"}.isdisjoint(heard(alice))
    await press(line, "3")
    await told(alice, "received", "today", "from", "2", "9", "9", "9", "length", "one_second", within=12)
    await line.bye()


async def test_deleted_message_goes_when_the_caller_hangs_up(scene: Scene) -> None:
    alice = await scene.phone(**BRIEF)
    first, last = await leave(scene.house, mailbox_of(alice), 850, B)
    track = scene.house.node.audio.track((await message(scene.house, first)).digest)
    line = await enter(alice)
    await press(line, "1")
    await alice.audio.hears(850)
    await press(line, "7")
    await told(alice, "message_deleted", "to_restore")
    assert await inside(scene.house, mailbox_of(alice)) == {first: True, last: False}, "it can still be restored"
    await line.bye()
    await scene.story(alice)
    assert await inside(scene.house, mailbox_of(alice)) == {last: False}
    assert not track.exists()


async def test_deleted_message_goes_when_the_folder_is_left(scene: Scene) -> None:
    alice = await scene.phone(**BRIEF)
    await leave(scene.house, mailbox_of(alice), A)
    line = await enter(alice)
    await press(line, "1")
    await told(alice, "first_message")
    await press(line, "7", "*")
    await told(alice, "you_have", "no_messages")
    assert await inside(scene.house, mailbox_of(alice)) == {}
    await press(line, "1")
    await told(alice, "no_more_messages", "you_have", "no_messages")
    await leave_by_key(line)


@pytest.mark.parametrize("key", ["7", "9"])
async def test_deleted_message_can_be_restored(scene: Scene, key: str) -> None:
    alice = await scene.phone(**BRIEF)
    (only,) = await leave(scene.house, mailbox_of(alice), A)
    line = await enter(alice)
    await press(line, "1")
    await told(alice, "first_message")
    await press(line, "7")
    await told(alice, "message_deleted")
    await press(line, key)
    await told(alice, "message_restored" if key == "7" else "message_saved", "to_delete")
    await press(line, "*")
    await told(alice, "you_have")
    await leave_by_key(line)
    assert await inside(scene.house, mailbox_of(alice)) == {only: key == "9"}, "saved is read, heard or not"


async def test_mailbox_answers_to_keys_that_nothing_is_on_and_to_none(scene: Scene) -> None:
    alice = await scene.phone()
    line = await enter(alice)
    await press(line, "8")
    await told(alice, "invalid_key", "to_options")
    await press(line, "2")
    await told(alice, "no_more_messages", "you_have")
    await press(line, "*")
    await told(alice, "you_have", "to_options")
    await leave_by_key(line)


async def test_mailbox_lets_nobody_stay_who_is_silent(scene: Scene) -> None:
    alice = await scene.phone()
    await dial(alice)
    await told(alice, "you_have", *["to_options", "to_exit"] * 3, "goodbye", within=60)
    await alice.hung_up()


@pytest.mark.parametrize(
    "keys",
    ["", "1", "17", "0", "01", "01#", "02", "04", "16", "2", "*", "19"],
)
async def test_mailbox_can_be_left_at_any_time(scene: Scene, keys: str) -> None:
    """Whatever was pressed: the scene looks at its end whether anything stays behind."""
    alice = await scene.phone(**BRIEF)
    await leave(scene.house, mailbox_of(alice), A, B)
    line = await dial(alice)
    await asyncio.sleep(0.1)
    for key in keys:
        await press(line, key)
        await asyncio.sleep(0.1)
    assert (await line.bye()).status == 200
    story = await scene.story(alice)
    assert (story.disposition, story.ended_by) == (Disposition.ANSWERED, EndedBy.CALLER)
    assert len(await inside(scene.house, mailbox_of(alice))) == (1 if "7" in keys else 2)
    assert await leftovers(scene.house) == []


@pytest.mark.parametrize("seed", [1, 2])
async def test_mailbox_takes_any_keys_in_any_order(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    alice, bob = await scene.phone(**BRIEF), await scene.phone(**BRIEF)
    group, _ = await scene.vm_group("share", alice.person, bob.person)
    shared = Mailbox(MailboxKind.GROUP, group)
    for mailbox in (mailbox_of(alice), shared):
        await leave(scene.house, mailbox, A, B, 850)
    lines = [await enter(phone) for phone in (alice, bob)]
    await press(lines[1], "3", "1")
    for _ in range(30):
        for line in lines:
            await press(line, chance.choice("01234567890*"))
            await asyncio.sleep(chance.choice((0, 0, 0.2)))
    for line in lines:
        assert (await line.bye()).status == 200
    for phone in (alice, bob):
        assert (await scene.story(phone)).ended_by is EndedBy.CALLER
        assert "error" not in {word.rstrip("~") for word in said(phone.audio.packets)}
        check_stream(phone.audio.packets)
    assert await leftovers(scene.house) == []


async def test_mailbox_that_cannot_be_read_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = await scene.phone()
    line = await enter(alice)

    async def fails(mailbox: Mailbox) -> None:
        raise OSError("the database is gone")

    monkeypatch.setattr(scene.house.node.store.messages, "count", fails)
    await press(line, "*")
    await told(alice, "error")
    await alice.hung_up(within=8)
    assert (await scene.story(alice)).disposition is Disposition.ANSWERED


async def test_server_that_stops_says_so_and_deletes_what_was_to_be_deleted(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        alice = await Phone.of(house, await house.extension("2001", **BRIEF))
        await alice.register()
        await leave(house, mailbox_of(alice), A)
        line = await enter(alice)
        await press(line, "1")
        await told(alice, "first_message")
        await press(line, "7")
        await told(alice, "message_deleted")
        drain = asyncio.create_task(house.node.switchboard.drain(0.1))
        await alice.hung_up()
        await drain
        assert await inside(house, mailbox_of(alice)) == {}
        assert (await house.finished_call()).reason == "the server stops"
        await alice.close()
