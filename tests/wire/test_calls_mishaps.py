"""What goes wrong around a ringing call stays small: removed members, odd answers, a short pool, a failing store."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ringdove.calls.inbox import MemberChanged, SettingsChanged
from ringdove.events.types import ExtensionChanged
from ringdove.model.extension import Extension
from ringdove.sip.dialog import Dialog
from ringdove.sip.message import Request
from support.house import House
from support.phones import Line, Phone
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("mishaps")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def ringing(scene: Scene, *members: Phone) -> tuple[Phone, Request, list[Request]]:
    """A caller whose call rings at all of them."""
    alice = await scene.phone()
    call = await alice.dial(await scene.group(*members))
    return alice, call, [await member.rings() for member in members]


async def connect(scene: Scene, alice: Phone, call: Request, bob: Phone, at_bob: Request) -> None:
    """The member answers, they talk, the caller hangs up."""
    theirs: Line = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    await scene.end(ours, theirs)


@pytest.mark.parametrize("how", ["deleted", "disabled"])
async def test_R1_a_member_that_is_removed_while_it_rings_is_cancelled(scene: Scene, how: str) -> None:
    bob, carol = await scene.phones(2)
    alice, call, (at_bob, at_carol) = await ringing(scene, bob, carol)
    if how == "deleted":
        await scene.house.get("extension/delete", id=bob.person.id)
    else:
        await scene.house.post("extension/update", id=bob.person.id, enabled=0)
    cancel = await bob.cancelled(at_bob)
    assert cancel.headers.get("Reason") is None
    await connect(scene, alice, call, carol, at_carol)
    results = {attempt.member.number: attempt.result for attempt in (await scene.story(alice)).hops[0].attempts}
    assert results == {bob.number: "removed", carol.number: "answered"}


async def test_a_200_whose_contact_cannot_be_read_connects_all_the_same(scene: Scene) -> None:
    (bob,) = await scene.phones(1)
    alice, call, (at_bob,) = await ringing(scene, bob)
    bob.reply(at_bob, 200, sdp=bob.sdp(), headers=[("Contact", "<<garbage")])
    await bob.expect("ACK")
    ours = await alice.answered(call)
    assert (await ours.bye()).status == 200
    await bob.hung_up()


async def test_R6_a_phone_that_answers_and_hangs_up_at_once_fails_alone(scene: Scene) -> None:
    bob, carol = await scene.phones(2)
    alice, call, (at_bob, at_carol) = await ringing(scene, bob, carol)
    answer = bob.reply(at_bob, 200, sdp=bob.sdp())
    goodbye = Dialog.as_uas(at_bob, answer.to.tag or "", bob.uri).request("BYE")
    bob.send(bob.stamp(goodbye), bob.server)
    await bob.expect("200 BYE")
    assert carol.count("CANCEL") == 0
    await connect(scene, alice, call, carol, at_carol)
    results = {attempt.member.number: attempt.result for attempt in (await scene.story(alice)).hops[0].attempts}
    assert results == {bob.number: "hung up", carol.number: "answered"}


async def test_a_late_answer_leaves_its_code_in_the_story(scene: Scene) -> None:
    (bob,) = await scene.phones(1)
    alice = await scene.phone()
    call = await alice.dial(await scene.group(bob, ring_timeout=1))
    at_bob = await bob.rings()
    cancel = await bob.expect("CANCEL")
    bob.reply(at_bob, 200, sdp=bob.sdp())
    bob.reply(cancel, 200)
    await bob.expect("ACK")
    await bob.hung_up()
    await alice.refused(call)
    (leg,) = (await scene.story(alice)).hops[0].attempts[0].legs
    assert (leg.result, leg.status) == ("no answer", 200)


async def test_a_store_that_fails_while_it_rings_changes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: int) -> Extension | None:
        raise OSError("the disk is gone")

    (bob,) = await scene.phones(1)
    alice, call, (at_bob,) = await ringing(scene, bob)
    node = scene.house.node
    with monkeypatch.context() as patch:
        patch.setattr(node.store.extensions, "get", broken)
        node.bus.publish(ExtensionChanged(bob.person.id))
        await bob.expect_none("CANCEL", within=0.2)
    await connect(scene, alice, call, bob, at_bob)


async def test_a_store_that_hangs_while_it_rings_delays_no_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def hanging(_: int) -> Extension | None:
        asked.set()
        await never.wait()
        return None

    (bob,) = await scene.phones(1)
    alice, call, (at_bob,) = await ringing(scene, bob)
    node = scene.house.node
    with monkeypatch.context() as patch:
        patch.setattr(node.store.extensions, "get", hanging)
        node.bus.publish(ExtensionChanged(bob.person.id))
        await asked.wait()
        await connect(scene, alice, call, bob, at_bob)


async def test_who_was_rung_can_be_connected_even_where_ports_are_short(tmp_path: Path) -> None:
    async with open_house(tmp_path, rtp_pairs=4) as house, Scene(house) as scene:
        members = await scene.phones(5)
        alice = await scene.phone()
        call = await alice.dial(await scene.group(*members))
        at_first = await members[0].rings()
        await connect(scene, alice, call, members[0], at_first)
        attempts = (await scene.story(alice)).hops[0].attempts
        assert [leg.status for attempt in attempts[-2:] for leg in attempt.legs] == [503, 503], (
            "four pairs, one is hers"
        )


async def test_without_a_port_for_the_caller_nobody_rings(tmp_path: Path) -> None:
    async with open_house(tmp_path, rtp_pairs=2) as house, Scene(house) as scene:
        alice, bob, carol, dave = await scene.phones(4)
        ours, theirs = await scene.talk(alice, bob)
        call = await carol.dial(dave.number)
        assert (await carol.refused(call, within=5)).status == 503
        assert dave.count("INVITE") == 0
        await scene.end(ours, theirs)


async def test_what_is_left_over_from_a_group_before_does_not_disturb_the_next(scene: Scene) -> None:
    bob, elsewhere = await scene.phones(2)
    alice, call, (at_bob,) = await ringing(scene, bob)
    (running,) = scene.house.node.switchboard._running
    running.inbox.put(MemberChanged(elsewhere.person.id))
    running.inbox.put(SettingsChanged(elsewhere.person.id, None))
    await connect(scene, alice, call, bob, at_bob)


async def test_R2_a_group_with_nobody_online_does_not_pretend_to_ring(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    call = await alice.dial(await scene.group(await scene.phone(online=False)))
    assert (await alice.refused(call)).status == 480
    assert alice.count("180") == 0


async def test_R5_nobody_is_told_elsewhere_when_the_caller_leaves_as_the_answer_comes(scene: Scene) -> None:
    bob, carol = await scene.phones(2)
    alice, call, (at_bob, at_carol) = await ringing(scene, bob, carol)
    bob.reply(at_bob, 200, sdp=bob.sdp())
    alice.cancel(call)
    final = await alice.final(call)
    alice.ack(call, final, alice.server)
    if final.status == 487:  # the answer and the CANCEL crossed, and the CANCEL was first
        cancel = await carol.cancelled(at_carol)
        assert cancel.headers.get("Reason") is None
        await bob.expect("ACK")
        await bob.hung_up()
        story = await scene.story(alice)
        assert (story.disposition, story.hops[0].outcome) == ("ABANDONED", "abandoned")
        assert {a.result for a in story.hops[0].attempts} == {"caller gone"}
    else:  # it came too late, and the call stands
        assert final.status == 200
        await carol.cancelled(at_carol)
        ours = alice.connected(call, final)
        await bob.expect("ACK")
        await ours.bye()
        await bob.hung_up()


async def test_a_call_that_is_being_talked_on_is_on_record_with_its_attempts_before_it_ends(scene: Scene) -> None:
    bob, carol = await scene.phones(2)
    alice, call, (at_bob, at_carol) = await ringing(scene, bob, carol)
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    await carol.cancelled(at_carol)
    (running,) = scene.house.node.switchboard._running
    store = scene.house.node.store.calls

    async def written() -> bool:
        story = await store.get(running.id)
        return story is not None and story.answered_by is not None

    async with asyncio.timeout(3):
        while not await written():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
    kept = await store.get(running.id)
    assert kept is not None
    assert {a.member.number: a.result for a in kept.hops[0].attempts} == {
        bob.number: "answered",
        carol.number: "answered elsewhere",
    }
    await scene.end(ours, theirs)
