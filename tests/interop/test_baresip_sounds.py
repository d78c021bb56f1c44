"""What real phones (Debian's baresip) hear of prompts, music, hold and keys, tone by tone, in each codec.

Their jitter buffer is the one they come with. It holds back 100 ms, and baresip empties it unheard at each description
that it gets, the 200 that follows a 183 included.
"""

import asyncio
from itertools import pairwise

import pytest

from ringdove.media.engine import DigitHeard
from ringdove.model.story import HeardKind
from ringdove.sip.message import Request
from ringdove.sip.sdp import parse
from support.baresip import Baresip, needs_baresip
from support.ears import DIGITS
from support.hearing import Span, check_stream, longest_gap, timeline
from support.office import GROUP, Office
from support.phones import Line, Phone, until
from support.sounds import upload_music, upload_prompts
from support.voice import EVENT, G722, PCMA, PCMU

pytestmark = needs_baresip

JOIN, SCALE, MUSIC, ALICE, BOB = 550, (1300, 1500), 900, 440, 1700
"""The prompt's tone, those of the music before the answer, that of hold, and those that the phones send, in Hz."""
TONES = (JOIN, *SCALE, MUSIC, ALICE, BOB)
JOIN_SECONDS, NOTE_SECONDS = 0.8, 0.4
JITTER_BUFFER = 0.1

VOICES = {codec.name: codec for codec in (PCMU, PCMA, G722)}


async def furnish(office: Office) -> None:
    """The prompt and the music that are heard before an answer."""
    await upload_prompts(office.house, {"join.wav": [(JOIN, JOIN_SECONDS)]})
    await upload_music(office.house, "Scale", {f"{i}.wav": [(hz, NOTE_SECONDS)] for i, hz in enumerate(SCALE)})


def sdp(phone: Phone, codec: str, direction: str = "sendrecv", version: int = 1) -> str:
    """The description of a scripted phone that knows this codec and keys."""
    return phone.sdp(direction, version=version, formats=f"{VOICES[codec].payload} 101")


async def pick_up_and_speak(phone: Phone, invite: Request, codec: str) -> Line:
    """Answer with a tone."""
    line = await phone.pick_up(invite, sdp(phone, codec))
    phone.audio.talk(line.media, VOICES[codec], BOB)
    return line


async def talk(office: Office, codec: str, baresip: str) -> tuple[Baresip, Line]:
    """A baresip, as caller or callee, and a scripted phone that hear each other through a group with music for hold."""
    await upload_music(office.house, "Music", {"music.wav": [(MUSIC, 0.7)]})
    alice = await office.phone("2001", ALICE, codecs=[codec])
    bob = await office.scripted_phone("2002")
    if baresip == "caller":
        await office.ring_group(bob, moh="Music")
        await alice.dial(GROUP)
        line = await bob.pick_up(await bob.rings(), sdp(bob, codec))
    else:
        await office.ring_group(alice, moh="Music")
        invite = await bob.dial(GROUP, sdp(bob, codec))
        await alice.expect("CALL_INCOMING")
        await alice.accept()
        line = await bob.answered(invite)
    bob.audio.talk(line.media, VOICES[codec], BOB)
    await alice.hears(BOB)
    await bob.audio.hears(ALICE)
    return alice, line


def overheard(phone: Phone) -> list[float | None]:
    """The tones that a scripted phone heard, in order; a baresip on a busy machine may send late, and is not judged."""
    return order(timeline(phone.audio.packets, tones=TONES, gap=0.5))


def order(spans: list[Span]) -> list[float | None]:
    """The tones, in the order in which they were heard."""
    return [span.hz for span in spans]


def told(caller: Baresip) -> list[int]:
    """The statuses of what the server said to the caller's INVITE with credentials."""
    statuses = [int(response.split("SIP/2.0 ")[1][:3]) for response in caller.responses("INVITE")]
    return [status for status in statuses if status not in {100, 401}]


