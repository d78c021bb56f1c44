"""What changes while a caller is played to, or as the talk begins: leaving, holding, other codecs, other sounds.

Every test runs with prompts as early media and again with callers who are answered first.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition
from ringdove.sip.codec import Codec
from ringdove.sip.message import Request
from ringdove.sip.sdp import Direction, parse
from support.hearing import timeline
from support.house import House
from support.phones import Line, Phone, hears
from support.scene import Scene, open_house
from support.sounds import upload_files, upload_music, upload_prompts
from support.voice import G722, PCMU

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOIN, WELCOME, MEMBER, MUSIC, OTHER, RINGBACK = 500, 900, 1700, 1300, 1100, 425
TONES = (JOIN, WELCOME, MEMBER, MUSIC, OTHER, RINGBACK)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=[False, True], ids=["early", "answered"])
async def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("changes"), answer_first=request.param) as house:
        await upload_prompts(house, {"join.wav": [(JOIN, 0.8)], "welcome.wav": [(WELCOME, 0.5)]})
        await upload_music(house, "Music", {"music.wav": [(MUSIC, 0.5)]})
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


class Waiting:
    """A caller who hears the welcome prompt of a group while its one member rings."""

    def __init__(self, scene: Scene, caller: Phone, member: Phone, group: str) -> None:
        self.caller, self.member, self.group = caller, member, group
        self.answered_first = scene.house.node.settings.answer_first

    @classmethod
    async def begin(cls, scene: Scene, formats: str = "0 101", **fields: str) -> "Waiting":
        alice, bob = await scene.phones(2)
        waiting = cls(scene, alice, bob, await scene.group(bob, **{"welcome_prompt": "welcome.wav", **fields}))
        waiting.invite = await alice.dial(waiting.group, alice.sdp(formats=formats))
        waiting.line = await alice.answered(waiting.invite) if waiting.answered_first else None
        waiting.at_bob = await bob.rings()
        await alice.audio.hears(WELCOME)
        return waiting

    invite: Request
    at_bob: Request
    line: Line | None

    async def pick_up(self, codec: Codec = PCMU, direction: str = "sendrecv") -> tuple[Line, Line]:
        """The member answers with this codec, and a tone; both lines, the caller's first."""
        body = self.member.sdp(direction, formats=f"{codec.payload} 101")
        theirs = await self.member.pick_up(self.at_bob, body)
        self.member.audio.talk(theirs.media, codec, MEMBER)
        return self.line or await self.caller.answered(self.invite), theirs


def order(phone: Phone, since: int = 0) -> list[float | None]:
    """The tones in the order in which they were heard."""
    return [span.hz for span in timeline(phone.audio.packets[since:], tones=TONES)]


answered_only = pytest.mark.parametrize("house", [True], ids=["answered"], indirect=True)
"""For what a caller in a dialog that is not answered cannot do."""


# Leaving


