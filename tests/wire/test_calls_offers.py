"""The talk changes: hold and other addresses are answered here, other codecs passed on (RFC 3261 §14, RFC 3264)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdove.sip.dialog import Dialog
from ringdove.sip.sdp import Direction, SessionDescription, parse
from support.house import House
from support.phones import Line, Phone, hears, until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("offers")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def passed_on(one: Line, other: Line, offer: str, answer: str) -> Direction:
    """One side's re-INVITE arrives at the other one, which accepts; returns the direction it saw."""
    request = one.request("INVITE", offer)
    await other.accept(await other.is_offered(), answer)
    seen = other.direction
    assert (await one.settled(request)).status == 200
    return seen


def version(description: SessionDescription | None) -> int:
    """The o= version."""
    assert description is not None
    return int(description.origin.version)


def g722(phone: Phone, version: int = 2) -> str:
    """An offer or answer that the codec of the talk, PCMU, is not part of: only this is passed on."""
    return phone.sdp(formats="9 101", version=version)


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("hold", "answer"),
    [("sendonly", Direction.RECVONLY), ("inactive", Direction.INACTIVE), ("0.0.0.0", Direction.RECVONLY)],
)
async def test_hold_and_resume_are_answered_here_and_never_reach_the_other(
    scene: Scene, who: str, method: str, hold: str, answer: Direction
) -> None:
    alice, bob = await scene.phones(2)
    lines = await scene.talk(alice, bob)
    one, other = lines if who == "caller" else lines[::-1]
    assert await hears(one, other)
    address, direction = (hold, "sendrecv") if hold == "0.0.0.0" else ("127.0.0.1", hold)
    response = await one.offer(one.phone.sdp(direction, version=2, address=address), method)
    assert response.status == 200
    assert one.direction == answer
    assert not await hears(other, one, within=0.2)
    assert (await one.offer(one.phone.sdp(version=3), method)).status == 200
    assert one.direction == Direction.SENDRECV
    assert await hears(one, other)
    assert await hears(other, one)
    assert other.phone.count("INVITE") == (1 if other.phone is bob else 0)
    await scene.end(one, other)


