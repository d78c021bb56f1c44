"""Leaving messages: what a caller says into `ext_vm` and `group_vm` is what is downloaded, whatever ends it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ringdove.events.types import MailboxFull
from ringdove.model.story import Disposition, EndedBy, HeardKind, HopOutcome
from ringdove.model.voicemail import Mailbox, MailboxKind
from support import spoken
from support.hearing import check_stream
from support.house import House, Person
from support.phones import Line, Phone
from support.scene import Scene, open_house
from support.tone import Sound
from support.voice import G722
from support.voicemail import messages, press, press_for_tone, reach_tone, speak, tones, wav_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

A, B = 700, 1300
"""What callers say, in Hz."""
SILENCE, LONGEST = 1, 6


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings = {"vm_shortest": 1, "vm_silence": SILENCE, "vm_longest": LONGEST, "vm_messages": 5}
    async with open_house(tmp_path_factory.mktemp("voicemail"), **settings) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def away(scene: Scene, **fields: Any) -> Person:
    """Somebody without a phone, who has voicemail."""
    return await scene.person(enb_vm=1, **fields)


async def only_message(scene: Scene, person: Person) -> list[tuple[float | None, float]]:
    """The tones of the one message that a person has."""
    (message,) = await messages(scene.house, count=1, ext_id=person.id)
    return said(await wav_of(scene.house, message["id"]))


def said(sound: Sound) -> list[tuple[float | None, float]]:
    """The tones in it and how long each lasts, without silence."""
    return [(hz, seconds) for hz, seconds in tones(sound, A, B) if hz is not None]


def near(seconds: float) -> Any:
    return pytest.approx(seconds, abs=0.15)


async def test_voicemail_keeps_the_tone_for_as_long_as_it_was_said(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene, first_name="Bob")
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, A, 2)
    await press(line, "#", "1")
    bye = await alice.hung_up(within=8)
    assert bye.headers.get("Reason") is None, "the call has not failed"
    check_stream(alice.audio.packets)
    (message,) = await messages(scene.house, count=1, ext_id=bob.id)
    assert message["caller"] == alice.number
    assert message["read"] == 0
    assert message["duration"] == near(2)
    assert said(await wav_of(scene.house, message["id"])) == [(A, near(2))]
    story = await scene.story(alice)
    assert story.disposition is Disposition.VOICEMAIL
    assert story.final_status == 200
    assert story.answered_at is None
    assert [(hop.kind, hop.number, hop.outcome) for hop in story.hops] == [
        ("extension", bob.number, HopOutcome.NOBODY_ONLINE),
        ("ext_vm", bob.number, HopOutcome.MESSAGE_LEFT),
    ]
    assert (story.heard[0].kind, story.ended_by) == (HeardKind.GREETING, EndedBy.SERVER)
    assert story.message is not None
    assert story.message.seconds == message["duration"]
    assert story.message.began_at > (story.heard[0].ended_at or 0.0)


async def test_voicemail_takes_a_hang_up_as_the_end(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, A, 1.5)
    assert (await line.bye()).status == 200
    assert await only_message(scene, bob) == [(A, near(1.5))]
    story = await scene.story(alice)
    assert (story.disposition, story.ended_by) == (Disposition.VOICEMAIL, EndedBy.CALLER)
    assert story.hops[-1].outcome is HopOutcome.MESSAGE_LEFT


async def test_voicemail_ends_with_silence_and_leaves_most_of_it_out(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    alice.audio.packets.clear()
    await speak(line, A, 1.5)
    await alice.audio.receives(10, within=SILENCE + 2)  # it is asked what to do with the message, long before LONGEST
    assert (await line.bye()).status == 200
    (message,) = await messages(scene.house, count=1, ext_id=bob.id)
    assert message["duration"] == pytest.approx(2.0, abs=0.25)


async def test_voicemail_has_a_longest_message(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, A, LONGEST + 0.5)
    assert (await line.bye()).status == 200
    (message,) = await messages(scene.house, count=1, ext_id=bob.id)
    assert LONGEST - 0.5 < message["duration"] <= LONGEST + 0.05


async def test_voicemail_has_a_shortest_message(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, A, 0.4)
    await press_for_tone(line, "#")  # once more
    await speak(line, B, 1.5)
    assert (await line.bye()).status == 200
    assert await only_message(scene, bob) == [(B, near(1.5))]


async def test_voicemail_of_a_caller_who_says_nothing_is_no_message(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    assert (await line.bye()).status == 200
    story = await scene.story(alice)
    assert story.disposition is Disposition.VOICEMAIL
    assert story.hops[-1].outcome is HopOutcome.NO_MESSAGE
    assert await messages(scene.house, count=0, ext_id=bob.id) == []
    assert list((scene.house.node.settings.data / "voicemail").iterdir()) == []


async def test_voicemail_lets_nobody_stay_who_says_nothing(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    await reach_tone(alice, await alice.dial(bob.number))
    await alice.hung_up(within=5 * (SILENCE + 5))
    told = spoken.said(alice.audio.packets)
    assert told[told.index("beep") :] == ["beep", "too_short"] * 5 + ["nothing_recorded", "goodbye"]
    assert (await scene.story(alice)).hops[-1].outcome is HopOutcome.NO_MESSAGE


async def test_voicemail_can_be_listened_to_and_recorded_again(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, A, 1.5)
    await press(line, "#", "2")
    await alice.audio.hears(A)
    await press_for_tone(line, "3")
    await speak(line, B, 1.2)
    await press(line, "#", "1")
    await alice.hung_up(within=8)
    assert await only_message(scene, bob) == [(B, near(1.2))]


async def test_voicemail_keeps_what_was_recorded_when_the_next_take_is_nothing(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number))
    await speak(line, A, 1.5)
    await press_for_tone(line, "#", "3")
    assert (await line.bye()).status == 200
    assert await only_message(scene, bob) == [(A, near(1.5))]


async def test_voicemail_for_a_caller_who_leaves_in_the_greeting(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await alice.answered(await alice.dial(bob.number))
    await alice.audio.receives(20)
    assert (await line.bye()).status == 200
    assert (await scene.story(alice)).hops[-1].outcome is HopOutcome.NO_MESSAGE
    assert list((scene.house.node.settings.data / "voicemail").iterdir()) == []


async def test_voicemail_of_a_caller_who_describes_itself_in_the_ack(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number, sdp=""), sdp=alice.sdp())
    await speak(line, A, 1.5)
    assert (await line.bye()).status == 200
    assert await only_message(scene, bob) == [(A, near(1.5))]


async def test_voicemail_in_g722(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    line = await reach_tone(alice, await alice.dial(bob.number, sdp=alice.sdp(formats="9 101")))
    alice.audio.packets.clear()
    await speak(line, A, 1.5, G722)
    await alice.audio.receives(10, within=SILENCE + 3)
    assert (await line.bye()).status == 200
    (message,) = await messages(scene.house, count=1, ext_id=bob.id)
    assert message["duration"] == pytest.approx(2.0, abs=0.25)
    sound = await wav_of(scene.house, message["id"])
    assert sound.rate == 16000
    assert said(sound) == [(A, near(1.5))]


async def test_voicemail_is_full(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene)
    told: list[MailboxFull] = []
    stop = scene.house.node.bus.subscribe(MailboxFull, told.append)
    for number in range(1, 6):
        line = await reach_tone(alice, await alice.dial(bob.number))
        await speak(line, A, 1.2)
        await line.bye()
        await messages(scene.house, count=number, ext_id=bob.id)
    assert told == []
    await alice.answered(await alice.dial(bob.number))
    await alice.hung_up(within=8)
    stop()
    assert [event.mailbox for event in told] == [Mailbox(MailboxKind.EXTENSION, bob.id)]
    story = await scene.story(alice)
    assert story.hops[-1].outcome is HopOutcome.MAILBOX_FULL
    await messages(scene.house, count=5, ext_id=bob.id)


# How a call gets there


async def leave(line: Line, hz: float) -> None:
    await speak(line, hz, 1.3)
    await line.bye()


@pytest.mark.parametrize("status", [486, 603, 480])
async def test_voicemail_follows_a_refusal(scene: Scene, status: int) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.phone(enb_vm=1)
    invite = await alice.dial(bob.number)
    bob.reply(await bob.rings(), status)
    await bob.expect("ACK")
    await leave(await reach_tone(alice, invite), A)
    assert await only_message(scene, bob.person) == [(A, near(1.3))]


async def test_voicemail_follows_ringing(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.phone(enb_vm=1, ring_timeout=1)
    invite = await alice.dial(bob.number)
    await bob.cancelled(await bob.rings())
    await leave(await reach_tone(alice, invite), A)
    assert await only_message(scene, bob.person) == [(A, near(1.3))]


async def test_voicemail_of_a_disabled_extension_takes_only_what_is_sent_there(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await away(scene, enabled=0)
    assert (await alice.refused(await alice.dial(bob.number))).status == 480
    line = await reach_tone(alice, await alice.dial(f"#{bob.number}"))
    await speak(line, A, 1.5)
    assert (await line.bye()).status == 200
    assert await only_message(scene, bob) == [(A, near(1.5))]


async def test_voicemail_is_not_for_who_does_not_want_it(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.person()
    assert (await alice.refused(await alice.dial(bob.number))).status == 480


async def test_voicemail_of_an_extension_that_a_group_fails_over_to(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    carol = await scene.person()
    group = await scene.group(bob, ring_timeout=1, fail_dest="ext_vm", fail_dest_value=str(carol.id))
    invite = await alice.dial(group)
    await bob.cancelled(await bob.rings())
    await leave(await reach_tone(alice, invite), A)
    assert await only_message(scene, carol) == [(A, near(1.3))]
    story = await scene.story(alice)
    assert story.disposition is Disposition.VOICEMAIL
    assert [hop.kind for hop in story.hops] == ["ring_group", "ext_vm"]


async def test_voicemail_after_early_media_goes_on_in_the_same_stream(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    carol = await scene.person()
    group = await scene.group(
        bob, ring_timeout=1, welcome_prompt="default", fail_dest="ext_vm", fail_dest_value=str(carol.id)
    )
    invite = await alice.dial(group)
    await bob.cancelled(await bob.rings())
    await leave(await reach_tone(alice, invite), A)
    check_stream(alice.audio.packets)
    assert await only_message(scene, carol) == [(A, near(1.3))]


async def test_voicemail_for_a_group_that_shares_is_kept_once(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    carol, dave = await scene.person(), await scene.person()
    shared, _ = await scene.vm_group("share", carol, dave)
    group = await scene.group(bob, ring_timeout=1, fail_dest="group_vm", fail_dest_value=str(shared))
    invite = await alice.dial(group)
    await bob.cancelled(await bob.rings())
    await leave(await reach_tone(alice, invite), A)
    (message,) = await messages(scene.house, count=1, group_id=shared)
    assert said(await wav_of(scene.house, message["id"])) == [(A, near(1.3))]
    for member in (carol, dave):
        assert await messages(scene.house, count=0, ext_id=member.id) == []


async def test_voicemail_for_a_group_that_spreads_is_copied_to_each_member(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    carol, dave = await scene.person(), await scene.person()
    spread, number = await scene.vm_group("broadcast", carol, dave)
    await leave(await reach_tone(alice, await alice.dial(number)), B)
    for member in (carol, dave):
        assert await only_message(scene, member) == [(B, near(1.3))]
    assert await messages(scene.house, count=0, group_id=spread) == []


async def test_voicemail_for_a_group_goes_to_who_has_room(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    full, empty = await away(scene), await scene.person()
    for count in range(1, 6):
        await leave(await reach_tone(alice, await alice.dial(full.number)), A)
        await messages(scene.house, count=count, ext_id=full.id)
    _, number = await scene.vm_group("broadcast", full, empty)
    await leave(await reach_tone(alice, await alice.dial(number)), B)
    assert await only_message(scene, empty) == [(B, near(1.3))]
    await messages(scene.house, count=5, ext_id=full.id)


# A member sends a group's call to its own voicemail


async def diverts(phone: Phone, to: str) -> None:
    phone.reply(await phone.rings(), 302, headers=[("Contact", f"<sip:{to}@pbx.test>")])
    await phone.expect("ACK")


@pytest_asyncio.fixture(loop_scope="module")
async def divertible(scene: Scene) -> AsyncIterator[None]:
    await scene.house.post("ringgroup/updateoptions", enb_transfer_to_voicemail=1)
    yield
    await scene.house.post("ringgroup/updateoptions", enb_transfer_to_voicemail=0)


@pytest.mark.usefixtures("divertible")
@pytest.mark.parametrize("to", ["{number}", "%23{number}", "*2"])
async def test_member_sends_the_call_of_a_group_to_its_voicemail(scene: Scene, to: str) -> None:
    alice, carol = await scene.phones(2)
    bob = await scene.phone(enb_vm=1)
    invite = await alice.dial(await scene.group(bob, carol, fail_dest="ext_vm", fail_dest_value=str(carol.person.id)))
    at_carol = await carol.rings()
    await diverts(bob, to.format(number=bob.number))
    assert (await carol.cancelled(at_carol)).headers.get("Reason") is None
    await leave(await reach_tone(alice, invite), A)
    assert await only_message(scene, bob.person) == [(A, near(1.3))]
    hops = (await scene.story(alice)).hops
    assert [(hop.kind, hop.outcome) for hop in hops] == [
        ("ring_group", HopOutcome.DIVERTED),
        ("ext_vm", HopOutcome.MESSAGE_LEFT),
    ]


async def test_a_direct_call_is_sent_to_voicemail_at_once_and_rings_on_no_other_phone(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    desk = await scene.phone(enb_vm=1)
    mobile = await scene.phone(desk.person)
    invite = await alice.dial(desk.number)
    at_mobile = await mobile.rings()
    await diverts(desk, "*2")
    await mobile.cancelled(at_mobile)
    await leave(await reach_tone(alice, invite), A)
    assert await only_message(scene, desk.person) == [(A, near(1.3))]
    assert [hop.outcome for hop in (await scene.story(alice)).hops] == [HopOutcome.DIVERTED, HopOutcome.MESSAGE_LEFT]


async def test_member_sends_nothing_to_its_voicemail_unless_that_is_allowed(scene: Scene) -> None:
    alice, carol = await scene.phones(2)
    bob = await scene.phone(enb_vm=1)
    invite = await alice.dial(await scene.group(bob, carol, ring_timeout=1))
    at_carol = await carol.rings()
    await diverts(bob, bob.number)
    await carol.cancelled(at_carol)  # when its time is over
    assert (await alice.refused(invite)).status == 480


@pytest.mark.usefixtures("divertible")
@pytest.mark.parametrize(("enb_vm", "to"), [(0, "{number}"), (1, "2999"), (1, "*3")])
async def test_member_sends_nothing_elsewhere(scene: Scene, enb_vm: int, to: str) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.phone(enb_vm=enb_vm)
    invite = await alice.dial(await scene.group(bob, ring_timeout=1))
    await diverts(bob, to.format(number=bob.number))
    assert (await alice.refused(invite)).status == 480
