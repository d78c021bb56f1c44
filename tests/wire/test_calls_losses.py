"""A network that loses packets changes nothing but the time it takes (RFC 3261 §17, §13.3.1.4)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition
from ringdove.net.endpoint import Timers
from ringdove.sip.dialog import Dialog
from support.house import House
from support.phones import Line
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

T1 = 0.02
TIMEOUT = 64 * T1


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    timers = Timers(t1=T1, t2=0.08, t4=0.1)
    async with open_house(tmp_path_factory.mktemp("losses"), timers=timers) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def test_a_lost_INVITE_is_repeated_as_it_was(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    bob.lose("INVITE", 2)
    call = await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings())
    invites = {r.data for r in bob.log if r.data.startswith(b"INVITE")}
    assert len(invites) == 1
    assert bob.count("INVITE") >= 3
    await scene.end(await alice.answered(call), theirs)


async def test_a_lost_200_of_the_member_is_repeated_by_it_and_taken_once(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    await alice.expect("180")
    bob.lose("ACK")
    bob.reply(at_bob, 200, sdp=bob.sdp())
    ours = await alice.answered(call)
    theirs = await bob.pick_up(at_bob)
    assert bob.count("ACK") == 2
    await bob.expect_none("BYE", within=0.1)
    await scene.end(ours, theirs)


async def test_a_lost_200_to_the_caller_is_repeated(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    alice.lose("200 INVITE", 3)
    theirs = await bob.pick_up(await bob.rings())
    await scene.end(await alice.answered(call), theirs)
    assert alice.count("200 INVITE") == 4


async def test_the_200_to_the_caller_is_repeated_until_its_ACK_and_no_longer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings())
    first = await alice.expect("200 INVITE")
    again = await alice.expect("200 INVITE")
    assert again.to_bytes() == first.to_bytes()
    ours = alice.connected(call, again)
    await alice.expect_none("200 INVITE", within=0.3)
    await scene.end(ours, theirs)


async def test_a_lost_CANCEL_is_repeated_and_a_lost_487_fetched(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    carol.lose("CANCEL", 2)
    carol.lose("ACK", 1)
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    cancel = await carol.expect("CANCEL")
    carol.reply(cancel, 200)
    carol.reply(at_carol, 487)
    carol.reply(at_carol, 487)
    await carol.expect("ACK")
    await scene.end(ours, theirs)


async def test_a_lost_BYE_is_repeated(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    bob.lose("BYE", 2)
    await ours.bye()
    await bob.hung_up()
    assert bob.count("BYE") == 3


async def test_a_failure_to_the_caller_is_repeated_until_its_ACK(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    alice.lose("486", 2)
    bob.reply(await bob.rings(), 486)
    assert (await alice.refused(call)).status == 486
    assert alice.count("486") == 3
    await bob.expect("ACK")


async def test_a_caller_that_never_acknowledges_is_hung_up_after_64_T1_and_so_is_the_member(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    await alice.dial(bob.number)
    await bob.pick_up(await bob.rings())
    await alice.expect("200 INVITE")
    await bob.expect_none("BYE", within=TIMEOUT / 2)
    await bob.hung_up(within=TIMEOUT)
    await alice.hung_up()
    story = await scene.story(alice)
    assert story.disposition is Disposition.ANSWERED
    assert (story.ended_by, story.reason) == ("caller", "our answer was never acknowledged")


async def test_a_callee_that_leaves_before_the_caller_acknowledged_is_told_to_the_caller_after_64_T1(
    scene: Scene,
) -> None:
    alice, bob = await scene.phones(2)
    await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings())
    await theirs.bye()
    await alice.expect_none("BYE", within=TIMEOUT / 2)
    await alice.hung_up(within=TIMEOUT)


async def test_R6_a_phone_that_says_nothing_fails_with_408_and_the_others_ring_on(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    bob.lose("INVITE", 100)
    call = await alice.dial(await scene.group(bob, carol))
    at_carol = await carol.rings()
    await alice.expect_none(lambda m: getattr(m, "status", 0) >= 200, within=TIMEOUT * 1.1)
    theirs = await carol.pick_up(at_carol)
    ours = await alice.answered(call)
    await scene.end(ours, theirs)
    silent, answered = (await scene.story(alice)).hops[0].attempts
    assert (silent.legs[0].status, silent.result) == (408, "no response")
    assert answered.result == "answered"
    assert bob.count("CANCEL") == 0


async def test_a_window_that_closes_on_a_silent_phone_sends_no_CANCEL_until_it_speaks(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    bob.lose("INVITE", 100)
    call = await alice.dial(await scene.group(bob, ring_timeout=1))
    assert (await alice.refused(call)).status == 480
    assert bob.count("CANCEL") == 0


async def test_a_member_that_answers_CANCEL_and_never_the_INVITE_is_given_up(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob = await bob.rings()
    await carol.rings()
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    carol.reply(await carol.expect("CANCEL"), 200)
    await scene.end(ours, theirs)


async def test_a_phone_that_does_not_answer_a_re_INVITE_has_lost_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    bob.lose("INVITE", 100)
    change = ours.request("INVITE", alice.sdp(formats="9 101", version=2))
    await alice.hung_up(within=2 * TIMEOUT)
    response = await ours.settled(change)
    assert response.status in (408, 487, 488)
    story = await scene.story(alice)
    assert story.ended_by == "callee"


async def test_a_re_INVITE_whose_200_is_lost_gets_it_again_and_its_missing_ACK_ends_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    alice.lose("200 INVITE", 2)
    ours.request("INVITE", alice.sdp("sendonly", version=2))
    await alice.expect("200 INVITE")
    await bob.hung_up(within=2 * TIMEOUT)
    await alice.hung_up(within=TIMEOUT)


async def test_a_BYE_that_nobody_answers_ends_the_call_all_the_same(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    await ours.bye()
    await bob.expect("BYE")
    assert (await scene.story(alice)).disposition is Disposition.ANSWERED


async def test_a_phone_whose_address_is_gone_is_unreachable_at_once_over_tcp(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    carol = await scene.phone(transport="tcp")
    call = await alice.dial(await scene.group(bob, carol))
    at_bob = await bob.rings()
    await carol.rings()
    await carol.close()
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    await scene.end(ours, theirs)


async def test_an_INVITE_that_comes_twice_makes_one_call(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone()
    call = await alice.dial(bob.number)
    alice.send(call, alice.server)
    at_bob = await bob.rings()
    alice.send(call, alice.server)
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    alice.send(call, alice.server)
    await scene.end(ours, theirs)
    assert len({r.message.call_id for r in bob.log if r.data.startswith(b"INVITE")}) == 1
    await scene.story(alice)
    await scene.story(alice)
    assert len(await scene.rows(dialled=bob.number)) == 1


async def test_a_CANCEL_in_the_early_dialog_of_a_lost_180_ends_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    alice.lose("180")
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    alice.cancel(call)
    assert (await alice.refused(call)).status == 487
    await bob.cancelled(at_bob)


async def test_an_ACK_that_comes_late_and_twice_is_taken_once(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings())
    answer = await alice.expect("200 INVITE")
    await alice.expect("200 INVITE")
    line = Line(alice, Dialog.as_uac(call, answer), answer)
    line.ack(answer)
    line.ack(answer)
    await alice.expect_none("BYE", within=TIMEOUT * 1.1)
    await scene.end(line, theirs)
