"""Mailboxes of groups, and greetings that are recorded by phone."""

import pytest

from ringdove.calls.mailbox import visit
from ringdove.events.types import ExtensionChanged
from ringdove.model.story import HopOutcome
from ringdove.model.voicemail import Mailbox, MailboxKind
from support.mailbox import (
    BRIEF,
    A,
    B,
    C,
    dial,
    enter,
    heard,
    inside,
    key_in,
    leave,
    leave_by_key,
    leftovers,
    mailbox_of,
)
from support.phones import Line
from support.scene import Scene
from support.spoken import told
from support.voicemail import press, speak

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_members_share_the_mailbox_of_a_group(scene: Scene) -> None:
    alice, bob = await scene.phone(**BRIEF), await scene.phone(**BRIEF)
    group, number = await scene.vm_group("share", alice.person, bob.person)
    shared = Mailbox(MailboxKind.GROUP, group)
    (only,) = await leave(scene.house, shared, A)
    line = await enter(alice)
    await told(alice, "no_messages", "to_group_mailbox", *number, "press_3")
    await press(line, "3")
    await told(alice, "you_have", "1", "new_message")
    await press(line, "1")
    await alice.audio.hears(A)
    other = await dial(bob, "*02")
    await told(bob, "enter_mailbox")
    await key_in(other, number)
    await told(bob, "you_have", "1", "old_message", "to_old_messages", "to_own_mailbox", "press_3")
    await press(other, "3")
    await told(bob, "you_have", "no_messages")
    await leave_by_key(other)
    await leave_by_key(line)
    assert await inside(scene.house, shared) == {only: True}
    assert [hop.number for hop in (await scene.story(alice)).hops] == [alice.number, number]


