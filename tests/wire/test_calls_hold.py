"""Hold from either side: music for the one who waits, silence where silence belongs, and the talk again (ADR 0012)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdove.model.story import HeardKind
from support.hearing import check_stream, timeline
from support.house import House
from support.phones import Line, hears
from support.scene import Scene, open_house
from support.sounds import upload_music
from support.voice import PCMU

pytestmark = pytest.mark.asyncio(loop_scope="module")

MUSIC, SYSTEM, CALLER, CALLEE = 1300, 1500, 600, 900
TONES = (MUSIC, SYSTEM, CALLER, CALLEE)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("hold"), moh="System") as house:
        await upload_music(house, "Music", {"music.wav": [(MUSIC, 0.7)]})
        await upload_music(house, "System", {"system.wav": [(SYSTEM, 0.7)]})
        await upload_music(house, "Empty", {})
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def talk(scene: Scene, **fields: str) -> tuple[Line, Line]:
    """Two people who hear each other, through a group with these fields."""
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob, await scene.group(bob, **fields))
    alice.audio.talk(ours.media, PCMU, CALLER)
    bob.audio.talk(theirs.media, PCMU, CALLEE)
    await alice.audio.hears(CALLEE)
    await bob.audio.hears(CALLER)
    return ours, theirs


def order(line: Line) -> list[float | None]:
    """The tones in the order in which they were heard."""
    return [span.hz for span in timeline(line.phone.audio.packets, tones=TONES)]


HOLDS = [("sendonly", "127.0.0.1"), ("inactive", "127.0.0.1"), ("sendrecv", "0.0.0.0")]


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(("direction", "address"), HOLDS)
async def test_the_held_side_alone_hears_the_music_of_the_group(
    scene: Scene, who: str, method: str, direction: str, address: str
) -> None:
    lines = await talk(scene, moh="Music")
    one, held = lines if who == "caller" else lines[::-1]
    one.phone.audio.quiet()
    assert (await one.offer(one.phone.sdp(direction, version=2, address=address), method)).status == 200
    await held.phone.audio.hears(MUSIC)
    before = len(one.phone.audio.packets)
    await asyncio.sleep(0.3)
    assert len(one.phone.audio.packets) == before, "who holds hears nothing"
    assert (await one.offer(one.phone.sdp(version=3), method)).status == 200
    one.phone.audio.talk(one.media, PCMU, CALLER if who == "caller" else CALLEE)
    await held.phone.audio.hears(CALLER if who == "caller" else CALLEE)
    await one.phone.audio.hears(CALLEE if who == "caller" else CALLER)
    assert MUSIC not in order(one)
    assert order(held).count(MUSIC) == 1
    check_stream(held.phone.audio.packets)
    await scene.end(one, held)
    story = await scene.story(lines[0].phone)
    (heard,) = story.heard
    assert (heard.party.number, heard.kind, heard.name) == (held.phone.number, HeardKind.MOH, "Music")
    assert heard.ended_at is not None


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_what_a_holding_phone_sends_is_not_mixed_into_the_music(scene: Scene, direction: str) -> None:
    ours, theirs = await talk(scene, moh="Music")
    await ours.offer(ours.phone.sdp(direction, version=2))
    await theirs.phone.audio.hears(MUSIC)
    start = len(theirs.phone.audio.packets)
    await asyncio.sleep(0.5)
    heard = timeline(theirs.phone.audio.packets[start:], tones=TONES)
    assert [span.hz for span in heard] == [MUSIC]
    await scene.end(ours, theirs)


async def test_both_hold_nobody_hears_music_and_who_comes_back_first_does(scene: Scene) -> None:
    ours, theirs = await talk(scene, moh="Music")
    await ours.offer(ours.phone.sdp("sendonly", version=2))
    await theirs.phone.audio.hears(MUSIC)
    await theirs.offer(theirs.phone.sdp("sendonly", version=2))
    await theirs.phone.audio.hears(None)
    assert order(ours)[-1] == CALLEE
    await ours.offer(ours.phone.sdp(version=3))
    await ours.phone.audio.hears(MUSIC)
    await theirs.offer(theirs.phone.sdp(version=3))
    await ours.phone.audio.hears(CALLEE)
    await theirs.phone.audio.hears(CALLER)
    await scene.end(ours, theirs)


async def test_follow_system_plays_the_playlist_of_the_setting(scene: Scene) -> None:
    ours, theirs = await talk(scene, moh="follow_system")
    await theirs.offer(theirs.phone.sdp("sendonly", version=2))
    await ours.phone.audio.hears(SYSTEM)
    await scene.end(ours, theirs)


async def test_a_call_that_came_through_no_group_follows_the_system(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    await ours.offer(alice.sdp("sendonly", version=2))
    await bob.audio.hears(SYSTEM)
    await scene.end(ours, theirs)


async def test_the_group_that_the_call_came_through_last_counts_also_after_a_failover(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    last = await scene.group(
        await scene.person(), moh="Music", fail_dest="extension", fail_dest_value=str(bob.person.id)
    )
    first = await scene.group(
        await scene.person(), moh="System", fail_dest="ring_group", fail_dest_value=await scene.id_of(last)
    )
    ours, theirs = await scene.talk(alice, bob, first)
    await ours.offer(alice.sdp("sendonly", version=2))
    await bob.audio.hears(MUSIC)
    await scene.end(ours, theirs)


@pytest.mark.parametrize("moh", ["", "Empty"])
async def test_without_music_there_is_silence_or_what_the_holding_phone_sends(scene: Scene, moh: str) -> None:
    ours, theirs = await talk(scene, moh=moh)
    await ours.offer(ours.phone.sdp("sendonly", version=2))
    start = len(theirs.phone.audio.packets)
    await theirs.phone.audio.hears(CALLER)
    await ours.offer(ours.phone.sdp("inactive", version=3))
    await theirs.phone.audio.hears(None)
    assert MUSIC not in order(theirs)
    assert SYSTEM not in order(theirs)
    assert len(theirs.phone.audio.packets) > start
    await ours.offer(ours.phone.sdp(version=4))
    await theirs.phone.audio.hears(CALLER)
    await scene.end(ours, theirs)


async def test_hold_and_resume_in_quick_succession_end_in_the_talk(scene: Scene) -> None:
    ours, theirs = await talk(scene, moh="Music")
    for version in range(2, 12, 2):
        await ours.offer(ours.phone.sdp("sendonly", version=version))
        await ours.offer(ours.phone.sdp(version=version + 1))
    await theirs.phone.audio.hears(CALLER)
    await asyncio.sleep(0.2)
    await theirs.phone.audio.hears(CALLER)
    check_stream(theirs.phone.audio.packets)
    await scene.end(ours, theirs)


async def test_hold_by_the_answer_to_an_offer_of_ours(scene: Scene) -> None:
    ours, theirs = await talk(scene, moh="Music")
    request = ours.request("INVITE")
    response = await ours.phone.expect(lambda m: getattr(m, "status", 0) == 200 and m.cseq == request.cseq)
    ours.dialog.learn(response)
    ours.ack(response, ours.phone.sdp("sendonly", version=2))
    await theirs.phone.audio.hears(MUSIC)
    await ours.offer(ours.phone.sdp(version=3))
    await theirs.phone.audio.hears(CALLER)
    await scene.end(ours, theirs)


async def test_a_hang_up_on_hold_leaves_nothing_behind(scene: Scene) -> None:
    ours, theirs = await talk(scene, moh="Music")
    await ours.offer(ours.phone.sdp("sendonly", version=2))
    await theirs.phone.audio.hears(MUSIC)
    await scene.end(theirs, ours)
    assert (await scene.story(ours.phone)).heard[0].ended_at is not None


async def test_digits_and_INFO_pass_while_nobody_holds(scene: Scene) -> None:
    ours, theirs = await talk(scene, moh="Music")
    await ours.phone.audio.press(ours.media, "5")
    assert any(packet.payload == 101 for packet in theirs.phone.audio.packets)
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)