async def test_both_sides_hold_and_either_resumes_alone(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    await ours.offer(alice.sdp("sendonly", version=2))
    await theirs.offer(bob.sdp("inactive", version=2))
    await ours.offer(alice.sdp(version=3))
    assert ours.direction == Direction.SENDRECV
    assert not await hears(theirs, ours, within=0.1), "the other side holds on"
    await theirs.offer(bob.sdp(version=3))
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    await scene.end(ours, theirs)


async def test_the_version_goes_up_by_one_with_every_change_and_only_then(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    at_alice, at_bob = version(ours.heard), version(theirs.heard)
    session = ours.heard.origin.session_id if ours.heard else ""
    await ours.offer(alice.sdp("sendonly", version=2))
    assert version(ours.heard) == at_alice + 1
    response = await ours.offer(alice.sdp("sendonly", version=2))
    assert version(parse(response.body)) == at_alice + 1, "a refresh changes nothing"
    await passed_on(ours, theirs, g722(alice, 3), g722(bob, 3))
    assert version(ours.heard) == at_alice + 2
    assert version(theirs.heard) == at_bob + 1
    assert ours.heard is not None
    assert ours.heard.origin.session_id == session
    await scene.end(ours, theirs)


async def test_the_same_description_again_is_a_refresh_and_not_passed_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    before = ours.heard
    response = await ours.offer(alice.sdp())
    assert response.status == 200
    assert parse(response.body) == before
    response = await theirs.offer(bob.sdp())
    assert response.status == 200
    await bob.expect_none("INVITE", within=0.1)
    await alice.expect_none("INVITE", within=0.1)
    await scene.end(ours, theirs)


async def test_another_address_of_one_side_moves_its_audio_and_never_reaches_the_other(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    (elsewhere,) = await scene.phones(1)
    ours, theirs = await scene.talk(alice, bob)
    before = theirs.heard
    assert (await ours.offer(alice.sdp(version=2, port=elsewhere.audio.port))).status == 200
    assert bob.count("INVITE") == 1
    assert theirs.heard == before
    at_elsewhere = Line(elsewhere, ours.dialog, ours.last)
    at_elsewhere.heard = ours.heard
    assert await hears(theirs, at_elsewhere)
    await scene.end(ours, theirs)


async def test_a_refused_re_INVITE_passes_the_status_back_and_the_call_goes_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    for status in (488, 603, 491, 500):
        request = ours.request("INVITE", g722(alice))
        bob.reply(await theirs.is_offered(), status, tag=theirs.dialog.id.local_tag)
        await bob.expect("ACK")
        assert (await ours.settled(request)).status == status
    assert await hears(theirs, ours)
    assert await hears(ours, theirs)
    await passed_on(ours, theirs, g722(alice), g722(bob))
    await scene.end(ours, theirs)


async def test_a_challenge_to_a_re_INVITE_is_not_passed_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    request = ours.request("INVITE", g722(alice))
    challenge = ("WWW-Authenticate", 'Digest realm="ringdove", nonce="abc", qop="auth"')
    bob.reply(await theirs.is_offered(), 401, headers=[challenge], tag=theirs.dialog.id.local_tag)
    await bob.expect("ACK")
    response = await ours.settled(request)
    assert response.status == 488
    assert "WWW-Authenticate" not in response.headers
    await scene.end(ours, theirs)


async def test_an_unusable_offer_in_a_re_INVITE_is_refused_here_and_changes_nothing(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    assert (await ours.offer(alice.sdp(formats="96", version=2))).status == 488
    assert (await ours.offer("v=0\nnonsense")).status == 488
    request = ours.request("INVITE", body=b"<xml/>", kind="application/xml")
    response = await ours.settled(request)
    assert response.status == 415
    assert response.headers.get("Accept") == "application/sdp"
    assert bob.count("INVITE") == 1
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    await scene.end(ours, theirs)


async def test_an_answer_that_cannot_be_used_refuses_the_offer_and_the_talk_goes_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    request = ours.request("INVITE", g722(alice))
    await theirs.accept(await theirs.is_offered(), bob.sdp(formats="96", version=2))
    assert (await ours.settled(request)).status == 488
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)


async def test_glare_a_re_INVITE_that_meets_ours_gets_491(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    from_alice = ours.request("INVITE", g722(alice))
    at_bob = await theirs.is_offered()
    assert (await theirs.offer(g722(bob))).status == 491
    await theirs.accept(at_bob, g722(bob))
    assert (await ours.settled(from_alice)).status == 200
    await scene.end(ours, theirs)


async def test_glare_of_two_re_INVITEs_in_one_instant_one_gets_491_and_the_other_is_passed_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    offers = {
        ours: ours.request("INVITE", g722(alice)),
        theirs: theirs.request("INVITE", g722(bob)),
    }
    await until(lambda: alice.count("491") + bob.count("491") == 1, "nobody, or both, got 491")
    loser, winner = (ours, theirs) if alice.count("491") else (theirs, ours)
    assert (await loser.settled(offers[loser])).status == 491
    await loser.accept(await loser.is_offered(), g722(loser.phone))
    assert (await winner.settled(offers[winner])).status == 200
    await scene.end(ours, theirs)


async def test_a_second_re_INVITE_while_the_first_is_open_gets_500_with_Retry_After(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    first = ours.request("INVITE", g722(alice))
    at_bob = await theirs.is_offered()
    second = await ours.offer(g722(alice, 3))
    assert second.status == 500
    assert 0 <= int(second.headers.get("Retry-After") or -1) <= 10
    await theirs.accept(at_bob, g722(bob))
    assert (await ours.settled(first)).status == 200
    await scene.end(ours, theirs)


async def test_a_re_INVITE_without_an_offer_gets_ours_and_its_ACK_the_answer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    request = ours.request("INVITE")
    response = await alice.expect(lambda m: getattr(m, "status", 0) == 200 and m.cseq == request.cseq)
    assert parse(response.body).media[0].port == ours.media[1]
    ours.dialog.learn(response)
    ours.ack(response, alice.sdp(version=2))
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    assert (await ours.offer(alice.sdp(version=2))).status == 200, "it can be refreshed afterwards"
    await scene.end(ours, theirs)


async def test_a_re_INVITE_without_an_offer_and_an_ACK_without_an_answer_ends_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    response = await ours.settled(ours.request("INVITE"))
    assert response.status == 200
    await alice.hung_up()
    await bob.hung_up()


async def test_UPDATE_with_another_codec_is_passed_on_and_answered(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    update = ours.request("UPDATE", g722(alice))
    await theirs.accept(await theirs.is_offered(), g722(bob))
    response = await ours.settled(update)
    assert response.status == 200
    assert [codec.name for codec in parse(response.body).media[0].codecs] == ["G722", "telephone-event"]
    await scene.end(ours, theirs)


async def test_UPDATE_without_an_offer_is_a_refresh_and_moves_the_target(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    moved = ours.dialog.contact.__class__("sip", alice.host, user="moved", port=alice.port)
    ours.dialog.contact = moved
    response = await ours.settled(ours.request("UPDATE"))
    assert response.status == 200
    assert response.body == b""
    await theirs.bye()
    assert (await alice.hung_up()).uri == str(moved)
    assert bob.count("UPDATE") == 0


async def test_an_offer_before_the_first_one_is_answered_gets_500_and_a_refresh_200(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    ringing = await alice.expect("180")
    early = Line(alice, Dialog.as_uac(call, ringing), ringing)
    response = await early.settled(early.request("UPDATE", alice.sdp(version=2)))
    assert response.status == 500
    assert response.headers.get("Retry-After") is not None
    assert (await early.settled(early.request("UPDATE"))).status == 200
    theirs = await bob.pick_up(at_bob)
    answer = await alice.final(call)
    early.ack(answer)
    await passed_on(early, theirs, g722(alice), g722(bob))
    await scene.end(early, theirs)


async def test_a_codec_that_only_one_side_has_never_reaches_the_other(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(bob.number, alice.sdp(formats="8 0 101"))
    at_bob = await bob.rings()
    theirs = await bob.pick_up(at_bob, bob.sdp(formats="0"))
    ours = await alice.answered(invite)
    assert ours.heard is not None
    assert [codec.name for codec in ours.heard.media[0].codecs] == ["PCMU"]
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)


async def test_a_re_INVITE_that_the_caller_cancels_gets_487_and_leaves_the_call_as_it_was(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    request = ours.request("INVITE", g722(alice))
    at_bob = await theirs.is_offered()
    alice.cancel(request)
    bob.reply(at_bob, 100)
    cancel = await bob.expect("CANCEL")
    bob.reply(cancel, 200)
    bob.reply(at_bob, 487, tag=theirs.dialog.id.local_tag)
    await bob.expect("ACK")
    assert (await ours.settled(request)).status == 487
    assert await hears(theirs, ours)
    await passed_on(ours, theirs, g722(alice, 3), g722(bob, 3))
    await scene.end(ours, theirs)


async def test_a_re_INVITE_that_is_accepted_before_the_CANCEL_counts_for_both(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    request = ours.request("INVITE", g722(alice))
    at_bob = await theirs.is_offered()
    alice.cancel(request)
    await theirs.accept(at_bob, g722(bob))
    assert (await ours.settled(request)).status == 200
    await scene.end(ours, theirs)


async def test_a_CANCEL_on_the_heels_of_its_re_INVITE_gets_a_final_answer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    request = ours.request("INVITE", g722(alice))
    alice.cancel(request)
    await until(lambda: bool(alice.count("487")) or bob.count("INVITE") > 1, "neither refused nor passed on")
    if not alice.count("487"):
        at_bob = await theirs.is_offered()
        bob.reply(at_bob, 100)
        bob.reply(await bob.expect("CANCEL"), 200)
        bob.reply(at_bob, 487, tag=theirs.dialog.id.local_tag)
    assert (await ours.settled(request)).status == 487
    await scene.end(ours, theirs)


async def test_a_hang_up_answers_what_is_open_with_487(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    open_offer = ours.request("INVITE", g722(alice))
    at_bob = await theirs.is_offered()
    assert (await theirs.bye()).status == 200
    bob.reply(at_bob, 487, tag=theirs.dialog.id.local_tag)
    assert (await ours.settled(open_offer)).status == 487
    await alice.hung_up()


async def test_a_hang_up_takes_back_a_re_INVITE_that_the_other_phone_may_never_answer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    ours.request("INVITE", g722(alice))
    bob.reply(await theirs.is_offered(), 100)
    assert (await ours.bye()).status == 200
    await bob.hung_up()
    await bob.expect("CANCEL")  # the scene sees to it that nothing is left of it


async def test_a_phone_that_hangs_up_during_its_own_re_INVITE_gets_487_for_it(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    open_offer = ours.request("INVITE", g722(alice))
    at_bob = await theirs.is_offered()
    bye = ours.request("BYE")
    assert (await ours.settled(open_offer)).status == 487
    assert (await ours.settled(bye)).status == 200
    await bob.hung_up()
    bob.reply(at_bob, 487, tag=theirs.dialog.id.local_tag)


async def test_a_BYE_on_the_heels_of_a_re_INVITE_or_an_INFO_answers_them_all(scene: Scene) -> None:
    for _ in range(3):
        alice, bob = await scene.phones(2)
        ours, _ = await scene.talk(alice, bob)
        requests = [
            ours.request("INVITE", g722(alice)),
            ours.request("INFO", body=b"1", kind="x/y"),
        ]
        requests.append(ours.request("BYE"))
        assert [(await ours.settled(request)).status for request in requests] == [487, 487, 200]
        await bob.hung_up()