def body(message: str) -> str:
    """What follows its header fields."""
    return message.split("\n\n", 1)[1]


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_a_caller_hears_the_whole_prompt_then_music_then_the_member_without_a_gap(
    office: Office, codec: str
) -> None:
    await furnish(office)
    alice = await office.phone("2001", ALICE, codecs=[codec])
    bob = await office.scripted_phone("2002")
    await office.ring_group(bob, join_prompt="join.wav", play_full_join_prompt=1, welcome_prompt="Scale")

    await alice.dial(GROUP)
    at_bob = await bob.rings(within=5)
    assert alice.heard.seconds > JOIN_SECONDS - 3 * JITTER_BUFFER, "the member rings when the prompt has ended"
    await alice.hears(SCALE[0])
    await alice.hears(SCALE[1])
    line = await pick_up_and_speak(bob, at_bob, codec)
    await alice.hears(BOB)
    await bob.audio.hears(ALICE)

    heard = alice.melody(TONES)
    join, *music, member = heard
    assert (join.hz, member.hz) == (JOIN, BOB)
    assert order(music) == [SCALE[i % 2] for i in range(len(music))], "the music never begins anew"
    assert join.seconds == pytest.approx(JOIN_SECONDS, abs=0.05)
    assert [note.seconds for note in music[:-1]] == pytest.approx([NOTE_SECONDS] * (len(music) - 1), abs=0.05)
    assert told(alice) == [183, 200], "and no 180"
    early, answer = [body(response) for response in alice.responses("INVITE")[-2:]]
    assert early == answer
    assert [c.name for c in parse(early.encode()).media[0].codecs] == [codec, "telephone-event"]
    assert f"Set audio decoder: {codec} " in alice.log
    assert len(await alice.sources()) == 1
    assert overheard(bob) == [ALICE]
    check_stream(bob.audio.packets)

    await line.bye()
    await alice.expect("CALL_CLOSED")
    story = await office.house.finished_call()
    prompt, welcome = story.heard
    assert story.hops[0].ringing_from == pytest.approx(prompt.began_at + JOIN_SECONDS, abs=0.15)
    assert welcome.ended_at is not None
    lost = welcome.ended_at - prompt.began_at - member.start
    assert lost == pytest.approx(JITTER_BUFFER, abs=JITTER_BUFFER + 0.1), "what came is as long as it took"


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_a_member_hears_nothing_while_it_rings_and_then_the_caller_alone(office: Office, codec: str) -> None:
    """It describes itself before it answers, and listens from then on: there is a way to it."""
    await furnish(office)
    alice = await office.scripted_phone("2001")
    bob = await office.phone("2002", BOB, codecs=[codec], answermode="early")
    await office.ring_group(bob, welcome_prompt="Scale")

    invite = await alice.dial(GROUP, sdp(alice, codec))
    early = await alice.expect("183")
    audio = parse(early.body).media[0]
    alice.audio.talk((office.house.sip[0], audio.port), VOICES[codec], ALICE)
    await bob.says("SIP/2.0 183 Session Progress")
    await alice.audio.hears(SCALE[0])
    await alice.audio.hears(SCALE[1])
    assert not bob.got_audio
    assert longest_gap(alice.audio.packets) < 0.06

    await bob.accept()
    line = await alice.answered(invite)
    await alice.audio.hears(BOB)
    await bob.hears(ALICE)
    assert order(bob.melody(TONES)) == [ALICE]
    *music, member = overheard(alice)
    assert music == [SCALE[i % 2] for i in range(len(music))]
    assert member == BOB
    check_stream(alice.audio.packets)
    assert len(await bob.sources()) == 1
    assert {packet.payload for packet in alice.audio.packets} == {VOICES[codec].payload}
    await line.bye()
    await bob.expect("CALL_CLOSED")


async def test_a_caller_with_A_law_and_a_member_with_u_law_hear_each_other(office: Office) -> None:
    await furnish(office)
    alice = await office.phone("2001", ALICE, codecs=["PCMA"])
    bob = await office.phone("2002", BOB, codecs=["PCMU"])
    await office.ring_group(bob, welcome_prompt="Scale")

    await alice.dial(GROUP)
    await bob.expect("CALL_INCOMING")
    await alice.hears(SCALE[1])
    await bob.accept()
    await alice.hears(BOB)
    await bob.hears(ALICE)
    assert "Set audio decoder: PCMA " in alice.log
    assert "Set audio decoder: PCMU " in bob.log
    assert not alice.received("INVITE"), "nobody need agree on another codec"
    await alice.hang_up()
    await bob.expect("CALL_CLOSED")


async def test_a_caller_who_heard_prompts_in_G722_is_offered_the_codec_of_a_member_without_it(office: Office) -> None:
    """From then on audio is counted, both ways.

    baresip 1.0.0 records nothing that comes after a change of codec, and samples what it sends as it did before: its
    tone is twice as long and an octave lower. Tones after such a re-INVITE are heard by scripted phones.
    """
    await furnish(office)
    alice = await office.phone("2001", ALICE, codecs=["G722", "PCMU"])
    bob = await office.phone("2002", BOB, codecs=["PCMU"])
    await office.ring_group(bob, welcome_prompt="Scale")

    await alice.dial(GROUP)
    await bob.expect("CALL_INCOMING")
    await alice.hears(SCALE[1])
    assert "Set audio decoder: G722 " in alice.log
    await bob.accept()
    offer = parse(body(await alice.request("INVITE")).encode())
    assert {"PCMU", "G722"} & {codec.name for codec in offer.media[0].codecs} == {"PCMU"}
    await alice.says("Set audio decoder: PCMU ")
    await bob.hears_something()
    await alice.hears_something()
    assert set(order(alice.melody(TONES))) <= set(SCALE)
    assert len(await alice.sources()) == 1
    await bob.hang_up()
    await alice.expect("CALL_CLOSED")