@pytest.mark.parametrize("where", ["roster", "find"])
async def test_a_caller_who_leaves_while_the_store_is_read_is_told_nothing_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", play_full_join_prompt=int(where == "find"))
    store, reached, go_on = scene.house.node.store, asyncio.Event(), asyncio.Event()
    part = store.ring_groups if where == "roster" else store.sounds
    read = getattr(part, where)

    async def slowly(*about: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await read(*about)

    monkeypatch.setattr(part, where, slowly)
    invite = await alice.dial(group)
    await reached.wait()
    alice.cancel(invite)
    assert (await alice.refused(invite)).status == 487
    go_on.set()
    story = await scene.story(alice)
    assert (story.disposition, story.final_status, story.heard) == (Disposition.ABANDONED, 487, [])
    assert not [r.message for r in alice.log if isinstance(r.message, Request)]
    assert bob.count("INVITE") == 0


# The codec of the prompt is not the winner's


async def test_glare_with_the_re_INVITE_for_the_winners_codec_is_tried_again(scene: Scene) -> None:
    waiting = await Waiting.begin(scene, "9 0 101")
    ours, theirs = await waiting.pick_up()
    offer = await ours.is_offered()
    waiting.caller.reply(offer, 491, tag=ours.dialog.id.local_tag)
    await waiting.caller.expect("ACK")
    again = await ours.is_offered(within=3)
    await ours.accept(again, waiting.caller.sdp(formats="0 101", version=2))
    await waiting.caller.audio.hears(MEMBER)
    await scene.end(ours, theirs)


@pytest.mark.parametrize("status", [488, 401, 500])
async def test_a_refusal_of_it_asks_the_other_side(scene: Scene, status: int) -> None:
    waiting = await Waiting.begin(scene, "9 0 101")
    ours, theirs = await waiting.pick_up()
    offer = await ours.is_offered()
    waiting.caller.reply(offer, status, tag=ours.dialog.id.local_tag)
    await waiting.caller.expect("ACK")
    other = await theirs.is_offered()
    assert parse(other.body).media[0].codecs[0].name == "G722"
    await theirs.accept(other, waiting.member.sdp(formats="9 101", version=2))
    waiting.member.audio.talk(theirs.media, G722, MEMBER)
    await waiting.caller.audio.hears(MEMBER)
    await scene.end(ours, theirs)


@pytest.mark.parametrize("unusable", [False, True])
async def test_two_phones_without_a_common_codec_are_hung_up_instead_of_left_in_silence(
    scene: Scene, unusable: bool
) -> None:
    waiting = await Waiting.begin(scene, "9 0 101")
    ours, theirs = await waiting.pick_up()
    offer = await ours.is_offered()
    if unusable:
        await ours.accept(offer, waiting.caller.sdp(formats="9 101", version=2))
    else:
        waiting.caller.reply(offer, 488, tag=ours.dialog.id.local_tag)
        await waiting.caller.expect("ACK")
    waiting.member.reply(await theirs.is_offered(), 488, tag=theirs.dialog.id.local_tag)
    await waiting.caller.hung_up()
    await waiting.member.hung_up()
    assert (await scene.story(waiting.caller)).reason == "the two phones have no codec in common"


async def test_another_codec_than_the_one_that_the_other_side_sends_is_passed_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(bob.number, alice.sdp(formats="0 9 101"))
    theirs = await bob.pick_up(await bob.rings(), bob.sdp(formats="0 9 101"))
    ours = await alice.answered(invite)
    change = ours.request("INVITE", alice.sdp(formats="9 101", version=2))
    await theirs.accept(await theirs.is_offered(), bob.sdp(formats="9 101", version=2))
    assert (await ours.settled(change)).status == 200
    bob.audio.talk(theirs.media, G722, MEMBER)
    await alice.audio.hears(MEMBER)
    await scene.end(ours, theirs)


# On hold


async def test_a_caller_who_is_on_hold_when_somebody_answers_gives_music(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, moh="Music")
    invite = await alice.dial(group, alice.sdp("sendonly"))
    theirs = await bob.pick_up(await bob.rings())
    ours = await alice.answered(invite)
    await bob.audio.hears(MUSIC)
    assert (await ours.offer(alice.sdp(version=2))).status == 200
    await bob.audio.hears(None)
    assert await hears(theirs, ours)
    await scene.end(ours, theirs)


@answered_only
async def test_a_caller_who_holds_while_it_rings_hears_nothing_and_gives_music_later(scene: Scene) -> None:
    waiting = await Waiting.begin(scene, moh="Music")
    assert waiting.line is not None
    assert (await waiting.line.offer(waiting.caller.sdp("sendonly", version=2))).status == 200
    await waiting.caller.audio.hears(None)
    ours, theirs = await waiting.pick_up()
    await waiting.member.audio.hears(MUSIC)
    await scene.end(ours, theirs)


async def test_a_member_who_answers_on_hold_gives_music(scene: Scene) -> None:
    waiting = await Waiting.begin(scene, moh="Music")
    ours, theirs = await waiting.pick_up(direction="sendonly")
    await waiting.caller.audio.hears(MUSIC)
    await scene.end(ours, theirs)


@pytest.mark.parametrize("holds", [True, False])
async def test_hold_and_resume_count_in_answers_to_offers_of_ours(scene: Scene, holds: bool) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob, await scene.group(bob, moh="Music"))
    if not holds:
        assert (await theirs.offer(bob.sdp("sendonly", version=2))).status == 200
        await alice.audio.hears(MUSIC)
    change = ours.request("INVITE", alice.sdp(formats="9 101", version=2))
    direction = "sendonly" if holds else "sendrecv"
    await theirs.accept(await theirs.is_offered(), bob.sdp(direction, formats="9 101", version=3))
    assert (await ours.settled(change)).status == 200
    bob.audio.talk(theirs.media, G722, MEMBER)
    await alice.audio.hears(MUSIC if holds else MEMBER)
    await scene.end(ours, theirs)


async def test_one_re_INVITE_may_hold_and_change_the_codec(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob, await scene.group(bob, moh="Music"))
    change = ours.request("INVITE", alice.sdp("sendonly", formats="9 101", version=2))
    await theirs.accept(await theirs.is_offered(), bob.sdp(formats="9 101", version=2))
    assert (await ours.settled(change)).status == 200
    await bob.audio.hears(MUSIC)
    await scene.end(ours, theirs)


