"""With `answer_first` the caller gets a 200 before its prompt, and is in a call that nobody has taken yet."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition, LegResult
from ringdove.sip.message import Response
from support.hearing import check_stream, timeline
from support.house import House
from support.phones import Phone
from support.scene import Scene, open_house
from support.sounds import upload_prompts
from support.voice import PCMU

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOIN, WELCOME, MEMBER, CALLER = 500, 900, 1700, 1900
JOIN_SECONDS = 0.8


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("first"), answer_first=True) as house:
        await upload_prompts(house, {"join.wav": [(JOIN, JOIN_SECONDS)], "welcome.wav": [(WELCOME, 0.5)]})
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


def told(phone: Phone) -> list[int]:
    """The provisional responses to the INVITE."""
    messages = (received.message for received in phone.log)
    return [m.status for m in messages if isinstance(m, Response) and 100 < m.status < 200]


async def test_answer_first_answers_the_caller_before_the_prompt(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", welcome_prompt="welcome.wav", play_full_join_prompt=1)
    ours = await alice.answered(await alice.dial(group))
    await alice.audio.hears(WELCOME)
    theirs = await bob.pick_up(await bob.rings())
    bob.audio.talk(theirs.media, PCMU, MEMBER)
    await alice.audio.hears(MEMBER)
    heard = timeline(alice.audio.packets, tones=(JOIN, WELCOME, MEMBER))
    assert [span.hz for span in heard] == [JOIN, WELCOME, MEMBER]
    assert told(alice) == []
    check_stream(alice.audio.packets)
    alice.audio.talk(ours.media, PCMU, CALLER)
    await bob.audio.hears(CALLER)
    await scene.end(ours, theirs)
    story = await scene.story(alice)
    assert story.disposition is Disposition.ANSWERED
    assert story.answered_at is not None
    assert story.answered_at > JOIN_SECONDS, "answered is when somebody took it"


async def test_answer_first_with_nothing_to_play_it_rings_as_ever(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob))
    theirs = await bob.pick_up(await bob.rings())
    await alice.expect("180")
    await scene.end(await alice.answered(invite), theirs)


async def test_answer_first_a_call_that_nobody_takes_is_hung_up_with_the_reason(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav", ring_timeout=1)
    await alice.answered(await alice.dial(group))
    await bob.cancelled(await bob.rings())
    bye = await alice.hung_up()
    assert bye.headers.get("Reason") == "SIP;cause=480"
    story = await scene.story(alice)
    assert story.disposition is Disposition.NO_ANSWER
    assert story.final_status == 200
    assert story.answered_at is None


async def test_answer_first_a_caller_who_hangs_up_meanwhile_has_given_up(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    group = await scene.group(bob, join_prompt="join.wav")
    ours = await alice.answered(await alice.dial(group))
    at_bob = await bob.rings()
    await ours.offer(alice.sdp("sendonly", version=2))  # it may hold while it waits
    assert (await ours.bye()).status == 200
    cancel = await bob.cancelled(at_bob)
    assert cancel.headers.get("Reason") is None
    story = await scene.story(alice)
    assert story.disposition is Disposition.ABANDONED
    assert story.hops[0].attempts[0].result is LegResult.CALLER_GONE
