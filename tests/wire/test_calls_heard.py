"""What the caller hears until somebody answers, tone by tone: join prompt, welcome prompt, ringback (ADR 0011)."""

import asyncio
import signal
from collections.abc import AsyncIterator
from os import kill

import numpy as np
import pytest
import pytest_asyncio

from ringdove.model.story import Disposition, HeardKind, HopOutcome
from ringdove.sip.codec import Codec
from ringdove.sip.dialog import Dialog
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import parse
from support.hearing import Span, check_stream, longest_gap, pcm_of, timeline
from support.house import House
from support.phones import Line, Phone, until
from support.scene import Scene, open_house
from support.sounds import upload_music, upload_prompts
from support.voice import G722, PCMA, PCMU

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOIN, WELCOME, OTHER_JOIN, OTHER_WELCOME, MEMBER, EARLY = 500, 900, 650, 1100, 1700, 1900
SCALE = (1300, 1400, 1500, 1600)
RINGBACK = 425
TONES = (JOIN, WELCOME, OTHER_JOIN, OTHER_WELCOME, MEMBER, EARLY, *SCALE, RINGBACK)
JOIN_SECONDS = 0.8


async def furnish(house: House) -> None:
    """The prompts and the music of these tests."""
    prompts = {
        "join.wav": [(JOIN, JOIN_SECONDS)],
        "welcome.wav": [(WELCOME, 0.5)],
        "other-join.wav": [(OTHER_JOIN, 0.5)],
    }
    await upload_prompts(house, prompts)
    await upload_music(house, "Scale", {f"{i}.wav": [(hz, 0.4)] for i, hz in enumerate(SCALE)})
    await upload_music(house, "Other", {"other.wav": [(OTHER_WELCOME, 0.5)]})


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("heard")) as house:
        await furnish(house)
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def hears_early(phone: Phone, invite: Request) -> Response:
    """Wait for the 183, and return it."""
    response: Response = await phone.expect("183")
    assert parse(response.body).media[0].port
    assert response.cseq == invite.cseq
    return response


def order(phone: Phone) -> list[float | None]:
    """The tones in the order in which they were heard."""
    return [span.hz for span in spans(phone)]


def spans(phone: Phone) -> list[Span]:
    """What was heard when."""
    return timeline(phone.audio.packets, tones=TONES)


def told(phone: Phone) -> list[int]:
    """The provisional responses to the INVITE."""
    messages = (received.message for received in phone.log)
    return [m.status for m in messages if isinstance(m, Response) and 100 < m.status < 200]


async def pick_up_and_speak(phone: Phone, invite: Request, codec: Codec = PCMU) -> Line:
    """Answer with this codec, and a tone."""
    line = await phone.pick_up(invite, phone.sdp(formats=f"{codec.payload} 101"))
    phone.audio.talk(line.media, codec, MEMBER)
    return line


