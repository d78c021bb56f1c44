"""Two phones talk: hanging up, INFO, session timers, what an INVITE may bring, and the audio."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from ringdove.calls import leg
from ringdove.sip.dialog import Dialog
from ringdove.sip.sdp import parse
from ringdove.sip.session_timer import Policy, SessionTimer
from support.house import House
from support.phones import Line, hears, until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


_HEAD = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("talk")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


# Hanging up


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_BYE_of_one_side_reaches_the_other_with_its_Reason(scene: Scene, who: str) -> None:
    alice, bob = await scene.phones(2)
    lines = await scene.talk(alice, bob)
    one, other = lines if who == "caller" else lines[::-1]
    reasons = ["Q.850;cause=16", 'SIP;cause=200;text="bye"']
    assert (await one.bye(*reasons)).status == 200
    assert (await other.phone.hung_up()).headers.get_all("Reason") == reasons
    story = await scene.story(alice)
    assert story.ended_by == who


async def test_after_the_BYE_the_dialogs_are_gone(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    await scene.end(ours, theirs)
    assert (await ours.bye()).status == 481
    assert (await theirs.offer(bob.sdp("sendonly"))).status == 481


async def test_a_request_with_the_wrong_tag_or_an_old_number_never_touches_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    stranger = Dialog.as_uas(ours.dialog.request("INVITE"), "guessed", alice.uri)
    stranger.id, stranger.local, stranger.remote = ours.dialog.id, theirs.dialog.local, ours.dialog.remote
    assert (await Line(alice, stranger, ours.last).bye()).status == 481
    ours.dialog.local_cseq = 0
    assert (await ours.bye()).status == 500
    ours.dialog.local_cseq = 10
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)


# Other requests


async def test_INFO_is_passed_on_with_its_body_and_answered_as_the_other_side_does(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    for one, other in ((ours, theirs), (theirs, ours)):
        for status in (200, 500):
            body = b"Signal=5\r\nDuration=160\r\n"
            info = one.request("INFO", body=body, kind="application/dtmf-relay", headers=[("Info-Package", "x")])
            passed = await other.phone.expect("INFO")
            assert passed.body == body
            assert passed.content_type == "application/dtmf-relay"
            assert passed.headers.get("Info-Package") == "x"
            other.phone.reply(passed, status)
            assert (await one.settled(info)).status == status
    await scene.end(ours, theirs)


@pytest.mark.parametrize(("status", "field"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
async def test_a_challenge_to_our_BYE_is_not_answered_and_the_call_is_over(
    scene: Scene, status: int, field: str
) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    assert (await ours.bye()).status == 200
    bye = await bob.expect("BYE")
    bob.reply(bye, status, headers=[(field, 'Digest realm="ringdove", nonce="n", qop="auth", algorithm=MD5')])
    await bob.expect_none("BYE", within=0.2)
    assert not any(message.message.headers.get_all("Authorization") for message in bob.log)


async def test_a_challenge_to_an_INFO_is_not_passed_on(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    info = ours.request("INFO", body=b"x", kind="text/plain")
    bob.reply(await bob.expect("INFO"), 401, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="n"')])
    assert (await ours.settled(info)).status not in (401, 407)
    await scene.end(ours, theirs)


async def test_INFO_while_it_rings_is_answered(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    ringing = await alice.expect("180")
    early = Line(alice, Dialog.as_uac(call, ringing), ringing)
    assert (await early.settled(early.request("INFO", body=b"1", kind="application/dtmf"))).status == 200
    bob.reply(at_bob, 486)
    await alice.refused(call)


@pytest.mark.parametrize(
    ("method", "status"),
    [("REFER", 405), ("MESSAGE", 405), ("NOTIFY", 405), ("PRACK", 405), ("SUBSCRIBE", 405), ("FOO", 501)],
)
async def test_a_method_that_is_not_served_gets_405_or_501_with_Allow(scene: Scene, method: str, status: int) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    response = await ours.settled(ours.request(method))
    assert response.status == status
    assert "BYE" in (response.headers.get("Allow") or "")
    await scene.end(ours, theirs)


async def test_OPTIONS_in_the_dialog_gets_200(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    assert (await ours.settled(ours.request("OPTIONS"))).status == 200
    await scene.end(ours, theirs)


# Session timers


@pytest.mark.parametrize("refresher", ["uac", "uas"])
async def test_the_caller_gets_the_session_timer_that_it_asks_for(scene: Scene, refresher: str) -> None:
    alice, bob = await scene.phones(2)
    headers = [("Supported", "timer"), ("Session-Expires", f"90;refresher={refresher}")]
    call = await alice.dial(bob.number, headers=headers)
    theirs = await bob.pick_up(await bob.rings())
    answer = await alice.final(call)
    ours = alice.connected(call, answer)
    assert answer.headers.get("Session-Expires") == f"90;refresher={refresher}"
    assert ("timer" in (answer.headers.get("Require") or "")) == (refresher == "uac")
    refresh = await ours.offer(alice.sdp(), headers=headers)
    assert refresh.headers.get("Session-Expires") == f"90;refresher={refresher}"
    await scene.end(ours, theirs)


async def test_a_session_shorter_than_90_s_is_refused_with_422_from_those_who_know_the_timer(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number, headers=[("Supported", "timer"), ("Session-Expires", "89")])
    response = await alice.refused(call)
    assert response.status == 422
    assert response.headers.get("Min-SE") == "90"
    assert bob.count("INVITE") == 0
    ours, theirs = await scene.talk(alice, bob)
    response = await ours.offer(alice.sdp(version=2), headers=[("Supported", "timer"), ("Session-Expires", "20")])
    assert (response.status, response.headers.get("Min-SE")) == (422, "90")
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)


async def test_a_422_of_a_members_phone_makes_us_ask_again_with_its_minimum(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    first = await bob.expect("INVITE")
    bob.reply(first, 422, headers=[("Min-SE", "3600")])
    await bob.expect("ACK")
    second = await bob.rings()
    assert (second.call_id, second.from_.tag) == (first.call_id, first.from_.tag)
    assert second.cseq.number == first.cseq.number + 1
    assert (second.headers.get("Session-Expires"), second.headers.get("Min-SE")) == ("3600", "3600")
    assert second.body == first.body
    theirs = await bob.pick_up(second, headers=[("Session-Expires", "3600;refresher=uas"), ("Require", "timer")])
    ours = await alice.answered(call)
    assert await hears(ours, theirs)
    await scene.end(ours, theirs)


async def test_a_422_that_asks_for_nothing_new_is_a_failure(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    bob.reply(await bob.expect("INVITE"), 422, headers=[("Min-SE", "90")])
    carol.reply(await carol.expect("INVITE"), 422, headers=[("Min-SE", "3600")])
    carol.reply(await carol.expect(lambda m: m.cseq.number == 2 and m.cseq.method == "INVITE"), 422)
    assert (await alice.refused(call)).status == 480
    assert (bob.count("INVITE"), carol.count("INVITE")) == (1, 2)


@pytest.fixture
def _short_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a phone choose an interval that a test can wait for."""
    monkeypatch.setattr(leg, "SessionTimer", partial(SessionTimer, Policy(min_se=1)))


