"""What is written down about a call, while it runs and afterwards: the outcome table of the design."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition, Story
from support.house import House
from support.phones import Phone
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("story")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def refuse_all(scene: Scene, *statuses: int) -> tuple[int, Story]:
    """Call a group whose members refuse with these statuses; returns the caller's status and the story."""
    alice, *members = await scene.phones(1 + len(statuses))
    call = await alice.dial(await scene.group(*members))
    for member, status in zip(members, statuses, strict=True):
        member.reply(await member.rings(), status)
    response = await alice.refused(call)
    return response.status, await scene.story(alice)


# The outcome table


async def test_an_answered_call_names_its_winner_and_its_times(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(bob, carol, name="Support")
    call = await alice.dial(group)
    at_bob, at_carol = await bob.rings(), await carol.rings()
    theirs = await carol.pick_up(at_carol)
    ours = await alice.answered(call)
    await bob.cancelled(at_bob)
    await scene.end(theirs, ours)
    story = await scene.story(alice)
    assert (story.disposition, story.final_status, story.ended_by) == (Disposition.ANSWERED, 200, "callee")
    assert story.answered_by is not None
    assert (story.answered_by.id, story.answered_by.number) == (carol.person.id, carol.number)
    assert (story.caller.id, story.dialled) == (alice.person.id, group)
    (hop,) = story.hops
    assert (hop.kind, hop.number, hop.name, hop.strategy) == ("ring_group", group, "Support", "ring_all")
    assert hop.outcome == "answered"
    lost, won = hop.attempts
    assert (lost.result, lost.legs[0].status) == ("answered elsewhere", 487)
    assert (won.result, won.legs[0].status) == ("answered", 200)
    assert [(w.start, w.stop) for w in won.windows] == [(0, 3)]
    for leg in (lost.legs[0], won.legs[0]):
        assert leg.contact in (str(bob.uri), str(carol.uri))
        assert leg.ringing_at is not None
        assert leg.ended_at is not None
        assert hop.entered_at <= leg.invited_at <= leg.ringing_at <= leg.ended_at
    assert story.answered_at is not None
    assert story.ended_at is not None
    assert story.answered_at <= story.ended_at
    assert hop.ringing_from is not None
    assert hop.left_at is not None
    assert story.answered_at <= hop.left_at <= story.ended_at


async def test_unanswered_with_end_call_is_480_and_NO_ANSWER(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob, ring_timeout=1))
    await bob.cancelled(await bob.rings())
    assert (await alice.refused(call)).status == 480
    story = await scene.story(alice)
    assert (story.disposition, story.final_status) == (Disposition.NO_ANSWER, 480)
    assert [(hop.kind, hop.outcome) for hop in story.hops] == [("ring_group", "unanswered"), ("end_call", "ended")]
    (attempt,) = story.hops[0].attempts
    assert (attempt.result, attempt.legs[0].status) == ("no answer", 487)
    assert (attempt.legs[0].ended_at or 0) - attempt.legs[0].invited_at == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("statuses", "status", "disposition", "result"),
    [
        ((486, 486), 486, Disposition.BUSY, "busy"),
        ((600, 486), 486, Disposition.BUSY, "busy"),
        ((603, 603), 603, Disposition.NO_ANSWER, "declined"),
        ((603, 486), 480, Disposition.NO_ANSWER, "declined"),
        ((486, 480), 480, Disposition.NO_ANSWER, "busy"),
        ((404, 500), 480, Disposition.NO_ANSWER, "refused"),
    ],
)
async def test_unanswered_the_most_telling_code_wins(
    scene: Scene, statuses: tuple[int, ...], status: int, disposition: Disposition, result: str
) -> None:
    got, story = await refuse_all(scene, *statuses)
    assert got == status
    assert (story.disposition, story.final_status) == (disposition, status)
    assert story.hops[0].attempts[0].result == result
    assert [attempt.legs[0].status for attempt in story.hops[0].attempts] == list(statuses)