async def test_who_gives_its_pin_at_another_phone_has_its_own_groups_there(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.person(vm_pin="58271")
    _, number = await scene.vm_group("share", bob)
    line = await dial(alice, "*02")
    await told(alice, "enter_mailbox")
    await key_in(line, bob.number, "58271")
    await told(alice, "you_have", "to_group_mailbox", *number)
    await press(line, "3")
    await told(alice, "you_have", "to_own_mailbox")
    await press(line, "3")
    await told(alice, "you_have", "to_group_mailbox")
    await leave_by_key(line)
    hops = (await scene.story(alice)).hops
    assert [hop.number for hop in hops] == [bob.number, number, bob.number], "and no other mailbox"


async def test_nobody_goes_from_mailbox_to_mailbox_for_ever(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "_MOST", 2)
    alice = await scene.phone()
    await scene.vm_group("share", alice.person)
    line = await enter(alice)
    for _ in range(3):
        await press(line, "3")
    await told(alice, "goodbye")
    await alice.hung_up()
    assert [hop.outcome for hop in (await scene.story(alice)).hops] == [HopOutcome.ENTERED] * 3


async def test_group_that_copies_has_a_greeting_but_no_messages(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    group, number = await scene.vm_group("broadcast", alice.person)
    await scene.house.post("vm_group/update", id=group, vm_pin="2468")
    line = await dial(alice, "*02")
    await told(alice, "enter_mailbox")
    await key_in(line, number, "2468")
    await told(alice, "you_have", "no_messages")
    await press(line, "0", "1")
    await records(line, B)
    await press(line, "1")
    await told(alice, "greeting_saved")
    await line.bye()
    caller = await dial(bob, number)
    await bob.audio.hears(B)
    await caller.bye()


async def test_two_in_one_mailbox_do_each_other_no_harm(scene: Scene) -> None:
    alice, bob = await scene.phone(**BRIEF), await scene.phone(**BRIEF)
    group, _ = await scene.vm_group("share", alice.person, bob.person)
    shared = Mailbox(MailboxKind.GROUP, group)
    await leave(scene.house, shared, A, B, C)
    ours, theirs = await enter(alice), await enter(bob)
    for line in (ours, theirs):
        await press(line, "3")
        await told(line.phone, "you_have")
        await press(line, "1")
        await told(line.phone, "first_message")
    await press(ours, "6")
    await told(alice, "next_message")
    await press(ours, "7", "*")  # the second one is gone
    await told(alice, "you_have")
    await press(theirs, "6")
    await told(bob, "last_message")
    await bob.audio.hears(C)
    await press(theirs, "7", "*")
    await told(bob, "you_have")
    await press(ours, "1")
    await told(alice, "first_message")
    await press(ours, "7")
    await told(alice, "message_deleted")
    await press(theirs, "2")
    await told(bob, "first_message")
    await press(theirs, "7", "*")
    await told(bob, "you_have", "no_messages")
    await press(ours, "5")
    await told(alice, "no_more_messages", "you_have", "no_messages")
    await leave_by_key(ours)
    await leave_by_key(theirs)
    assert await inside(scene.house, shared) == {}


async def test_group_mailbox_wants_its_pin_from_strangers_and_from_members_if_it_says_so(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    group, number = await scene.vm_group("share", alice.person)
    await scene.house.post("vm_group/update", id=group, vm_pin="2468")
    line = await dial(bob, "*02")
    await told(bob, "enter_mailbox")
    await key_in(line, number)
    await told(bob, "enter_password")
    await key_in(line, "2468")
    await told(bob, "you_have")
    await leave_by_key(line)
    await scene.house.post("vm_group/update", id=group, enb_vm_pin=1)
    line = await enter(alice)
    await press(line, "3")
    await told(alice, "enter_password")
    for _ in range(3):
        await key_in(line, "1")
        await told(alice, "login_incorrect")
    await told(alice, "goodbye")
    await alice.hung_up()
    hops = (await scene.story(alice)).hops
    assert [hop.outcome for hop in hops] == [HopOutcome.ENTERED, HopOutcome.NOT_ENTERED]


async def records(line: Line, hz: float) -> None:
    """Say a tone when asked to, and look at what was recorded."""
    await told(line.phone, "record_after_tone", "beep")
    await speak(line, hz, 1.0)
    await press(line, "#")
    await told(line.phone, "to_accept_recording")


async def test_greeting_that_was_recorded_is_what_the_next_caller_hears(scene: Scene) -> None:
    alice, bob = await scene.phone(**BRIEF), await scene.phone()
    changes: list[ExtensionChanged] = []
    stop = scene.house.node.bus.subscribe(ExtensionChanged, changes.append)
    line = await enter(alice)
    await press(line, "0")
    await told(alice, "to_record_greeting")
    await press(line, "1")
    await records(line, A)
    await press(line, "2")
    await alice.audio.hears(A)
    await press(line, "3")
    await records(line, B)
    await press(line, "1")
    await told(alice, "greeting_saved", "to_record_greeting", within=5)
    await press(line, "3")
    await alice.audio.hears(B)
    await press(line, "*")
    await told(alice, "you_have")
    await leave_by_key(line)
    stop()
    assert changes == [ExtensionChanged(alice.person.id)]
    assert await leftovers(scene.house) == []
    caller = await dial(bob, f"%23{alice.number}")
    await bob.audio.hears(B)
    await told(bob, "beep")
    await caller.bye()
    assert heard(bob) == ["1300 Hz", "beep"]


async def test_name_that_was_recorded_is_said_in_the_system_greeting(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    line = await enter(alice)
    await press(line, "0")
    await told(alice, "to_record_greeting")
    for key in "12":
        await press(line, key)
        await records(line, A if key == "1" else B)
        await press(line, "1")
        await told(alice, "greeting_saved" if key == "1" else "name_saved")
    await press(line, "4")
    await told(alice, "system_greeting", "to_record_greeting")
    await press(line, "#")
    await alice.hung_up(within=4)
    caller = await dial(bob, f"#{alice.number}")
    await told(bob, "is_not_available", "leave_a_message", "when_done", "beep", within=15)
    await caller.bye()
    assert heard(bob)[:2] == ["1300 Hz", "is_not_available"]


async def test_group_has_a_greeting_of_its_own(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    _, number = await scene.vm_group("share", alice.person)
    line = await enter(alice)
    await press(line, "3")
    await told(alice, "you_have")
    await press(line, "0", "1")
    await records(line, C)
    await press(line, "1")
    await told(alice, "greeting_saved")
    await line.bye()
    caller = await dial(bob, number)
    await bob.audio.hears(C)
    await caller.bye()


async def test_greeting_in_which_nothing_is_said_is_recorded_again(scene: Scene) -> None:
    alice = await scene.phone()
    line = await enter(alice)
    await press(line, "0", "1")
    await told(alice, "record_after_tone")
    await press(line, "#")  # no need to hear it out
    await told(alice, "beep")
    await speak(line, A, 0.2)
    await press(line, "#")
    await told(alice, "too_short", "record_after_tone", "beep")
    await told(alice, "too_short", within=12)  # by silence
    await line.bye()
    await scene.story(alice)
    assert await leftovers(scene.house) == []


@pytest.mark.parametrize("key", ["*", ""])
async def test_greeting_that_is_not_accepted_is_not_kept(scene: Scene, key: str) -> None:
    alice = await scene.phone()
    line = await enter(alice)
    await press(line, "0", "1")
    await records(line, A)
    await press(line, "2")
    await alice.audio.hears(A)
    if key:
        await press(line, key)
        await told(alice, "to_record_greeting")
    await line.bye()
    await scene.story(alice)
    assert (await scene.house.node.store.greetings.of(mailbox_of(alice))) == ()
    assert await leftovers(scene.house) == []
