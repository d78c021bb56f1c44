"""Who rings and how it ends, R1 to R12, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from ringdove.model.story import Disposition
from ringdove.store.tables import ring_group
from support.house import House
from support.phones import Phone
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("rules")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


def to_extension(phone: Phone) -> dict[str, str]:
    """`fail_dest` to a phone's extension."""
    return {"fail_dest": "extension", "fail_dest_value": str(phone.person.id)}


# R1, R2, R3: who rings


async def test_R1_each_reason_to_skip_a_member_is_in_the_story(scene: Scene) -> None:
    alice, bob, friend = await scene.phones(3)
    disabled, dnd = await scene.phone(), await scene.phone(presence_status="do_not_disturb")
    busy, offline = await scene.phone(enb_call_waiting=0), await scene.phone(online=False)
    await scene.house.post("extension/update", id=disabled.person.id, enabled=0)
    ours, theirs = await scene.talk(friend, busy)
    call = await alice.dial(await scene.group(alice, disabled, dnd, busy, offline, bob))
    bob.reply(await bob.rings(), 603)
    assert (await alice.refused(call)).status == 480
    await bob.expect("ACK")
    attempts = (await scene.story(alice)).hops[0].attempts
    reasons = {attempt.member.number: attempt.skipped for attempt in attempts}
    assert reasons == {
        alice.number: "caller",
        disabled.number: "disabled",
        dnd.number: "dnd",
        busy.number: "busy",
        offline.number: "offline",
        bob.number: None,
    }
    assert [len(attempt.legs) for attempt in attempts] == [0, 0, 0, 0, 0, 1]
    for phone in (alice, disabled, dnd, offline):
        assert phone.count("INVITE") == 0
    await scene.end(ours, theirs)


async def test_R1_a_member_in_a_call_with_call_waiting_rings(scene: Scene) -> None:
    alice, bob, friend = await scene.phones(3)
    ours, theirs = await scene.talk(friend, bob)
    call = await alice.dial(await scene.group(bob))
    bob.reply(await bob.rings(), 486)
    assert (await alice.refused(call)).status == 486
    await bob.expect("ACK")
    await scene.end(ours, theirs)


async def test_R1_whoever_calls_somebody_is_busy_too(scene: Scene) -> None:
    alice, bob, friend = await scene.phone(), await scene.phone(enb_call_waiting=0), await scene.phone()
    ours, theirs = await scene.talk(bob, friend)
    call = await alice.dial(await scene.group(bob))
    assert (await alice.refused(call)).status == 486
    await scene.end(ours, theirs)
    call = await alice.dial(await scene.group(bob))
    bob.reply(await bob.rings(), 480)
    assert (await alice.refused(call)).status == 480


async def test_R2_nobody_online_goes_to_no_agent_online_dest(scene: Scene) -> None:
    alice, bob, away = await scene.phone(), await scene.phone(), await scene.phone(online=False)
    group = await scene.group(
        away, alice, no_agent_online_dest="extension", no_agent_online_value=str(bob.person.id), fail_dest="end_call"
    )
    call = await alice.dial(group)
    theirs = await bob.pick_up(await bob.rings())
    await scene.end(await alice.answered(call), theirs)
    story = await scene.story(alice)
    assert [(hop.kind, hop.outcome) for hop in story.hops] == [
        ("ring_group", "nobody_online"),
        ("extension", "answered"),
    ]


async def test_R2_nobody_online_without_such_a_destination_goes_to_fail_dest_at_once(scene: Scene) -> None:
    alice, bob, away = await scene.phone(), await scene.phone(), await scene.phone(online=False)
    call = await alice.dial(await scene.group(away, ring_timeout=600, **to_extension(bob)))
    theirs = await bob.pick_up(await bob.rings())
    await scene.end(await alice.answered(call), theirs)


async def test_R2_somebody_online_but_nobody_eligible_goes_to_fail_dest_at_once(scene: Scene) -> None:
    alice, bob, carol = await scene.phone(), await scene.phone(presence_status="do_not_disturb"), await scene.phone()
    dora = await scene.phone()
    group = await scene.group(
        bob, no_agent_online_dest="extension", no_agent_online_value=str(carol.person.id), **to_extension(dora)
    )
    call = await alice.dial(group)
    theirs = await dora.pick_up(await dora.rings())
    await scene.end(await alice.answered(call), theirs)
    assert carol.count("INVITE") == 0
    assert (await scene.story(alice)).hops[0].outcome == "nobody_eligible"