async def test_nobody_online_with_end_call_is_480_and_NO_ANSWER(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    away = await scene.phone(online=False)
    assert (await alice.refused(await alice.dial(await scene.group(away)))).status == 480
    story = await scene.story(alice)
    assert (story.disposition, story.hops[0].outcome) == (Disposition.NO_ANSWER, "nobody_online")
    assert story.hops[0].attempts[0].skipped == "offline"


async def test_a_caller_that_gives_up_is_487_and_ABANDONED(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    alice.cancel(call)
    assert (await alice.refused(call)).status == 487
    await bob.cancelled(at_bob)
    story = await scene.story(alice)
    assert (story.disposition, story.final_status, story.ended_by) == (Disposition.ABANDONED, 487, "caller")
    assert (story.hops[0].outcome, story.hops[0].attempts[0].result) == ("abandoned", "caller gone")


async def test_a_failover_that_connects_makes_the_call_answered_by_it(scene: Scene) -> None:
    alice, bob, carol, dora = await scene.phones(4)
    second = await scene.group(carol, fail_dest="extension", fail_dest_value=str(dora.person.id))
    first = await scene.group(bob, fail_dest="ring_group", fail_dest_value=await scene.id_of(second))
    call = await alice.dial(first)
    bob.reply(await bob.rings(), 486)
    carol.reply(await carol.rings(), 603)
    theirs = await dora.pick_up(await dora.rings())
    ours = await alice.answered(call)
    await scene.end(ours, theirs)
    story = await scene.story(alice)
    assert story.disposition is Disposition.ANSWERED
    assert story.answered_by is not None
    assert story.answered_by.number == dora.number
    assert [(hop.kind, hop.number, hop.outcome) for hop in story.hops] == [
        ("ring_group", first, "unanswered"),
        ("ring_group", second, "unanswered"),
        ("extension", dora.number, "answered"),
    ]
    for before, after in zip(story.hops, story.hops[1:], strict=False):
        assert before.left_at is not None
        assert before.left_at <= after.entered_at
    assert alice.count("180") == 1, "what was said first stands (ADR 0003)"


async def test_a_failover_that_does_not_connect_gives_the_code_of_the_last_attempt(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, fail_dest="extension", fail_dest_value=str(carol.person.id)))
    bob.reply(await bob.rings(), 603)
    carol.reply(await carol.rings(), 486)
    assert (await alice.refused(call)).status == 486
    assert (await scene.story(alice)).disposition is Disposition.BUSY


async def test_the_story_names_what_became_of_each_phone_of_a_member(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.phone()
    second = await scene.phone(bob.person)
    call = await alice.dial(await scene.group(bob))
    at_bob, at_second = await bob.rings(), await second.rings()
    bob.reply(at_bob, 486)
    await bob.expect("ACK")
    theirs = await second.pick_up(at_second)
    ours = await alice.answered(call)
    await scene.end(ours, theirs)
    (attempt,) = (await scene.story(alice)).hops[0].attempts
    legs = {leg.contact: (leg.status, leg.result) for leg in attempt.legs}
    assert legs == {str(bob.uri): (486, "busy"), str(second.uri): (200, "answered")}
    assert attempt.result == "answered"


async def test_R6_a_member_that_declined_on_one_phone_declined(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    bob = await scene.phone()
    second = await scene.phone(bob.person)
    call = await alice.dial(await scene.group(bob))
    at_bob, at_second = await bob.rings(), await second.rings()
    bob.reply(at_bob, 603)
    await second.cancelled(at_second)
    assert (await alice.refused(call)).status == 603
    (attempt,) = (await scene.story(alice)).hops[0].attempts
    assert attempt.result == "declined"
    assert {leg.result for leg in attempt.legs} == {"declined", "declined on another phone"}


async def test_R7_the_plan_is_told_as_it_has_moved_while_phones_ring_and_afterwards(scene: Scene) -> None:
    alice, bob, carol, dora = await scene.phones(4)
    call = await alice.dial(await scene.group(bob, carol, dora, ring_strategy="sequentially", ring_timeout=20))
    at_bob = await bob.rings()
    assert _windows(await _running_story(scene, alice)) == [(0, 20), (20, 40), (40, 60)]
    bob.reply(at_bob, 486)
    theirs = await carol.rings()
    told = _windows(await _running_story(scene, alice))
    turn = told[0][1]
    assert 0 < turn < 5
    assert told == [(0, turn), (turn, pytest.approx(turn + 20)), (pytest.approx(turn + 20), pytest.approx(turn + 40))]
    await scene.end(await carol.pick_up(theirs), await alice.answered(call))
    assert _windows(await scene.story(alice)) == told


def _windows(story: Story) -> list[tuple[float, float]]:
    """Of members who have one each."""
    return [(window.start, window.stop) for attempt in story.hops[0].attempts for window in attempt.windows]


# Lists


async def test_calls_list_finds_a_call_by_each_of_its_filters_and_by_nothing_else(scene: Scene) -> None:
    alice, other, bystander = await scene.phone(), await scene.phone(), await scene.phone()
    bob, skipped = await scene.phone(), await scene.phone(presence_status="do_not_disturb")
    group = await scene.group(bob, skipped)
    call = await alice.dial(group)
    bob.reply(await bob.rings(), 486)
    assert (await alice.refused(call)).status == 480
    call = await other.dial(bystander.number)
    bystander.reply(await bystander.rings(), 486)
    assert (await other.refused(call)).status == 486
    story = await scene.story(alice)
    await scene.story(other)
    group_id = await scene.id_of(group)
    found = {
        "caller": alice.number,
        "dialled": group,
        "ring_group_id": group_id,
        "disposition": "NO ANSWER",
        "end_time": story.started_at + 0.001,
    }
    for name, value in found.items():
        assert story.id in await _ids(scene, **{name: value}), name
    for person in (alice, bob, skipped):
        assert await _ids(scene, extension_id=person.person.id) == [story.id]
    assert await _ids(scene, caller=alice.number, dialled=group, ring_group_id=group_id) == [story.id]
    for query in (
        {"caller": other.number},
        {"dialled": group[:-1]},
        {"extension_id": bystander.person.id},
        {"ring_group_id": int(group_id) + 1000},
        {"disposition": "BUSY"},
        {"start_time": story.started_at + 0.001},
        {"end_time": story.started_at},
    ):
        assert story.id not in await _ids(scene, **query), query


async def _ids(scene: Scene, **query: object) -> list[str]:
    return [row["id"] for row in await scene.rows(**query)]


async def test_a_running_call_is_shown_while_it_runs(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(bob, carol)
    call = await alice.dial(group)
    at_bob, at_carol = await bob.rings(), await carol.rings()
    row = await _running(scene, alice)
    assert (row["live"], row["disposition"], row["answered_by"], row["duration"]) == (True, None, None, None)
    ringing = await _running_story(scene, alice)
    assert [len(attempt.legs) for attempt in ringing.hops[0].attempts] == [1, 1]
    assert ringing.ended_at is None
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    await carol.cancelled(at_carol)
    row = await _running(scene, alice)
    assert row["answered_by"]["number"] == bob.number
    assert row["id"] in await _ids(scene, extension_id=carol.person.id)
    assert row["id"] in await _ids(scene, ring_group_id=await scene.id_of(group))
    assert row["id"] not in await _ids(scene, disposition="ANSWERED")
    await scene.end(ours, theirs)
    await scene.story(alice)
    row = (await scene.rows(caller=alice.number))[0]
    assert (row["live"], row["disposition"]) == (False, "ANSWERED")
    assert 0 < row["talk_duration"] <= row["duration"]


async def _running(scene: Scene, caller: Phone) -> dict[str, Any]:
    (row,) = [row for row in await scene.rows(caller=caller.number) if row["live"]]
    return row


async def _running_story(scene: Scene, caller: Phone) -> Story:
    row = await _running(scene, caller)
    return Story.from_data((await scene.house.get("calls/get", id=row["id"]))["data"])


async def test_each_call_is_one_record_whatever_happened(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    for _ in range(3):
        call = await alice.dial(bob.number)
        bob.reply(await bob.rings(), 486)
        await alice.refused(call)
        await scene.story(alice)
    rows = await scene.rows(caller=alice.number)
    assert len(rows) == len({row["id"] for row in rows}) == 3
    assert [row["start_time"] for row in rows] == sorted((row["start_time"] for row in rows), reverse=True)


async def test_ids_of_calls_that_come_at_once_differ(scene: Scene) -> None:
    callers = await scene.phones(5)
    calls = await asyncio.gather(*(caller.dial("9999999") for caller in callers))
    await asyncio.gather(*(caller.refused(call) for caller, call in zip(callers, calls, strict=True)))
    stories = [await scene.story(caller) for caller in callers]
    assert len({story.id for story in stories}) == 5
