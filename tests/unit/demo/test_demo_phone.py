"""The simulated phone against other phones and scripted peers, over real sockets on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ringdove.demo.incoming import BUSY, Answer, Behaviour, IncomingLine, LetRing, Refuse
from ringdove.demo.lamp import SUMMARY, Lamp, lamp_of
from ringdove.demo.line import Ending, State
from ringdove.demo.phone import Account, Phone, RegistrationRefused, Wiring
from ringdove.settings import HostPort
from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.digest import Realm, Verdict
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request
from ringdove.sip.uri import Uri
from support.peer import Peer

PATIENCE = 3.0
NOWHERE = HostPort("127.0.0.1", 9)
NOBODY = NameAddr(Uri("sip", "example.test"))
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


def sdp(port: int, *, formats: str = "8 0", direction: str = "sendrecv", version: int = 1) -> str:
    return (
        f"v=0\no=- 1 {version} IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=audio {port} RTP/AVP {formats}\na={direction}\n"
    )


@asynccontextmanager
async def phone(
    server: HostPort = NOWHERE, behaviour: Behaviour | None = None, *, pitch: int = 400
) -> AsyncIterator[Phone]:
    made = Phone(Account("2001", "Alice Archer", "alice", "a-long-secret"), server, pitch=pitch)
    if behaviour is not None:
        made.behave = lambda _: behaviour
    await made.start()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def two(behaviour: Behaviour) -> AsyncIterator[tuple[Phone, Phone]]:
    """A caller, and the phone that it takes for its server."""
    async with (
        phone(behaviour=behaviour) as callee,
        phone(HostPort(callee.hop.local_host, callee.hop.local_port), pitch=600) as a,
    ):
        yield a, callee


@asynccontextmanager
async def called(behaviour: Behaviour | None = None, **fields: Any) -> AsyncIterator[tuple[Peer, Phone, Request]]:
    """A peer that has called a phone, which rings."""
    async with phone(behaviour=behaviour) as callee, await Peer.udp() as peer:
        fields.setdefault("body", sdp(40000).encode())
        fields.setdefault("content_type", "application/sdp" if fields["body"] else "")
        to = callee.hop.local_host, callee.hop.local_port
        invite = peer.request("INVITE", callee.contact, to, **fields)
        await peer.expect("180 INVITE")
        yield peer, callee, invite


def ring_of(callee: Phone) -> IncomingLine:
    (line,) = callee.lines
    assert isinstance(line, IncomingLine)
    return line


def cancel(peer: Peer, invite: Request, *headers: tuple[str, str]) -> None:
    request = Request("CANCEL", invite.uri, invite.headers.copy())
    for name in ("Contact", "Content-Type"):
        request.headers.remove(name)
    request.headers.set("CSeq", f"{invite.cseq.number} CANCEL")
    for name, value in headers:
        request.headers.add(name, value)
    peer.send(request)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - packets arrive at a socket, not at an event
            await asyncio.sleep(0.005)


async def test_an_answered_call_carries_audio_both_ways_and_ends_for_both() -> None:
    async with two(Answer()) as (a, callee):
        call = a.dial("2001")
        assert await asyncio.wait_for(call.settled(), PATIENCE)
        ring = ring_of(callee)
        await until(lambda: len(call.audio.heard) >= 3 and len(ring.audio.heard) >= 3)
        call.hang_up()
        await asyncio.wait_for(ring.over(), PATIENCE)
        assert (call.ending, ring.ending) == (Ending.HUNG_UP, Ending.LEFT)
        assert {packet.body for packet in call.audio.heard} == {callee.voice}
        assert {packet.body for packet in ring.audio.heard} == {a.voice}
        assert a.voice != callee.voice
        assert call.audio.sent >= 3


async def test_audio_is_paced_at_one_packet_each_20_ms() -> None:
    async with two(Answer()) as (a, callee):
        call = a.dial("2001")
        await asyncio.wait_for(call.settled(), PATIENCE)
        began = time.monotonic()
        await until(lambda: call.audio.sent >= 11)
        assert time.monotonic() - began >= 0.18
        assert ring_of(callee).state is State.TALKING


async def test_it_answers_only_after_ringing_as_long_as_told() -> None:
    async with two(Answer(after=0.1)) as (a, callee):
        call = a.dial("2001")
        await asyncio.wait_for(call.settled(), PATIENCE)
        ring = ring_of(callee)
        assert ring.answered_at is not None
        assert ring.answered_at - ring.began_at >= 0.1


@pytest.mark.parametrize("status", [BUSY, 603])
async def test_it_refuses_with_the_status_it_was_told(status: int) -> None:
    async with two(Refuse(status)) as (a, callee):
        call = a.dial("2001")
        assert not await asyncio.wait_for(call.settled(), PATIENCE)
        assert (call.ending, call.status) == (Ending.REJECTED, status)
        assert (ring_of(callee).ending, ring_of(callee).status) == (Ending.REFUSED, status)


async def test_a_caller_that_gives_up_ends_the_ringing() -> None:
    async with two(LetRing()) as (a, callee):
        call = a.dial("2001")
        await until(lambda: call.state is State.HEARS_RINGBACK)
        call.hang_up()
        await asyncio.wait_for(call.over(), PATIENCE)
        assert (call.ending, call.status) == (Ending.GAVE_UP, 487)
        assert (ring_of(callee).ending, ring_of(callee).reason) == (Ending.CANCELLED, "")


async def test_it_notes_the_reason_of_a_cancel_and_the_ringtone() -> None:
    headers = [("Alert-Info", "<http://127.0.0.1>;info=ring-group-support")]
    async with called(headers=headers) as (peer, callee, invite):
        cancel(peer, invite, ("Reason", ELSEWHERE))
        await peer.expect("200 CANCEL")
        await peer.expect("487 INVITE")
        ring = ring_of(callee)
        assert (ring.ringtone, ring.ending, ring.reason) == ("ring-group-support", Ending.CANCELLED, ELSEWHERE)


async def test_hold_by_reinvite_is_mirrored_and_silences_it() -> None:
    async with called(Answer()) as (peer, callee, invite):
        response = await peer.expect("200 INVITE")
        peer.ack(invite, response)
        ring = ring_of(callee)
        await until(lambda: ring.audio.sent > 0)
        dialog = Dialog.as_uac(invite, response)
        for version, said, answered in ((2, "sendonly", b"a=recvonly"), (3, "sendrecv", b"a=sendrecv")):
            body = sdp(40000, direction=said, version=version).encode()
            peer.send(peer.stamp(dialog.request("INVITE", body=body, content_type="application/sdp")))
            response = await peer.expect("200 INVITE")
            peer.send(peer.stamp(dialog.ack(response.cseq.number)))
            assert answered in response.body
            assert ring.audio.talks == (said == "sendrecv")


async def test_who_is_held_falls_silent_until_the_talk_goes_on() -> None:
    async with two(Answer()) as (a, callee):
        call = a.dial("2001")
        await asyncio.wait_for(call.settled(), PATIENCE)
        ring = ring_of(callee)
        call.hold()
        await until(lambda: call.state is State.HOLDING)
        assert (call.audio.talks, ring.audio.talks) == (True, False)
        call.resume()
        await until(lambda: call.state is State.TALKING)
        assert (call.audio.talks, ring.audio.talks) == (True, True)
        assert call.held_at is not None
        assert call.resumed_at is not None
        assert call.held_at < call.resumed_at


async def test_who_holds_can_hang_up() -> None:
    async with two(Answer()) as (a, callee):
        call = a.dial("2001")
        await asyncio.wait_for(call.settled(), PATIENCE)
        call.hold()
        await until(lambda: call.state is State.HOLDING)
        call.hang_up()
        await asyncio.wait_for(ring_of(callee).over(), PATIENCE)
        assert (call.ending, ring_of(callee).ending) == (Ending.HUNG_UP, Ending.LEFT)


async def test_a_hold_that_is_refused_changes_nothing() -> None:
    async with called(Answer()) as (peer, callee, invite):
        peer.ack(invite, await peer.expect("200 INVITE"))
        ring = ring_of(callee)
        ring.hold()
        hold = await peer.expect("INVITE")
        assert b"a=sendonly" in hold.body
        peer.reply(hold, 491)
        await peer.expect("ACK")
        assert (ring.state, ring.held_at) == (State.TALKING, None)
        assert ring.audio.talks


async def test_it_can_hold_and_go_on_by_update() -> None:
    async with called(Answer()) as (peer, callee, invite):
        peer.ack(invite, await peer.expect("200 INVITE"))
        ring = ring_of(callee)
        await until(lambda: ring.acknowledged_at is not None)
        for act, said, heard, state in (
            (ring.hold, b"a=sendonly", "recvonly", State.HOLDING),
            (ring.resume, b"a=sendrecv", "sendrecv", State.TALKING),
        ):
            act("UPDATE")
            update = await peer.expect("UPDATE")
            assert said in update.body
            peer.reply(update, 200, sdp=sdp(40000, formats="0", direction=heard))
            await until(lambda state=state: ring.state is state)  # type: ignore[misc]
        assert peer.count("ACK") == 0


async def test_who_hangs_up_at_once_waits_for_the_ack() -> None:
    async with called(Answer()) as (peer, callee, invite):
        response = await peer.expect("200 INVITE")
        ring_of(callee).hang_up()
        await peer.expect_none("BYE", within=0.05)
        peer.ack(invite, response)
        await peer.expect("BYE")
        assert ring_of(callee).ending is Ending.HUNG_UP


async def test_a_phone_that_vanishes_says_nothing() -> None:
    async with called(Answer()) as (peer, callee, invite):
        peer.ack(invite, await peer.expect("200 INVITE"))
        await callee.vanish()
        assert ring_of(callee).ending is Ending.LOST
        await peer.expect_none("BYE", within=0.05)


async def test_early_media_is_listened_to_and_answered() -> None:
    async with await Peer.udp() as server, phone(HostPort(*server.address)) as made:
        call = made.dial("6300")
        invite = await server.expect("INVITE")
        server.reply(invite, 183, sdp=sdp(40000))
        await until(lambda: call.state is State.LISTENS)
        assert call.audio.talks
        assert call.answered_at is None


async def test_an_invite_without_an_offer_gets_one_and_the_ack_answers_it() -> None:
    async with called(Answer(), body=b"") as (peer, callee, invite):
        response = await peer.expect("200 INVITE")
        assert b"m=audio" in response.body
        ring = ring_of(callee)
        assert ring.audio.sent == 0
        ack = Dialog.as_uac(invite, response).ack(
            invite.cseq.number, body=sdp(40000, formats="0").encode(), content_type="application/sdp"
        )
        peer.send(peer.stamp(ack))
        await until(lambda: ring.audio.sent > 0)


async def test_an_offer_without_its_codec_is_refused() -> None:
    async with called(Answer(), body=sdp(40000, formats="9").encode()) as (peer, callee, _):
        await peer.expect("488 INVITE")
        assert ring_of(callee).ending is Ending.REFUSED


async def test_it_answers_keep_alive() -> None:
    async with phone() as callee, await Peer.udp() as peer:
        peer.request("OPTIONS", callee.contact, (callee.hop.local_host, callee.hop.local_port))
        await peer.expect("200 OPTIONS")


def told(event: str, content_type: str, body: str) -> dict[str, Any]:
    """The fields of a NOTIFY that nobody has subscribed to."""
    headers = [("Event", event), ("Subscription-State", "terminated")]
    return {"headers": headers, "content_type": content_type, "body": body.encode()}


async def test_its_lamp_shows_what_it_is_told_of_messages() -> None:
    async with phone() as callee, await Peer.udp() as peer:
        shown: list[Lamp | None] = []
        callee.on_lamp = lambda phone: shown.append(phone.lamp)
        to = callee.hop.local_host, callee.hop.local_port
        for waiting, counts in (("yes", "2/8"), ("no", "0/10")):
            body = f"Messages-Waiting: {waiting}\r\nMessage-Account: sip:*2@h\r\nVoice-Message: {counts} (0/0)\r\n"
            peer.request("NOTIFY", callee.contact, to, **told("message-summary", SUMMARY, body))
            await peer.expect("200 NOTIFY")
        assert [(lamp.lit, lamp.new, lamp.old) for lamp in shown if lamp] == [(True, 2, 8), (False, 0, 10)]
        assert callee.lamp is shown[-1]


async def test_it_wants_to_be_told_of_nothing_else() -> None:
    async with phone() as callee, await Peer.udp() as peer:
        to = callee.hop.local_host, callee.hop.local_port
        peer.request("NOTIFY", callee.contact, to, **told("dialog", "application/dialog-info+xml", "<dialog-info/>"))
        await peer.expect("489 NOTIFY")
        assert callee.lamp is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Messages-Waiting: yes", (True, 0, 0)),
        ("messages-waiting : YES\nvoice-message:3/1\n", (True, 3, 1)),
        ("Voice-Message: 3/1 (0/0)\r\n", None),
        ("Messages-Waiting: maybe\r\n", None),
        ("\udcff", None),
    ],
)
def test_a_lamp_needs_only_be_told_whether_messages_wait(body: str, told: tuple[bool, int, int] | None) -> None:
    octets = body.encode("utf-8", "surrogateescape")
    notify = new_request("NOTIFY", Uri.parse("sip:a@h"), from_=NOBODY, body=octets, content_type=SUMMARY)
    lamp = lamp_of(notify)
    assert (lamp and (lamp.lit, lamp.new, lamp.old)) == told


async def test_who_says_nothing_sends_silence() -> None:
    async with two(Answer()) as (a, callee):
        call = a.dial("2001")
        call.audio.hush()
        await asyncio.wait_for(call.settled(), PATIENCE)
        ring = ring_of(callee)
        await until(lambda: len(ring.audio.heard) >= 3)
        call.audio.speak()
        await until(lambda: ring.audio.heard[-1].body == a.voice)
        said = [packet.body for packet in ring.audio.heard]
        assert said.index(a.voice) >= 3
        assert set(said) == {b"\xff" * 160, a.voice}


async def test_it_registers_with_the_password_that_it_is_asked_for() -> None:
    async with await Peer.udp() as server, phone(HostPort(*server.address)) as made:
        registering = asyncio.create_task(made.register(expires=60))
        realm = Realm("test")
        first = await server.expect("REGISTER")
        server.reply(first, 401, headers=[("WWW-Authenticate", c) for c in realm.challenges("127.0.0.1", 0.0)])
        second = await server.expect("REGISTER")
        credentials = realm.credentials(second.headers.get_all("Authorization"))
        assert credentials is not None
        assert realm.verify(credentials, "a-long-secret", second, "127.0.0.1", 1.0) is Verdict.GRANTED
        assert second.cseq.number > first.cseq.number
        assert second.call_id == first.call_id
        assert second.headers.get("Expires") == "60"
        server.reply(second, 200)
        await asyncio.wait_for(registering, PATIENCE)


async def test_over_tcp_it_says_which_phone_it_is() -> None:
    wiring, instance = Wiring("tcp"), "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    async with await Peer.tcp_listener() as server:
        account = Account("2001", "Alice Archer", "alice", "a-long-secret")
        made = Phone(account, HostPort(*server.address), wiring=wiring, instance=instance)
        await made.start()
        registering = asyncio.create_task(made.register())
        register = await server.expect("REGISTER")
        assert register.via.transport == "TCP"
        assert register.headers.get_all("Contact") == [f'<{made.contact}>;+sip.instance="<{instance}>";reg-id=1']
        server.reply(register, 200)
        await asyncio.wait_for(registering, PATIENCE)
        await made.close()


async def test_a_registration_refused_is_an_error() -> None:
    async with await Peer.udp() as server, phone(HostPort(*server.address)) as made:
        registering = asyncio.create_task(made.register())
        server.reply(await server.expect("REGISTER"), 403)
        with pytest.raises(RegistrationRefused, match="403"):
            await asyncio.wait_for(registering, PATIENCE)
