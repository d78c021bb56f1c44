"""Real phones (Debian's baresip) take part in ring groups, with audio both ways."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ringdove.model.story import Disposition
from ringdove.sip.sdp import parse
from support.baresip import PROGRAM, Baresip
from support.house import House
from support.phones import Phone
from support.tone import strength

pytestmark = [pytest.mark.baresip, pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed")]

GROUP = "6300"
ALICE, BOB, CAROL = 440, 1000, 1700
"""The tones that their phones send, in Hz."""


class Office:
    """A server and the baresips that have registered with it."""

    def __init__(self, house: House, stack: AsyncExitStack, folder: Path) -> None:
        self.house = house
        self._stack = stack
        self._folder = folder

    async def phone(self, number: str, tone: int, **how: Any) -> Baresip:
        """A phone of a new extension; `how` are the parameters of `Baresip.open`."""
        person = await self.house.extension(number)
        opening = Baresip.open(self._folder / number, person, self.house.sip, tone=tone, **how)
        phone = await self._stack.enter_async_context(opening)
        await phone.registered()
        return phone

    async def scripted_phone(self, number: str) -> Phone:
        """A registered phone that does what the test says."""
        phone = await Phone.of(self.house, await self.house.extension(number))
        self._stack.push_async_callback(phone.close)
        assert (await phone.register()).status == 200
        return phone

    async def ring_group(self, *phones: Baresip | Phone, **fields: Any) -> None:
        """All of them ring when GROUP is dialled."""
        await self.house.ring_group(GROUP, [phone.person for phone in phones], ring_timeout=20, **fields)

    async def connect(self, caller: Baresip, callee: Baresip) -> None:
        """The caller dials the group, the callee answers."""
        await caller.dial(GROUP)
        await callee.expect("CALL_INCOMING")
        await callee.accept()
        await callee.expect("CALL_ESTABLISHED")
        await caller.expect("CALL_ESTABLISHED")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(House.open(tmp_path / "data"))
        yield Office(house, stack, tmp_path)


@pytest.mark.parametrize(("codec", "leaver"), [("PCMU", "caller"), ("PCMA", "callee"), ("G722", "caller")])
async def test_the_one_who_answers_and_the_caller_hear_each_other(office: Office, codec: str, leaver: str) -> None:
    alice = await office.phone("2001", ALICE, codec=codec)
    bob = await office.phone("2002", BOB, codec=codec)
    carol = await office.phone("2003", CAROL, codec=codec)
    await office.ring_group(bob, carol)

    await alice.dial(GROUP)
    await alice.expect("CALL_RINGING")
    await bob.expect("CALL_INCOMING")
    await carol.expect("CALL_INCOMING")
    await bob.accept()
    await alice.expect("CALL_ESTABLISHED")
    await carol.expect("CALL_CLOSED")
    await alice.hears(BOB)
    await bob.hears(ALICE)

    leaves, stays = (alice, bob) if leaver == "caller" else (bob, alice)
    await leaves.hang_up()
    await stays.expect("CALL_CLOSED")

    assert strength(alice.heard, BOB) > 0.9
    assert strength(bob.heard, ALICE) > 0.9
    assert not carol.got_audio
    cancel = await carol.request("CANCEL")
    assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in cancel
    assert not bob.received("CANCEL")
    assert f"Set audio decoder: {codec} " in alice.log
    assert f"Set audio decoder: {codec} " in bob.log
    story = await office.house.finished_call()
    assert story.disposition is Disposition.ANSWERED
    assert story.answered_by is not None
    assert (story.answered_by.number, story.ended_by) == ("2002", leaver)
    results = {attempt.member.number: attempt.result for attempt in story.hops[0].attempts}
    assert results == {"2002": "answered", "2003": "answered elsewhere"}


async def test_nothing_is_heard_before_the_answer_even_of_a_member_that_speaks_early(office: Office) -> None:
    alice = await office.phone("2001", ALICE)
    bob = await office.scripted_phone("2002")
    carol = await office.phone("2003", CAROL)
    await office.ring_group(bob, carol)

    await alice.dial(GROUP)
    await alice.expect("CALL_RINGING")
    invite = await bob.expect("INVITE")
    bob.reply(invite, 183, sdp=bob.sdp())
    for _ in range(50):
        bob.audio.say(b"\x2a" * 160, (office.house.sip[0], parse(invite.body).media[0].port))
    await asyncio.sleep(0.3)
    assert not alice.got_audio
    assert "SIP/2.0 183" not in alice.log

    await carol.expect("CALL_INCOMING")
    await carol.accept()
    await bob.cancelled(invite)
    await alice.expect("CALL_RTPESTAB")
    await alice.hears(CAROL)
    await carol.hears(ALICE)
    assert strength(alice.heard, CAROL) > 0.9
    assert not bob.audio.packets


async def test_hold_from_either_side_never_reaches_the_other_which_goes_on_hearing(
    office: Office,
) -> None:
    alice, bob = await office.phone("2001", ALICE), await office.phone("2002", BOB)
    await office.ring_group(bob, moh="follow_system")
    await office.connect(alice, bob)
    await alice.hears(BOB)
    await bob.hears(ALICE)

    for holder, held in ((alice, bob), (bob, alice)):
        seen = len(held.received("INVITE"))
        await holder.hold()
        await holder.falls_silent()
        await held.hears_something()
        await holder.resume()
        await holder.hears_something()
        await held.hears_something()
        assert len(held.received("INVITE")) == seen

    await bob.hang_up()
    await alice.expect("CALL_CLOSED")
    assert (await office.house.finished_call()).disposition is Disposition.ANSWERED


async def test_phones_behind_tcp_connections_are_reached_through_them(office: Office) -> None:
    alice, bob = [await office.phone(n, tone, transport="tcp") for n, tone in (("2001", ALICE), ("2002", BOB))]
    await office.ring_group(bob)
    await office.connect(alice, bob)
    await alice.hears(BOB)
    await bob.hears(ALICE)
    await alice.hang_up()
    await bob.expect("CALL_CLOSED")
    assert (await bob.request("INVITE")).startswith("TCP ")
    assert (await bob.request("BYE")).startswith("TCP ")


async def test_a_caller_who_gives_up_stops_the_ringing(office: Office) -> None:
    alice, bob = await office.phone("2001", ALICE), await office.phone("2002", BOB)
    await office.ring_group(bob)
    await alice.dial(GROUP)
    await bob.expect("CALL_INCOMING")
    await alice.hang_up()
    await bob.expect("CALL_CLOSED")
    cancel = await bob.request("CANCEL")
    assert "Reason:" not in cancel
    assert (await office.house.finished_call()).disposition is Disposition.ABANDONED
