"""Real phones (Debian's baresip) take part in ring groups, with audio both ways."""

import asyncio
from pathlib import Path

import pytest

from ringdove.model.story import Disposition
from ringdove.sip.sdp import parse
from support.baresip import needs_baresip
from support.office import GROUP, Office
from support.tone import strength

pytestmark = needs_baresip

ALICE, BOB, CAROL = 440, 1000, 1700
"""The tones that their phones send, in Hz."""


@pytest.mark.parametrize(("codec", "leaver"), [("PCMU", "caller"), ("PCMA", "callee"), ("G722", "caller")])
async def test_the_one_who_answers_and_the_caller_hear_each_other(office: Office, codec: str, leaver: str) -> None:
    alice = await office.phone("2001", ALICE, codecs=[codec])
    bob = await office.phone("2002", BOB, codecs=[codec])
    carol = await office.phone("2003", CAROL, codecs=[codec])
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


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_they_hear_each_other_over_IPv6(tmp_path: Path, transport: str) -> None:
    async with Office.open(tmp_path, sip="[::1]:0") as office:
        alice = await office.phone("2001", ALICE, transport=transport)
        bob = await office.phone("2002", BOB, transport=transport)
        await office.ring_group(bob)
        await office.connect(alice, bob)
        await alice.hears(BOB)
        await bob.hears(ALICE)
        await alice.hang_up()
        await bob.expect("CALL_CLOSED")


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


async def test_they_hear_each_other_over_tls_with_a_certificate_that_they_check(tmp_path: Path) -> None:
    async with Office.open(tmp_path, sip_tls="127.0.0.1:0") as office:
        trusted = office.house.node.settings.keys / "sip-tls.crt"
        alice = await office.phone("2001", ALICE, transport="tls", trusted=trusted)
        bob = await office.phone("2002", BOB, transport="tls", trusted=trusted)
        carol = await office.phone("2003", CAROL)
        await office.ring_group(bob, carol)
        await office.connect(alice, bob)
        await carol.expect("CALL_CLOSED")
        await alice.hears(BOB)
        await bob.hears(ALICE)
        await bob.hang_up()
        await alice.expect("CALL_CLOSED")
