"""Whose log has a call, and how: real calls, and what `call_log/list` then says. tests/unit/calls/test_missed_calls.py
has every combination, in simulated time.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ringdove.model.story import Story
from support.house import House
from support.phones import Phone
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRATEGIES = ("ring_all", "sequentially", "memory_hunt", "custom")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("missed")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def row(scene: Scene, phone: Phone, story: Story) -> dict[str, Any] | None:
    """The call in the log of this phone's extension."""
    rows = (await scene.house.get("call_log/list", ext_id=phone.person.id))["data"]
    found = [row for row in rows if row["call_id"] == story.id]
    assert len(found) <= 1
    return found[0] if found else None


async def results(scene: Scene, story: Story, *phones: Phone) -> list[str | None]:
    """What each of their logs says of the call."""
    rows = [await row(scene, phone, story) for phone in phones]
    return [row["result"] if row else None for row in rows]


async def group_of(scene: Scene, *members: Phone, strategy: str = "ring_all", **fields: Any) -> str:
    if strategy != "custom":
        return await scene.group(*members, ring_strategy=strategy, **fields)
    entry = {"sub_option": [{"value": str(m.person.id), "type": "extension"} for m in members]}
    return await scene.group(
        ring_strategy="custom", member_list=[{**entry, "delay_time": 0, "timeout": 3}], ring_timeout=None, **fields
    )


async def failover(scene: Scene, kind: str, *there: Phone) -> dict[str, Any]:
    """`fail_dest` to the first of these, or to a group of them."""
    value = there[0].person.id if kind == "extension" else await scene.id_of(await scene.group(*there))
    return {"fail_dest": kind, "fail_dest_value": str(value)}


async def declines(*phones: Phone) -> None:
    for phone in phones:
        phone.reply(await phone.rings(), 480)
        await phone.expect("ACK")


@pytest.mark.parametrize("kind", ["extension", "ring_group"])
@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_call_that_nobody_took_is_missed_in_the_failovers_log_by_the_switch(
    scene: Scene, strategy: str, kind: str
) -> None:
    alice, bob, carol, dora, eve = await scene.phones(5)
    there = (dora,) if kind == "extension" else (dora, eve)
    for switch in (1, 0):
        onward = await failover(scene, kind, *there)
        group = await group_of(scene, bob, carol, strategy=strategy, enb_miss_call=switch, **onward)
        call = await alice.dial(group)
        await declines(bob, carol, *there)
        await alice.refused(call)
        story = await scene.story(alice)
        assert await results(scene, story, alice, bob, carol) == ["no_answer", "missed", "missed"]
        missed = "missed" if switch and strategy != "sequentially" else None
        assert await results(scene, story, *there) == [missed] * len(there), switch


@pytest.mark.parametrize("switch", [0, 1])
async def test_who_took_it_has_answered_whatever_the_switch_says(scene: Scene, switch: int) -> None:
    alice, bob, carol, dora, eve = await scene.phones(5)
    onward = await failover(scene, "ring_group", dora, eve)
    call = await alice.dial(await scene.group(bob, carol, enb_miss_call=switch, **onward))
    await declines(bob, carol)
    at_eve = await eve.rings()
    theirs = await dora.pick_up(await dora.rings())
    await eve.cancelled(at_eve)
    await scene.end(await alice.answered(call), theirs)
    story = await scene.story(alice)
    assert await results(scene, story, bob, carol, dora, eve) == [
        "answered_elsewhere", "answered_elsewhere", "answered", "answered_elsewhere",
    ]  # fmt: skip


@pytest.mark.parametrize("switch", [0, 1])
async def test_a_caller_who_gives_up_was_missed_by_those_that_the_call_came_to(scene: Scene, switch: int) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(bob, enb_miss_call=switch, **await failover(scene, "extension", carol))
    call = await alice.dial(group)
    at_bob = await bob.rings()
    alice.cancel(call)
    await alice.refused(call)
    await bob.cancelled(at_bob)
    assert await results(scene, await scene.story(alice), alice, bob, carol) == ["cancelled", "missed", None]
    call = await alice.dial(group)
    await declines(bob)
    at_carol = await carol.rings()
    alice.cancel(call)
    await alice.refused(call)
    await carol.cancelled(at_carol)
    missed = "missed" if switch else None
    assert await results(scene, await scene.story(alice), alice, bob, carol) == ["cancelled", "missed", missed]