HOLDERS = [("PCMA", "caller"), ("G722", "callee")]


@pytest.mark.parametrize(("codec", "holder"), HOLDERS)
async def test_who_is_put_on_hold_by_a_baresip_hears_the_music_of_the_group(
    office: Office, codec: str, holder: str
) -> None:
    """The holding phone records nothing from then on; that it gets nothing, and later the talk, is seen by counting."""
    alice, line = await talk(office, codec, baresip=holder)
    bob = line.phone
    await alice.hold()
    await bob.audio.hears(MUSIC)
    await alice.falls_silent()
    await bob.audio.hears(MUSIC)
    await alice.resume()
    await bob.audio.hears(ALICE)
    await alice.hears_something()
    assert overheard(bob) == [ALICE, MUSIC, ALICE]
    check_stream(bob.audio.packets)
    assert order(alice.melody(TONES)) == [BOB]
    assert len(await alice.sources()) == 1
    await line.bye()
    await alice.expect("CALL_CLOSED")
    (heard,) = (await office.house.finished_call()).heard
    assert (heard.party.number, heard.kind, heard.name) == (bob.number, HeardKind.MOH, "Music")


@pytest.mark.parametrize(("codec", "held"), HOLDERS)
async def test_a_baresip_that_is_put_on_hold_hears_the_music_of_the_group(
    office: Office, codec: str, held: str
) -> None:
    alice, line = await talk(office, codec, baresip=held)
    bob = line.phone
    invitations = len(alice.received("INVITE"))
    bob.audio.quiet()
    await line.offer(sdp(bob, codec, "sendonly", version=2))
    await alice.hears(MUSIC)
    before = len(bob.audio.packets)
    await alice.hears(MUSIC)
    assert len(bob.audio.packets) == before, "who holds hears nothing"
    await line.offer(sdp(bob, codec, version=3))
    bob.audio.talk(line.media, VOICES[codec], BOB)
    await alice.hears(BOB)
    await bob.audio.hears(ALICE)
    assert order(alice.melody(TONES)) == [BOB, MUSIC, BOB]
    assert len(alice.received("INVITE")) == invitations, "it need not know"
    assert len(await alice.sources()) == 1
    await line.bye()
    await alice.expect("CALL_CLOSED")


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
async def test_keys_are_heard_by_the_other_phone_and_told_once_each(office: Office, codec: str) -> None:
    pressed: list[DigitHeard] = []

    async def listen() -> None:
        async for event in office.house.node.media.events():
            if isinstance(event, DigitHeard):
                pressed.append(event)

    listening = asyncio.create_task(listen())
    alice, line = await talk(office, codec, baresip="caller")
    bob = line.phone
    await alice.press("15#")
    await until(lambda: len(pressed) >= 3, "three keys were pressed")
    await bob.audio.press(line.media, "7")
    assert (await alice.expect("CALL_DTMF_START"))["param"] == "7"
    await until(lambda: len(pressed) >= 4, "a fourth key was pressed")
    await bob.audio.hears(ALICE)
    await line.bye()
    await alice.expect("CALL_CLOSED")
    story = await office.house.finished_call()
    listening.cancel()

    assert [(key.session, key.party, key.digit) for key in pressed] == [
        *[(story.id, "caller", digit) for digit in "15#"],
        (story.id, "leg1", "7"),
    ]
    assert [key.seconds for key in pressed] == pytest.approx([0.18] * 3 + [0.16], abs=0.001)
    events = [packet for packet in bob.audio.packets if packet.payload == EVENT.payload]
    keys = dict.fromkeys((packet.timestamp, DIGITS[packet.body[0]]) for packet in events)
    assert [digit for _, digit in keys] == ["1", "5", "#"]
    assert [packet.marker for packet in events].count(True) == 3
    assert len({packet.ssrc for packet in bob.audio.packets}) == 1
    steps = {(two.sequence - one.sequence) & 0xFFFF for one, two in pairwise(bob.audio.packets)}
    assert steps == {1}, "in one stream; its voice goes on beside the keys"
    assert [event["type"] for event in alice.events].count("CALL_DTMF_START") == 1