@pytest.mark.usefixtures("_short_sessions")
@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
async def test_we_refresh_when_it_is_our_task_and_the_other_side_hears_nothing_of_it(scene: Scene, method: str) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    allow = "INVITE, ACK, BYE, CANCEL" + (", UPDATE" if method == "UPDATE" else "")
    headers = [("Session-Expires", "1;refresher=uac"), ("Require", "timer"), ("Allow", allow)]
    theirs = await bob.pick_up(at_bob, headers=headers)
    ours = await alice.answered(call)
    refresh = await bob.expect(method)
    assert (refresh.headers.get("Session-Expires") or "").endswith(";refresher=uac")
    if method == "INVITE":
        assert refresh.body == at_bob.body
        await theirs.accept(refresh, bob.sdp(), headers=[("Session-Expires", "90;refresher=uac")])
    else:
        assert refresh.body == b""
        bob.reply(refresh, 200, headers=[("Session-Expires", "90;refresher=uac")], tag=theirs.dialog.id.local_tag)
    assert alice.count("INVITE") + alice.count("UPDATE") == 0
    await scene.end(ours, theirs)


@pytest.mark.usefixtures("_short_sessions")
async def test_a_phone_that_does_not_refresh_its_session_is_hung_up_and_so_is_the_other(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    await bob.pick_up(at_bob, headers=[("Session-Expires", "1;refresher=uas"), ("Require", "timer")])
    await alice.answered(call)
    await bob.hung_up()
    await alice.hung_up()
    story = await scene.story(alice)
    assert (story.ended_by, story.reason) == ("callee", "the phone did not refresh its session")


# What an INVITE may bring


async def test_an_INVITE_without_an_offer_gets_ours_in_the_200(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number, "")
    theirs = await bob.pick_up(await bob.rings())
    answer = await alice.final(call)
    assert parse(answer.body).media[0].codecs
    ours = alice.connected(call, answer, alice.sdp())
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    await scene.end(ours, theirs)


async def test_an_INVITE_without_an_offer_whose_ACK_has_no_answer_is_hung_up(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number, "")
    await bob.pick_up(await bob.rings())
    await alice.answered(call)
    await alice.hung_up()
    await bob.hung_up()


async def test_an_answer_in_the_ACK_that_cannot_be_used_ends_the_call(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number, "")
    await bob.pick_up(await bob.rings())
    await alice.answered(call, sdp=alice.sdp(formats="96"))
    await alice.hung_up()
    await bob.hung_up()


@pytest.mark.parametrize(
    "sdp",
    [
        _HEAD + "m=audio 4000 RTP/AVP 96\na=rtpmap:96 ODD/8000\n",
        _HEAD + "m=video 4000 RTP/AVP 31\n",
        _HEAD + "m=audio 0 RTP/AVP 0\n",
        "this is no description",
    ],
)
async def test_an_INVITE_with_an_unusable_offer_gets_488_and_rings_nobody(scene: Scene, sdp: str) -> None:
    alice, bob = await scene.phones(2)
    assert (await alice.refused(await alice.dial(bob.number, sdp))).status == 488
    assert bob.count("INVITE") == 0


async def test_an_INVITE_with_a_body_that_is_no_description_gets_415_with_Accept(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    uri = f"sip:{bob.number}@pbx.test"
    call = alice.request("INVITE", uri, alice.server, body=b"<xml/>", content_type="application/xml")
    response = await alice.refused(call)
    assert response.status == 415
    assert response.headers.get("Accept") == "application/sdp"
    assert bob.count("INVITE") == 0


async def test_an_offer_with_more_lines_gets_an_answer_with_as_many(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    offer = alice.sdp() + "m=video 4000 RTP/AVP 31\na=rtpmap:31 H261/90000\n"
    call = await alice.dial(bob.number, offer)
    theirs = await bob.pick_up(await bob.rings())
    ours = await alice.answered(call)
    assert ours.heard is not None
    assert [(m.kind, m.port > 0) for m in ours.heard.media] == [("audio", True), ("video", False)]
    await scene.end(ours, theirs)


# The audio


async def test_audio_flows_both_ways_and_the_ports_are_freed_after_the_BYE(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    media = scene.house.node.media
    assert media.ports_held == len({ours.media[1], theirs.media[1]}) == 2
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    assert await _hears_digit(ours, theirs)
    await scene.end(ours, theirs)
    await until(lambda: media.ports_held == 0, "the ports are still in use")
    assert not await hears(ours, theirs, within=0.1)


async def test_R4_a_phone_that_lost_reaches_nobody_and_its_port_is_freed_at_once(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    loser = Line(carol, Dialog.as_uas(at_carol, carol.tag, carol.uri), at_carol)
    early = Line(bob, Dialog.as_uas(at_bob, bob.tag, bob.uri), at_bob)
    carol.reply(at_carol, 183, sdp=carol.sdp())
    for line in (loser, early):
        line.phone.audio.say(b"early", line.media)
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    await carol.cancelled(at_carol)
    assert await hears(theirs, ours)
    assert not await hears(loser, ours, within=0.1)
    assert all(packet.body != b"early" for packet in alice.audio.packets)
    assert loser.media[1] not in scene.house.node.media._owners
    await scene.end(ours, theirs)


async def _hears_digit(speaker: Line, listener: Line) -> bool:
    """Whether a telephone-event packet arrives."""
    event = b"\x05\x0a\x00\xa0"
    for _ in range(50):
        speaker.phone.audio.say(event, speaker.media, payload=101)
        await asyncio.sleep(0.02)
        if any(packet.body == event for packet in listener.phone.audio.packets):
            return True
    return False
