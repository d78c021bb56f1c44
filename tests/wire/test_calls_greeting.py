"""`play_greeting`, tone by tone: so many times, as early media or after an answer, then the end (ADR 0023)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition, EndedBy, HeardKind, HopOutcome
from support.hearing import check_stream, timeline
from support.house import House
from support.phones import Phone
from support.scene import Scene, open_house
from support.sounds import upload_prompts

pytestmark = pytest.mark.asyncio(loop_scope="module")

SORRY, JOIN, PAUSE = 700, 500, 0.3
"""The greeting: a tone of 0.4 s, and this much silence."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("greeting")) as house:
        await upload_prompts(house, {"sorry.wav": [(SORRY, 0.4), (0, PAUSE)], "join.wav": [(JOIN, 0.4)]})
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


def greeting(times: str, prompt: str = "sorry.wav") -> dict[str, Any]:
    return {"fail_dest": "play_greeting", "fail_dest_prefix": times, "fail_dest_value": prompt}


def heard(phone: Phone) -> list[float | None]:
    """The tones in the order in which they were heard."""
    return [span.hz for span in timeline(phone.audio.packets, tones=(SORRY, JOIN, 425)) if span.hz is not None]


@pytest.mark.parametrize("times", ["1", "2", "5"])
async def test_greeting_is_heard_so_many_times_before_the_final_response(scene: Scene, times: str) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob, ring_timeout=1, **greeting(times)))
    await bob.cancelled(await bob.rings())
    refused = await alice.refused(invite, within=8)
    assert refused.status == 480
    assert heard(alice) == [SORRY] * int(times)
    check_stream(alice.audio.packets)
    story = await scene.story(alice)
    assert (story.disposition, story.ended_by, story.reason) == (Disposition.NO_ANSWER, EndedBy.SERVER, "")
    assert [(hop.kind, hop.id, hop.outcome) for hop in story.hops[1:]] == [
        ("play_greeting", "sorry.wav", HopOutcome.ENDED)
    ]
    assert (story.heard[-1].kind, story.heard[-1].name) == (HeardKind.GREETING, "sorry.wav")
    assert story.heard[-1].ended_at == pytest.approx(story.ended_at, abs=0.05)


async def test_greeting_that_is_played_no_times_is_the_end_at_once(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob, ring_timeout=1, **greeting("0")))
    await bob.cancelled(await bob.rings())
    assert (await alice.refused(invite, within=0.5)).status == 480
    assert heard(alice) == []
    hop = (await scene.story(alice)).hops[-1]
    assert (hop.kind, hop.name) == ("play_greeting", "sorry.wav"), "what would have been heard is told all the same"


async def test_greeting_where_nobody_is_online(scene: Scene) -> None:
    alice = await scene.phone()
    nobody = await scene.person()
    group = await scene.group(
        nobody,
        fail_dest="end_call",
        no_agent_online_dest="play_greeting",
        no_agent_online_prefix="1",
        no_agent_online_value="sorry.wav",
    )
    assert (await alice.refused(await alice.dial(group))).status == 480
    assert heard(alice) == [SORRY]


async def test_greeting_takes_the_place_of_the_music_and_keeps_the_status_of_the_group(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob, welcome_prompt="join.wav", **greeting("1")))
    bob.reply(await bob.rings(), 486)
    await bob.expect("ACK")
    assert (await alice.refused(invite)).status == 486
    assert heard(alice)[-1] == SORRY
    assert heard(alice).count(SORRY) == 1
    check_stream(alice.audio.packets)
    assert (await scene.story(alice)).disposition is Disposition.BUSY


async def test_greeting_that_is_replaced_meanwhile_is_heard_as_it_was_and_as_often_as_was_said(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    await upload_prompts(scene.house, {"closed.wav": [(SORRY, 0.6), (0, PAUSE)]})
    invite = await alice.dial(await scene.group(bob, ring_timeout=1, **greeting("4", "closed.wav")))
    await bob.cancelled(await bob.rings())
    await alice.audio.hears(SORRY)
    await upload_prompts(scene.house, {"closed.wav": [(JOIN, 0.4)]}, is_check="force")
    assert (await alice.refused(invite, within=8)).status == 480
    assert heard(alice) == [SORRY] * 4


async def test_greeting_for_a_caller_who_leaves_meanwhile(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob, ring_timeout=1, **greeting("5")))
    await bob.cancelled(await bob.rings())
    await alice.audio.hears(SORRY)
    alice.cancel(invite)
    assert (await alice.refused(invite)).status == 487
    story = await scene.story(alice)
    assert story.disposition is Disposition.ABANDONED
    assert story.hops[-1].outcome is HopOutcome.ABANDONED


async def test_greeting_that_cannot_be_heard_holds_nobody_up(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob, ring_timeout=1, **greeting("5")), sdp="")
    await bob.cancelled(await bob.rings())
    assert (await alice.refused(invite, within=0.5)).status == 480


async def test_greeting_after_an_answer_ends_with_a_bye(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with open_house(tmp_path_factory.mktemp("first"), answer_first=True) as house, Scene(house) as scene:
        await upload_prompts(house, {"sorry.wav": [(SORRY, 0.4), (0, PAUSE)]})
        alice, bob = await scene.phones(2)
        invite = await alice.dial(await scene.group(bob, ring_timeout=1, **greeting("2")))
        await bob.cancelled(await bob.rings())
        await alice.answered(invite)
        assert (await alice.hung_up(within=3)).headers.get("Reason") == "SIP;cause=480"
        assert heard(alice) == [SORRY, SORRY]