async def test_R3_a_member_listed_twice_and_in_a_group_rings_once(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    team = await scene.house.extension_group(f"Team {bob.number}", [bob.person])
    one, many = {"value": str(bob.person.id), "type": "extension"}, {"value": str(team), "type": "ext_group"}
    call = await alice.dial(await scene.group(bob, member_list=[one, many, one]))
    theirs = await bob.pick_up(await bob.rings())
    await scene.end(await alice.answered(call), theirs)
    assert bob.count("INVITE") == 1
    assert len((await scene.story(alice)).hops[0].attempts) == 1


# R5, R6: how it ends for a phone


async def test_R5_only_a_lost_race_says_answered_elsewhere(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    group = await scene.group(bob, carol, ring_strategy="sequentially", ring_timeout=1)
    call = await alice.dial(group)
    closed = await bob.cancelled(await bob.rings())
    at_carol = await carol.rings()
    alice.cancel(call)
    gone = await carol.cancelled(at_carol)
    assert (await alice.refused(call)).status == 487
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    ours, theirs = await carol.pick_up(at_carol), await alice.answered(call)
    lost = await bob.cancelled(at_bob)
    await scene.end(ours, theirs)
    assert closed.headers.get_all("Reason") == []
    assert gone.headers.get_all("Reason") == []
    assert lost.headers.get_all("Reason") == [ELSEWHERE]


async def test_R5_the_Q850_form_is_said_too_by_setting_and_R14_the_group_is_named_before_the_caller(
    tmp_path: Any,
) -> None:
    settings = {"q850_reason": True, "caller_name_prefix": "{group} · "}
    async with open_house(tmp_path, **settings) as house, Scene(house) as scene:
        alice = await scene.phone(first_name="Alice", caller_id_name='Al "Ace" Äl')
        bob, carol = await scene.phones(2)
        call = await alice.dial(await scene.group(bob, carol, name="Sales"))
        at_bob, at_carol = await bob.rings(), await carol.rings()
        assert at_bob.from_.display_name == 'Sales · Al "Ace" Äl'
        theirs = await bob.pick_up(at_bob)
        assert (await carol.cancelled(at_carol)).headers.get_all("Reason") == [ELSEWHERE, "Q.850;cause=26"]
        await scene.end(await alice.answered(call), theirs)
        call = await alice.dial(bob.number)
        at_bob = await bob.rings()
        assert at_bob.from_.display_name == 'Al "Ace" Äl', "a call to one person names no group"
        bob.reply(at_bob, 486)
        await alice.refused(call)


@pytest.mark.parametrize("status", [603, 600, 607])
async def test_R6_a_6xx_from_one_phone_ends_the_member_and_only_the_member(scene: Scene, status: int) -> None:
    alice, bob, carol = await scene.phones(3)
    second = await scene.phone(bob.person)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_second, at_carol = await bob.rings(), await second.rings(), await carol.rings()
    bob.reply(at_bob, status)
    assert (await second.cancelled(at_second)).headers.get("Reason") is None
    theirs = await carol.pick_up(at_carol)
    await scene.end(await alice.answered(call), theirs)


async def test_R6_another_failure_ends_only_that_phone(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    second = await scene.phone(bob.person)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_second, at_carol = await bob.rings(), await second.rings(), await carol.rings()
    for phone, invite, status in ((bob, at_bob, 486), (carol, at_carol, 302)):
        phone.reply(invite, status)
    await second.expect_none("CANCEL", within=0.1)
    theirs = await second.pick_up(at_second)
    await scene.end(await alice.answered(call), theirs)


async def test_R6_a_challenge_of_a_members_phone_is_a_refusal_and_learns_nothing(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    challenge = ("WWW-Authenticate", 'Digest realm="ringdove", nonce="abc", qop="auth", algorithm=MD5')
    bob.reply(await bob.rings(), 401, headers=[challenge])
    assert (await alice.refused(call)).status == 480
    assert bob.count("INVITE") == 1


# R9: who comes late


@pytest.mark.parametrize("strategy", ["ring_all", "sequentially", "memory_hunt", "custom"])
async def test_R9_a_member_that_registers_while_its_window_is_open_starts_to_ring(scene: Scene, strategy: str) -> None:
    alice, bob = await scene.phones(2)
    late = await scene.phone(online=False)
    members = (late, bob) if strategy == "memory_hunt" else (bob, late)  # whose turn has come rings at once (ADR 0001)
    call = await alice.dial(await _group_of(scene, strategy, *members))
    at_bob = await bob.rings()
    await late.register()
    if strategy == "sequentially":  # its turn comes after the first member's
        bob.reply(at_bob, 480)
    theirs = await late.pick_up(await late.rings())
    ours = await alice.answered(call)
    if strategy != "sequentially":
        assert (await bob.cancelled(at_bob)).headers.get_all("Reason") == [ELSEWHERE]
    await scene.end(ours, theirs)
    attempts = (await scene.story(alice)).hops[0].attempts
    attempt = next(attempt for attempt in attempts if attempt.member.number == late.number)
    assert (attempt.skipped, attempt.result) == (None, "answered")


async def test_R9_a_second_phone_of_a_ringing_member_rings_too(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    second = await scene.phone(bob.person)
    theirs = await second.pick_up(await second.rings())
    ours = await alice.answered(call)
    assert (await bob.cancelled(at_bob)).headers.get_all("Reason") == [ELSEWHERE]
    await scene.end(ours, theirs)


async def test_a_member_that_comes_free_while_its_window_is_open_starts_to_ring(scene: Scene) -> None:
    alice, bob, carol = await scene.phone(), await scene.phone(presence_status="do_not_disturb"), await scene.phone()
    call = await alice.dial(await scene.group(bob, carol))
    at_carol = await carol.rings()
    await scene.house.post("extension/update", id=bob.person.id, presence_status="available")
    theirs = await bob.pick_up(await bob.rings())
    ours = await alice.answered(call)
    await carol.cancelled(at_carol)
    await scene.end(ours, theirs)


async def test_a_member_deleted_while_it_rings_harms_nobody(scene: Scene) -> None:
    alice, carol = await scene.phones(2)
    bob = await scene.phone()
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    await scene.house.get("extension/delete", id=bob.person.id)
    theirs = await carol.pick_up(at_carol)
    ours = await alice.answered(call)
    await bob.cancelled(at_bob)
    await scene.end(ours, theirs)


async def test_a_phone_that_unregisters_while_it_rings_may_still_answer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    await bob.register(expires=0)
    theirs = await bob.pick_up(at_bob)
    await scene.end(await alice.answered(call), theirs)


async def _group_of(scene: Scene, strategy: str, *members: Phone) -> str:
    if strategy != "custom":
        return await scene.group(*members, ring_strategy=strategy)
    entry = {"sub_option": [{"value": str(m.person.id), "type": "extension"} for m in members]}
    return await scene.group(ring_strategy="custom", member_list=[{**entry, "delay_time": 0, "timeout": 3}])


# R10, R12: how it ends


async def test_R10_a_caller_that_gives_up_ends_every_leg_and_nothing_follows(scene: Scene) -> None:
    alice, bob, carol, next_one = await scene.phones(4)
    call = await alice.dial(await scene.group(bob, carol, **to_extension(next_one)))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    alice.cancel(call)
    assert (await alice.refused(call)).status == 487
    await bob.cancelled(at_bob)
    await carol.cancelled(at_carol)
    story = await scene.story(alice)
    assert (story.disposition, story.final_status) == (Disposition.ABANDONED, 487)
    assert [hop.outcome for hop in story.hops] == ["abandoned"]
    assert next_one.count("INVITE") == 0


async def test_R12_a_loop_that_was_never_seen_on_save_ends_with_482(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    first = await scene.group(bob)
    second = await scene.group(bob, fail_dest="ring_group", fail_dest_value=await scene.id_of(first))
    await _force_onward(scene, first, second)
    call = await alice.dial(first)
    for _ in range(2):
        bob.reply(await bob.rings(), 486)
        await bob.expect("ACK")
    assert (await alice.refused(call)).status == 482
    story = await scene.story(alice)
    assert story.disposition is Disposition.FAILED
    assert story.final_status == 482
    assert [hop.outcome for hop in story.hops] == ["unanswered", "unanswered", "loop"]
    assert story.reason == f"a loop: ring_group {await scene.id_of(first)} comes a second time"


async def test_R12_a_long_way_that_is_no_loop_ends_at_the_hop_limit(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringdove.calls.journey.MAX_HOPS", 3)
    alice, bob = await scene.phone(), await scene.phone(online=False)
    onward = await scene.group(bob)
    for _ in range(3):
        onward = await scene.group(bob, fail_dest="ring_group", fail_dest_value=await scene.id_of(onward))
    call = await alice.dial(onward)
    assert (await alice.refused(call)).status == 482
    story = await scene.story(alice)
    assert [hop.outcome for hop in story.hops] == ["nobody_online"] * 3 + ["too_far"]
    assert story.reason == "more than 3 destinations"


async def _force_onward(scene: Scene, group: str, to: str) -> None:
    """Write a destination past the check on save."""
    values = {"fail_dest": "ring_group", "fail_dest_value": await scene.id_of(to)}
    statement = update(ring_group).where(ring_group.c.number == group).values(values)
    await scene.house.node.store._database.write(lambda conn: conn.execute(statement))


async def test_a_binding_that_ran_out_before_its_turn_is_skipped(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol, ring_strategy="sequentially", ring_timeout=1))
    await bob.rings()
    await carol.register(expires=0)
    cancel = await bob.expect("CANCEL")
    bob.reply(cancel, 200)
    assert (await alice.refused(call)).status == 480
    assert carol.count("INVITE") == 0
    assert (await scene.story(alice)).hops[0].attempts[1].skipped == "offline"


async def test_many_callers_of_one_group_do_not_disturb_each_other(scene: Scene) -> None:
    callers, members = await scene.phones(3), await scene.phones(3)
    group = await scene.group(*members)
    calls = [await caller.dial(group) for caller in callers]
    by_number = {caller.number: (caller, call) for caller, call in zip(callers, calls, strict=True)}
    lines = []
    for member in members:  # each member takes one of the calls that are left
        invite = await member.rings()
        while not by_number.get(invite.from_.uri.user or ""):
            invite = await member.rings()
        caller, call = by_number.pop(invite.from_.uri.user or "")
        theirs = await member.pick_up(invite)
        lines.append((await caller.answered(call), theirs))
    for ours, theirs in lines:
        await scene.end(ours, theirs)
    await asyncio.gather(*(scene.story(caller) for caller in callers))