@pytest.mark.parametrize("switch", [0, 1])
@pytest.mark.parametrize("why", ["busy", "offline", "dnd"])
async def test_a_failover_that_cannot_be_rung_has_missed_it_by_the_switch(scene: Scene, why: str, switch: int) -> None:
    alice, bob, friend = await scene.phones(3)
    fields: dict[str, dict[str, Any]] = {
        "busy": {"enb_call_waiting": 0},
        "offline": {"online": False},
        "dnd": {"presence_status": "do_not_disturb"},
    }
    carol = await scene.phone(**fields[why])
    lines = await scene.talk(friend, carol) if why == "busy" else None
    group = await scene.group(bob, enb_miss_call=switch, **await failover(scene, "extension", carol))
    call = await alice.dial(group)
    await declines(bob)
    await alice.refused(call)
    story = await scene.story(alice)
    assert await results(scene, story, bob, carol) == ["missed", "missed" if switch else None]
    if lines is not None:
        await scene.end(*lines)


@pytest.mark.parametrize("switch", [0, 1])
@pytest.mark.parametrize("kind", ["extension", "ext_vm"])
async def test_what_voicemail_takes_is_missed_all_the_same(scene: Scene, kind: str, switch: int) -> None:
    alice, bob = await scene.phones(2)
    carol = await scene.phone(enb_vm=1, online=False)
    group = await scene.group(bob, fail_dest=kind, fail_dest_value=str(carol.person.id), enb_miss_call=switch)
    call = await alice.dial(group)
    await declines(bob)
    await (await alice.answered(call)).bye()
    story = await scene.story(alice)
    theirs = "missed" if switch and kind == "extension" else None  # who has a mailbox only was not called
    assert await results(scene, story, alice, bob, carol) == ["voicemail", "missed", theirs]


async def test_a_later_change_of_the_switch_changes_no_log(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(bob, enb_miss_call=1, **await failover(scene, "extension", carol))
    call = await alice.dial(group)
    await declines(bob, carol)
    await alice.refused(call)
    story = await scene.story(alice)
    await scene.house.post("ringgroup/update", id=await scene.id_of(group), enb_miss_call=0)
    assert await results(scene, story, carol) == ["missed"]
    call = await alice.dial(group)
    await declines(bob, carol)
    await alice.refused(call)
    assert await results(scene, await scene.story(alice), carol) == [None]


async def test_who_is_called_where_nobody_was_online_has_an_ordinary_missed_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    away = await scene.phone(online=False)
    onward = {"no_agent_online_dest": "extension", "no_agent_online_value": str(bob.person.id)}
    call = await alice.dial(await scene.group(away, enb_miss_call=0, **onward))
    await declines(bob)
    await alice.refused(call)
    assert await results(scene, await scene.story(alice), away, bob) == [None, "missed"]


async def test_a_log_names_the_other_side_and_the_group(scene: Scene) -> None:
    alice, bob, carol = await scene.phone(first_name="Alice"), await scene.phone(), await scene.phone()
    onward = await failover(scene, "extension", carol)
    number = await scene.group(bob, name="Support", enb_miss_call=1, **onward)
    group = {"id": int(await scene.id_of(number)), "number": number, "name": "Support"}
    call = await alice.dial(number)
    await declines(bob, carol)
    await alice.refused(call)
    story = await scene.story(alice)
    missed, called = await row(scene, carol, story), await row(scene, alice, story)
    assert missed is not None
    assert called is not None
    assert missed["with"] == {"id": alice.person.id, "number": alice.number, "name": "Alice"}
    assert (missed["direction"], missed["dialled"], missed["ring_group"]) == ("in", number, group)
    assert called["with"] == {"id": None, "number": number, "name": "Support"}
    assert (called["direction"], called["ring_group"], called["talk_duration"]) == ("out", group, None)
    assert called["time"] == story.started_at


async def test_a_call_to_one_person_is_in_that_log_rung_or_not_and_in_none_while_it_runs(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, Scene(house) as scene:
        alice, bob = await scene.phones(2)
        away = await scene.phone(online=False)
        await alice.refused(await alice.dial(away.number))
        assert await results(scene, await scene.story(alice), alice, away) == ["no_answer", "missed"]
        ours, theirs = await scene.talk(alice, bob)
        assert (await house.get("call_log/list", ext_id=bob.person.id))["total_number"] == 0
        await scene.end(ours, theirs)
        story = await scene.story(alice)
        assert await results(scene, story, alice, bob) == ["answered", "answered"]
    async with open_house(tmp_path) as house:  # and after a restart
        told = await house.get("call_log/list", ext_id=bob.person.id, direction="in", result="answered")
        assert [row["call_id"] for row in told["data"]] == [story.id]