async def test_a_refresh_on_hold_is_answered_as_a_hold(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    assert (await ours.offer(alice.sdp("sendonly", version=2))).status == 200
    change = theirs.request("INVITE", bob.sdp(formats="9 101", version=2))
    answer = alice.sdp("sendonly", formats="9 101", version=3)
    await ours.accept(await ours.is_offered(), answer)
    assert (await theirs.settled(change)).status == 200
    assert (await ours.offer(answer)).status == 200
    assert ours.direction == Direction.RECVONLY
    await scene.end(ours, theirs)


async def test_the_story_says_music_only_of_who_heard_it(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob, await scene.group(bob, moh="Music"))
    await ours.offer(alice.sdp("sendonly", version=2))
    await bob.audio.hears(MUSIC)
    await theirs.offer(bob.sdp("sendonly", version=2))
    await bob.audio.hears(None)
    assert alice.audio.packets == []
    await scene.end(ours, theirs)
    assert [heard.party.number for heard in (await scene.story(alice)).heard] == [bob.number]


# Offers of ours that the ACK answers


async def unacknowledged(line: Line) -> Any:
    """The 200 to a re-INVITE without an offer, with ours."""
    request = line.request("INVITE")
    response = await line.phone.expect(lambda m: getattr(m, "status", 0) == 200 and m.cseq == request.cseq)
    line.dialog.learn(response)
    return response


@answered_only
async def test_the_answer_in_an_ACK_counts_while_it_rings(scene: Scene) -> None:
    waiting = await Waiting.begin(scene, "9 0 101")
    assert waiting.line is not None
    waiting.line.ack(await unacknowledged(waiting.line), waiting.caller.sdp(formats="0 101", version=2))
    ours, theirs = await waiting.pick_up()
    await waiting.caller.audio.hears(MEMBER)
    assert waiting.caller.audio.packets[-1].payload == PCMU.payload
    await scene.end(ours, theirs)


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
async def test_an_offer_that_overtakes_the_ACK_with_the_answer_gets_491_and_hurts_nobody(
    scene: Scene, method: str
) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    response = await unacknowledged(ours)
    assert (await ours.offer(alice.sdp("sendonly", version=2), method)).status == 491
    ours.ack(response, alice.sdp(version=3))
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    await scene.end(ours, theirs)


# Other sounds


async def test_a_prompt_that_is_replaced_is_heard_to_its_end_and_then_the_new_one(scene: Scene) -> None:
    name = f"replaced-{scene.house.node.settings.answer_first}.wav"
    await upload_prompts(scene.house, {name: [(WELCOME, 0.62)]})
    waiting = await Waiting.begin(scene, welcome_prompt=name)
    await upload_prompts(scene.house, {name: [(OTHER, 0.52)]}, is_check="force")
    await waiting.caller.audio.hears(OTHER)
    ours, theirs = await waiting.pick_up()
    await waiting.caller.audio.hears(MEMBER)
    assert order(waiting.caller) == [WELCOME, OTHER, MEMBER]
    await scene.end(ours, theirs)


async def test_music_whose_files_are_replaced_goes_on_with_the_new_ones(scene: Scene) -> None:
    name = f"Replaced {scene.house.node.settings.answer_first}"
    await upload_music(scene.house, name, {"music.wav": [(MUSIC, 0.54)]})
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob, await scene.group(bob, moh=name))
    await ours.offer(alice.sdp("sendonly", version=2))
    await bob.audio.hears(MUSIC)
    await upload_files(scene.house, name, {"music.wav": [(OTHER, 0.48)]}, is_check="force")
    await bob.audio.hears(OTHER)
    await scene.end(ours, theirs)


async def test_a_playlist_that_is_renamed_during_the_call_is_still_heard_on_hold(scene: Scene) -> None:
    name = f"Named {scene.house.node.settings.answer_first}"
    await upload_music(scene.house, name, {"music.wav": [(MUSIC, 0.56)]})
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob, await scene.group(bob, moh=name))
    row = next(r for r in (await scene.house.get("play_list/list"))["play_list"] if r["list_name"] == name)
    await scene.house.post("play_list/update", id=row["id"], list_name=f"Re{name}")
    await ours.offer(alice.sdp("sendonly", version=2))
    await bob.audio.hears(MUSIC)
    await scene.end(ours, theirs)


async def test_a_store_that_fails_costs_the_prompt_and_not_the_call(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(name: str) -> None:
        raise OSError("no disk")

    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", play_full_join_prompt=1)
    monkeypatch.setattr(scene.house.node.store.sounds, "find", fails)
    invite = await alice.dial(group)
    theirs = await bob.pick_up(await bob.rings())
    await scene.end(await alice.answered(invite), theirs)
