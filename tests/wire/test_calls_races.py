"""Whatever crosses on the wire: one winner, nobody left ringing, no ghost call (R4, R5, R10)."""

import gc
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdove.calls.leg import Leg
from ringdove.model.story import Disposition
from ringdove.sip.dialog import Dialog
from support.house import House
from support.phones import Line, hears, until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("races")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def test_R4_a_200_that_crosses_the_CANCEL_gets_ACK_then_BYE(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    cancel = await carol.expect("CANCEL")
    assert cancel.headers.get_all("Reason") == [ELSEWHERE]
    carol.reply(at_carol, 200, sdp=carol.sdp())
    carol.reply(cancel, 200)
    ack = await carol.expect("ACK")
    bye = await carol.hung_up()
    assert ack.cseq.number == 1
    assert bye.cseq.number == 2
    assert bye.headers.get_all("Reason") == [ELSEWHERE]
    await alice.expect_none("BYE", within=0.1)
    await scene.end(ours, theirs)
    story = await scene.story(alice)
    assert story.answered_by is not None
    assert story.answered_by.number == bob.number


async def test_R4_two_answers_in_the_same_instant_make_one_winner(scene: Scene) -> None:
    alice, *members = await scene.phones(4)
    call = await alice.dial(await scene.group(*members))
    ringing = [await member.rings() for member in members]
    for member, invite in zip(members, ringing, strict=True):
        member.reply(invite, 200, sdp=member.sdp())
    for member in members:
        await member.expect("ACK")
    ours = await alice.answered(call)
    story = (await scene.rows(caller=alice.number))[0]
    winner = next(m for m in members if m.number == story["answered_by"]["number"])
    for loser in members:
        if loser is not winner:
            bye = await loser.hung_up()
            assert bye.headers.get_all("Reason") == [ELSEWHERE]
    await winner.expect_none("BYE", within=0.1)
    assert sum(m.count("CANCEL") for m in members) == 0, "what is answered is hung up, not cancelled"
    await ours.bye()
    await winner.hung_up()


async def test_R8_an_answer_that_crosses_the_closing_of_the_window_is_hung_up_without_a_reason(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob, ring_timeout=1))
    at_bob = await bob.rings()
    cancel = await bob.expect("CANCEL")
    bob.reply(at_bob, 200, sdp=bob.sdp())
    bob.reply(cancel, 200)
    await bob.expect("ACK")
    bye = await bob.hung_up()
    assert cancel.headers.get("Reason") is None
    assert bye.headers.get("Reason") is None
    assert (await alice.refused(call)).status == 480


async def test_R10_the_callers_CANCEL_that_crosses_the_winners_200_ends_in_BYE_to_the_winner(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    alice.cancel(call)
    bob.reply(at_bob, 200, sdp=bob.sdp())
    assert (await alice.expect("200 CANCEL")).status == 200
    assert (await alice.refused(call)).status == 487
    await bob.expect("ACK")
    assert (await bob.hung_up()).headers.get("Reason") is None
    assert (await carol.cancelled(at_carol)).headers.get("Reason") is None
    story = await scene.story(alice)
    assert story.disposition is Disposition.ABANDONED
    assert story.final_status == 487
    assert story.answered_by is None


async def test_R10_the_winners_200_just_before_the_callers_CANCEL_connects_or_abandons_but_never_both(
    scene: Scene,
) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob))
    bob.reply(await bob.rings(), 200, sdp=bob.sdp())
    alice.cancel(call)
    await bob.expect("ACK")
    await alice.expect("200 CANCEL")
    final = await alice.final(call)
    if final.status == 200:
        await alice.connected(call, final).bye()
    else:
        assert final.status == 487
        alice.ack(call, final, alice.server)
    await bob.hung_up()
    story = await scene.story(alice)
    assert (story.disposition is Disposition.ANSWERED) == (final.status == 200)


async def test_the_callers_BYE_in_the_early_dialog_abandons_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    ringing = await alice.expect("180")
    early = Line(alice, Dialog.as_uac(call, ringing), ringing)
    assert (await early.bye()).status == 200
    assert (await alice.refused(call)).status == 487
    assert (await bob.cancelled(at_bob)).headers.get("Reason") is None
    assert (await scene.story(alice)).disposition is Disposition.ABANDONED


async def test_R4_of_two_phones_behind_one_binding_that_both_answer_the_second_is_hung_up(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    theirs = await bob.pick_up(at_bob)
    bob.reply(at_bob, 200, sdp=bob.sdp(), tag="the-other-phone")
    assert (await bob.expect("ACK")).to.tag == "the-other-phone"
    bye = await bob.hung_up()
    assert bye.to.tag == "the-other-phone"
    ours = await alice.answered(call)
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)


