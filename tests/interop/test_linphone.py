"""Phones of another make (Debian's linphonec) take part in ring groups, with audio both ways: UDP, TCP and TLS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ringdove.model.story import Disposition
from support.baresip import needs_baresip
from support.linphone import Linphone, needs_linphone
from support.office import GROUP, Office
from support.tone import sound_file, strength

pytestmark = [*needs_baresip, *needs_linphone]

ALICE, BOB = 440, 1000
"""The tones that their phones send, in Hz."""

TRANSPORTS = ["udp", "tcp", "tls"]
"""That of the linphonecs; the baresips speak it too, but UDP where it is TLS."""


async def linphone(office: Office, stack: AsyncExitStack, folder: Path, number: str, transport: str) -> Linphone:
    """A phone of a new extension, registered."""
    person = await office.house.extension(number)
    server = office.house.sip_tls if transport == "tls" else office.house.sip
    opening = Linphone.open(folder / number, person, server, transport=transport)
    phone = await stack.enter_async_context(opening)
    await phone.registered()
    return phone


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Office.open(tmp_path, sip_tls="127.0.0.1:0") as office:
        yield office


def beside(transport: str) -> str:
    return "udp" if transport == "tls" else transport


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_linphone_calls_a_group_talks_holds_and_hangs_up(
    office: Office, tmp_path: Path, transport: str
) -> None:
    async with AsyncExitStack() as stack:
        bob = await office.phone("2002", BOB, transport=beside(transport))
        await office.ring_group(bob, moh="follow_system")
        alice = await linphone(office, stack, tmp_path, "2001", transport)
        await alice.dial(GROUP)
        await bob.expect("CALL_INCOMING")
        await alice.says("ringing")
        await bob.accept()
        await alice.says("connected")
        await alice.says("Media streams established")
        await alice.records()
        await alice.speaks(sound_file(tmp_path / "alice.wav", [(ALICE, 30)], rate=8000))
        await bob.hears(ALICE, within=6)
        await asyncio.sleep(0.5)  # of Bob's tone, for the recording

        await alice.hold()
        await alice.says("paused")
        await bob.hears_something()  # music, without a word to the phone
        await alice.resume()
        await alice.says("Media streams established")
        await alice.hang_up()
        await bob.expect("CALL_CLOSED")
        await alice.says("ended")
        assert strength(alice.heard.after(0.2).first(0.3), BOB) > 0.9
    story = await office.house.finished_call()
    assert (story.disposition, story.ended_by) == (Disposition.ANSWERED, "caller")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_one_of_two_linphones_takes_the_call_of_a_group_and_the_other_misses_nothing(
    office: Office, tmp_path: Path, transport: str
) -> None:
    async with AsyncExitStack() as stack:
        alice = await office.phone("2001", ALICE, transport=beside(transport))
        bob = await linphone(office, stack, tmp_path, "2002", transport)
        carol = await linphone(office, stack, tmp_path, "2003", transport)
        await office.ring_group(bob, carol)
        await alice.dial(GROUP)
        await bob.says("Receiving new incoming call")
        await carol.says("Receiving new incoming call")
        await bob.accept()
        await bob.says("connected")
        await alice.expect("CALL_ESTABLISHED")
        await carol.says("ended")
        assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in carol.messages
        await bob.speaks(sound_file(tmp_path / "bob.wav", [(BOB, 30)], rate=8000))
        await alice.hears(BOB, within=6)
        await bob.hang_up()
        await alice.expect("CALL_CLOSED")
    story = await office.house.finished_call()
    assert story.answered_by is not None
    assert (story.answered_by.number, story.ended_by) == ("2002", "callee")
    attempts = story.hops[0].attempts
    results = {attempt.member.number: attempt.result for attempt in attempts}
    assert results == {"2002": "answered", "2003": "answered elsewhere"}
    assert all(f"transport={transport}" in leg.contact for attempt in attempts for leg in attempt.legs)