async def test_the_join_prompt_once_then_the_welcome_prompt_until_the_answer_without_a_gap(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", welcome_prompt="welcome.wav")
    invite = await alice.dial(group)
    early = await hears_early(alice, invite)
    at_bob = await bob.rings()
    await alice.audio.hears(WELCOME)
    await asyncio.sleep(1.2)  # more than twice through
    theirs = await pick_up_and_speak(bob, at_bob)
    ours = await alice.answered(invite)
    assert ours.last.body == early.body, "the 200 repeats what the 183 said"
    await alice.audio.hears(MEMBER)
    heard = spans(alice)
    assert [span.hz for span in heard] == [JOIN, WELCOME, MEMBER]
    assert heard[0].seconds == pytest.approx(JOIN_SECONDS, abs=0.05)
    assert heard[1].seconds > 1.1
    assert longest_gap(alice.audio.packets) < 0.06
    check_stream(alice.audio.packets)
    assert told(alice) == [183]
    await scene.end(ours, theirs)
    story = await scene.story(alice)
    assert [(h.party.number, h.kind, h.name) for h in story.heard] == [
        (alice.number, HeardKind.JOIN_PROMPT, "join.wav"),
        (alice.number, HeardKind.WELCOME_PROMPT, "welcome.wav"),
    ]
    join, welcome = story.heard
    assert join.ended_at == pytest.approx(join.began_at + JOIN_SECONDS, abs=0.15)
    assert welcome.ended_at == pytest.approx(story.answered_at, abs=0.1)


async def test_without_play_full_join_prompt_members_ring_at_once_while_it_plays(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav")
    invite = await alice.dial(group)
    at_bob = await bob.rings(within=0.5)
    await alice.audio.hears(JOIN)
    theirs = await pick_up_and_speak(bob, at_bob)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    assert order(alice) == [JOIN, MEMBER], "the answer ends the prompt"
    await scene.end(ours, theirs)


async def test_play_full_join_prompt_rings_nobody_before_the_prompt_has_ended(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", play_full_join_prompt=1, ring_timeout=1)
    invite = await alice.dial(group)
    await hears_early(alice, invite)
    await bob.expect_none("INVITE", within=0.6)
    at_bob = await bob.rings()
    await bob.cancelled(at_bob)
    assert (await alice.refused(invite)).status == 480
    story = await scene.story(alice)
    (hop, _) = story.hops
    assert hop.ringing_from == pytest.approx(hop.entered_at + JOIN_SECONDS, abs=0.15)
    (leg,) = hop.attempts[0].legs
    assert leg.ended_at == pytest.approx((hop.ringing_from or 0) + 1, abs=0.15), "time 0 is when ringing begins"
    assert order(alice)[:2] == [JOIN, RINGBACK]  # its pause may begin


async def test_play_full_join_prompt_without_a_prompt_delays_nothing(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, play_full_join_prompt=1)
    invite = await alice.dial(group)
    at_bob = await bob.rings(within=0.5)
    theirs = await bob.pick_up(at_bob)
    await scene.end(await alice.answered(invite), theirs)


async def test_a_caller_who_leaves_during_the_full_prompt_rings_nobody(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", play_full_join_prompt=1)
    invite = await alice.dial(group)
    await alice.audio.hears(JOIN)
    alice.cancel(invite)
    assert (await alice.refused(invite)).status == 487
    story = await scene.story(alice)
    assert story.disposition is Disposition.ABANDONED
    assert story.hops[0].outcome is HopOutcome.ABANDONED
    await bob.expect_none("INVITE", within=0.1)


async def test_with_nothing_to_play_the_caller_gets_a_plain_180_and_no_audio(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    ringing = await alice.expect("180")
    assert ringing.body == b""
    assert alice.audio.packets == []
    theirs = await bob.pick_up(at_bob)
    await scene.end(await alice.answered(invite), theirs)
    assert told(alice) == [180]


async def test_a_join_prompt_that_nothing_follows_gives_way_to_a_ringback_tone(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav")
    invite = await alice.dial(group)
    at_bob = await bob.rings()
    await alice.audio.hears(JOIN)
    await alice.audio.hears(RINGBACK)
    theirs = await pick_up_and_speak(bob, at_bob)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    assert order(alice) == [JOIN, RINGBACK, MEMBER]
    assert told(alice) == [183], "nothing else is said after a 183"
    await scene.end(ours, theirs)


async def test_music_never_restarts_between_members(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(
        bob, carol, ring_strategy="sequentially", ring_timeout=2, welcome_prompt="Scale", join_prompt="join.wav"
    )
    invite = await alice.dial(group)
    await bob.cancelled(await bob.rings(), within=3)
    at_carol = await carol.rings()
    await alice.audio.hears(SCALE[3])
    theirs = await pick_up_and_speak(carol, at_carol)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    assert order(alice) == [JOIN, *SCALE, MEMBER]
    assert longest_gap(alice.audio.packets) < 0.06
    check_stream(alice.audio.packets)
    await scene.end(ours, theirs)


async def test_a_place_with_nothing_of_its_own_goes_on_with_what_is_heard(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    second = await scene.group(carol, ring_timeout=1, fail_dest="extension", fail_dest_value=str(carol.person.id))
    first = await scene.group(
        bob, ring_timeout=1, welcome_prompt="Scale", fail_dest="ring_group", fail_dest_value=await scene.id_of(second)
    )
    invite = await alice.dial(first)
    await bob.cancelled(await bob.rings())
    await carol.cancelled(await carol.rings())
    at_carol = await carol.rings()
    await asyncio.sleep(0.3)
    theirs = await pick_up_and_speak(carol, at_carol)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    heard = order(alice)
    assert heard[:-1] == [SCALE[i % 4] for i in range(len(heard) - 1)], "the music goes on through three places"
    assert len(heard) > 5
    assert told(alice) == [183]
    assert longest_gap(alice.audio.packets) < 0.06
    await scene.end(ours, theirs)


async def test_the_same_welcome_prompt_of_the_next_group_does_not_begin_anew_and_another_one_does(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    third = await scene.group(bob, welcome_prompt="Other", join_prompt="other-join.wav", ring_timeout=3)
    second = await scene.group(
        bob, welcome_prompt="Scale", ring_timeout=1, fail_dest="ring_group", fail_dest_value=await scene.id_of(third)
    )
    first = await scene.group(
        bob, welcome_prompt="Scale", ring_timeout=1, fail_dest="ring_group", fail_dest_value=await scene.id_of(second)
    )
    invite = await alice.dial(first)
    await bob.cancelled(await bob.rings())
    await bob.cancelled(await bob.rings())
    at_bob = await bob.rings()
    await alice.audio.hears(OTHER_WELCOME)
    theirs = await pick_up_and_speak(bob, at_bob)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    *music, join, welcome, member = order(alice)
    assert music == [SCALE[i % 4] for i in range(len(music))]
    assert (join, welcome, member) == (OTHER_JOIN, OTHER_WELCOME, MEMBER)
    check_stream(alice.audio.packets)
    await scene.end(ours, theirs)


async def test_nothing_is_played_where_the_group_is_left_at_once(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    nobody = await scene.person()
    group = await scene.group(nobody, join_prompt="join.wav", welcome_prompt="welcome.wav")
    assert (await alice.refused(await alice.dial(group))).status == 480
    assert told(alice) == []
    assert (await scene.story(alice)).heard == []


async def test_early_media_of_members_reaches_nobody(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(bob, carol, welcome_prompt="welcome.wav")
    invite = await alice.dial(group)
    at_bob, at_carol = await bob.rings(), await carol.rings()
    early = bob.reply(at_bob, 183, sdp=bob.sdp())
    bob.audio.talk(Line(bob, Dialog.as_uas(at_bob, bob.tag, bob.uri), early, at_bob).media, PCMU, EARLY)
    await alice.audio.hears(WELCOME)
    await asyncio.sleep(0.5)
    theirs = await pick_up_and_speak(carol, at_carol)
    ours = await alice.answered(invite)
    await bob.cancelled(at_bob)
    await alice.audio.hears(MEMBER)
    await asyncio.sleep(0.3)
    assert order(alice) == [WELCOME, MEMBER]
    await scene.end(ours, theirs)


async def test_a_caller_with_nothing_but_Opus_is_rung_for_and_connected(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", welcome_prompt="welcome.wav", play_full_join_prompt=1)
    opus = "m=audio {} RTP/AVP 111\na=rtpmap:111 opus/48000/2\n"
    head = "v=0\no=- 7 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
    invite = await alice.dial(group, head + opus.format(alice.audio.port))
    at_bob = await bob.rings(within=0.5)
    theirs = await bob.pick_up(at_bob, head + opus.format(bob.audio.port))
    ours = await alice.answered(invite)
    assert told(alice) == [180]
    await scene.end(ours, theirs)


async def test_an_INVITE_without_an_offer_is_rung_for_with_180(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", play_full_join_prompt=1)
    invite = await alice.dial(group, "")
    at_bob = await bob.rings(within=0.5)
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(invite, sdp=alice.sdp())
    assert told(alice) == [180]
    await scene.end(ours, theirs)


@pytest.mark.parametrize(("codec", "other"), [(PCMA, PCMU), (PCMU, PCMA)])
async def test_the_first_codec_of_the_caller_carries_prompt_and_talk_and_the_other_law_is_converted(
    scene: Scene, codec: Codec, other: Codec
) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, welcome_prompt="welcome.wav")
    invite = await alice.dial(group, alice.sdp(formats=f"{codec.payload} {other.payload} 101"))
    early = await hears_early(alice, invite)
    assert [c.name for c in parse(early.body).media[0].codecs] == [codec.name, "telephone-event"]
    at_bob = await bob.rings()
    assert parse(at_bob.body).media[0].codecs[0].name == codec.name
    await alice.audio.hears(WELCOME)
    theirs = await pick_up_and_speak(bob, at_bob, other)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    assert {packet.payload for packet in alice.audio.packets} == {codec.payload}
    alice.audio.talk(ours.media, codec, WELCOME)
    await bob.audio.hears(WELCOME)
    check_stream(bob.audio.packets)
    await scene.end(ours, theirs)


async def test_a_winner_without_the_codec_of_the_prompt_brings_the_caller_a_re_INVITE(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, welcome_prompt="welcome.wav")
    invite = await alice.dial(group, alice.sdp(formats="9 0 101"))
    await alice.audio.hears(WELCOME)
    assert {packet.payload for packet in alice.audio.packets} == {9}
    theirs = await pick_up_and_speak(bob, await bob.rings())
    ours = await alice.answered(invite)
    offer = await ours.is_offered()
    assert parse(offer.body).media[0].codecs[0].name == "PCMU"
    await ours.accept(offer, alice.sdp(formats="0 101", version=2))
    await alice.audio.hears(MEMBER)
    alice.audio.talk(ours.media, PCMU, WELCOME)
    await bob.audio.hears(WELCOME)
    await scene.end(ours, theirs)


async def test_in_G722_the_member_is_heard_without_a_bang_after_the_music(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, welcome_prompt="welcome.wav")
    invite = await alice.dial(group, alice.sdp(formats="9 101"))
    await alice.audio.hears(WELCOME)
    theirs = await pick_up_and_speak(bob, await bob.rings(), G722)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    assert order(alice) == [WELCOME, MEMBER]
    check_stream(alice.audio.packets)
    heard = pcm_of(alice.audio.packets)
    loud = [heard.after(at).first(0.02).rms for at in np.arange(0.2, heard.seconds - 0.02, 0.02)]
    assert max(loud) < 1.25 * np.median(loud)
    await scene.end(ours, theirs)


async def test_a_killed_media_process_goes_on_with_the_music(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, welcome_prompt="Scale", ring_timeout=20)
    invite = await alice.dial(group)
    at_bob = await bob.rings()
    await alice.audio.hears(SCALE[1])
    pid = scene.house.node.media.pid
    assert pid is not None
    kill(pid, signal.SIGKILL)
    await until(lambda: scene.house.node.media.pid not in (None, pid), "no new media process", 5)
    await alice.audio.hears(SCALE[3], within=5)
    await alice.audio.hears(SCALE[0], within=5)
    theirs = await pick_up_and_speak(bob, at_bob)
    ours = await alice.answered(invite)
    await alice.audio.hears(MEMBER)
    await scene.end(ours, theirs)


async def test_the_members_answer_is_heard_at_the_members_side_too(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, welcome_prompt="welcome.wav")
    invite = await alice.dial(group)
    theirs = await pick_up_and_speak(bob, await bob.rings())
    assert bob.audio.packets == [], "a ringing phone hears nothing"
    ours = await alice.answered(invite)
    alice.audio.talk(ours.media, PCMU, EARLY)
    await bob.audio.hears(EARLY)
    assert order(bob) == [EARLY], "the music is the caller's alone"
    check_stream(bob.audio.packets)
    await scene.end(ours, theirs)