async def test_R4_two_forks_that_answer_in_one_instant_make_one_winner(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    bob.reply(at_bob, 200, sdp=bob.sdp(), tag="one")
    bob.reply(at_bob, 200, sdp=bob.sdp(), tag="two")
    assert {(await bob.expect("ACK")).to.tag for _ in range(2)} == {"one", "two"}
    assert (await bob.hung_up()).to.tag == "two"
    ours = await alice.answered(call)
    await ours.bye()
    assert (await bob.hung_up()).to.tag == "one"
    (attempt,) = (await scene.story(alice)).hops[0].attempts
    assert (attempt.result, attempt.legs[0].result) == ("answered", "answered")


async def test_what_waits_for_late_answers_keeps_no_leg_of_a_call_that_is_over(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_carol = await carol.rings()
    theirs = await bob.pick_up(await bob.rings())
    ours = await alice.answered(call)
    await carol.cancelled(at_carol)
    await scene.end(ours, theirs)
    await until(lambda: not any(isinstance(one, Leg) for one in gc.get_objects()), "a leg outlives its call")


async def test_a_200_that_comes_again_is_acknowledged_again(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    theirs = await bob.pick_up(at_bob)
    bob.reply(at_bob, 200, sdp=bob.sdp())
    again = await bob.expect("ACK")
    assert again.to.tag == theirs.dialog.id.local_tag
    ours = await alice.answered(call)
    await bob.expect_none("BYE", within=0.1)
    await scene.end(ours, theirs)


async def test_a_winner_that_hangs_up_at_once_ends_the_call_for_the_caller_after_its_ACK(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings())
    assert (await theirs.bye()).status == 200
    answer = await alice.expect("200 INVITE")
    await alice.expect_none("BYE", within=0.2)  # RFC 3261 §15: the callee waits for the ACK
    alice.connected(call, answer)
    await alice.hung_up()
    story = await scene.story(alice)
    assert story.disposition is Disposition.ANSWERED
    assert story.ended_by == "callee"


async def test_a_caller_that_hangs_up_while_the_winner_hangs_up_gets_its_answer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    from_bob = theirs.request("BYE")
    from_alice = ours.request("BYE")
    assert (await theirs.settled(from_bob)).status in (200, 481)
    assert (await ours.settled(from_alice)).status in (200, 481)
    for phone in (alice, bob):
        if phone.count("BYE"):
            await phone.hung_up()


async def test_R4_an_answer_before_any_180_wins_and_phones_silent_so_far_are_cancelled_when_they_speak(
    scene: Scene,
) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    theirs = await bob.pick_up(await bob.expect("INVITE"))
    at_carol = await carol.expect("INVITE")
    ours = await alice.answered(call)
    await carol.expect_none("CANCEL", within=0.1)  # §9.1: not before a provisional response
    carol.reply(at_carol, 100)
    assert (await carol.cancelled(at_carol)).headers.get_all("Reason") == [ELSEWHERE]
    await scene.end(ours, theirs)


async def test_a_late_200_with_an_unusable_body_is_acknowledged_and_hung_up_too(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    cancel = await carol.expect("CANCEL")
    carol.reply(cancel, 481)
    carol.reply(at_carol, 200, sdp="this is no description")
    await carol.expect("ACK")
    await carol.hung_up()
    await scene.end(ours, theirs)


async def test_R6_a_200_without_usable_audio_fails_that_leg_alone(scene: Scene) -> None:
    alice, bob, carol, dora = await scene.phones(4)
    call = await alice.dial(await scene.group(bob, carol, dora))
    at_bob, at_carol, at_dora = await bob.rings(), await carol.rings(), await dora.rings()
    bob.reply(at_bob, 200, sdp=bob.sdp(formats="96"))
    carol.reply(at_carol, 200)
    for phone in (bob, carol):
        await phone.expect("ACK")
        await phone.hung_up()
    theirs = await dora.pick_up(at_dora)
    ours = await alice.answered(call)
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)
    story = await scene.story(alice)
    assert [attempt.legs[0].status for attempt in story.hops[0].attempts] == [488, 488, 200]


async def test_an_answer_that_its_phone_takes_back_before_the_call_sees_it_never_stays(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    answer = bob.reply(at_bob, 200, sdp=bob.sdp())
    line = Line(bob, Dialog.as_uas(at_bob, answer.to.tag or "", bob.uri), answer)
    bye = line.request("BYE")
    await bob.expect("ACK")
    assert (await line.settled(bye)).status == 200
    final = await alice.final(call)
    if final.status == 200:
        alice.connected(call, final)
        await alice.hung_up()
    else:
        alice.ack(call, final, alice.server)


async def test_a_refusal_and_an_answer_of_the_same_phone_count_as_the_first_of_them(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol, ring_timeout=1))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    bob.reply(at_bob, 486)
    bob.reply(at_bob, 200, sdp=bob.sdp())
    await bob.expect("ACK")
    await carol.cancelled(at_carol)
    assert (await alice.refused(call)).status == 480
