"""What comes to the endpoint over UDP: transactions, dialogs and handlers as the rooms above see them."""

import asyncio

import pytest
import structlog

from ringdove.net import udp
from ringdove.net.endpoint import Direction, IncomingRequest
from ringdove.net.passage import Passage
from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import parse
from ringdove.sip.uri import Uri
from support.peer import Peer
from wire.endpoint.desk import FAST, US, Desk, Porter


class TestIncoming:
    async def test_a_request_is_handed_up_once_and_its_answer_repeated_octet_for_octet(
        self, desk: Desk, phone: Peer
    ) -> None:
        request = phone.request("OPTIONS", desk.uri(), desk.address)
        incoming = await desk.asked()
        assert incoming.source == desk.hop(phone)
        incoming.reply(200, headers=[("Allow", "INVITE")])
        first = await phone.expect_received("200 OPTIONS")
        phone.send(request, desk.address)
        again = await phone.expect_received("200 OPTIONS")
        assert first.data == again.data
        assert desk.requests.empty()
        assert first.message.to.tag == incoming.local_tag
        assert first.message.headers.get("Allow") == "INVITE"

    async def test_the_via_says_where_it_came_from(self, desk: Desk, phone: Peer) -> None:
        phone.request("OPTIONS", desk.uri(), desk.address)
        incoming = await desk.asked()
        assert incoming.request.via.param("rport") == str(phone.port)
        assert incoming.request.via.param("received") == phone.host

    async def test_an_INVITE_gets_100_by_itself_and_its_2xx_is_repeated_until_the_ACK(
        self, desk: Desk, phone: Peer
    ) -> None:
        invite = phone.request("INVITE", desk.uri(), desk.address)
        incoming = await desk.asked()
        acks: asyncio.Queue[Request] = asyncio.Queue()
        incoming.on_ack = acks.put_nowait
        await phone.expect("100 INVITE")
        dialog = Dialog.as_uas(incoming.request, incoming.local_tag, desk.endpoint.contact(incoming.source))
        incoming.respond(dialog.respond(incoming.request, 180))
        incoming.respond(dialog.respond(incoming.request, 200))
        assert incoming.answered
        ok = None
        for _ in range(3):
            ok = await phone.expect("200 INVITE")
        assert ok is not None
        phone.ack(invite, ok, desk.address)
        phone.ack(invite, ok, desk.address)
        ack = await asyncio.wait_for(acks.get(), 2)
        assert ack.cseq.number == invite.cseq.number
        await phone.expect_none("200 INVITE", within=3 * FAST.t2)
        assert acks.empty()

    async def test_without_an_ACK_the_owner_of_the_call_is_told(self, desk: Desk, phone: Peer) -> None:
        phone.request("INVITE", desk.uri(), desk.address)
        incoming = await desk.asked()
        given_up = asyncio.Event()
        incoming.on_no_ack = given_up.set
        incoming.reply(200)
        await asyncio.wait_for(given_up.wait(), 64 * FAST.t1 + 2)

    async def test_what_comes_after_the_final_response_is_ignored(self, desk: Desk, phone: Peer) -> None:
        phone.request("INVITE", desk.uri(), desk.address)
        incoming = await desk.asked()
        incoming.reply(486)
        incoming.reply(200)
        incoming.reply(180)
        await phone.expect("486 INVITE")
        assert phone.count("2xx") + phone.count("180") == 0

    async def test_CANCEL_is_answered_and_goes_to_its_INVITE(self, desk: Desk, phone: Peer) -> None:
        invite = phone.request("INVITE", desk.uri(), desk.address)
        incoming = await desk.asked()
        cancels: list[Request | None] = []

        def on_cancel(cancel: Request | None) -> None:
            cancels.append(cancel)
            incoming.reply(487)

        incoming.on_cancel = on_cancel
        incoming.reply(180)
        await phone.expect("180")
        cancel = _cancel(invite, ("Reason", "SIP;cause=200"))
        phone.send(cancel, desk.address)
        phone.send(cancel, desk.address)
        assert (await phone.expect("200 CANCEL")).to.tag == incoming.local_tag
        phone.ack(invite, await phone.expect("487 INVITE"), desk.address)
        await phone.expect("200 CANCEL")
        assert [c and c.headers.get("Reason") for c in cancels] == ["SIP;cause=200"]

    async def test_where_nobody_minds_the_CANCEL_the_INVITE_still_gets_its_487(self, desk: Desk, phone: Peer) -> None:
        invite = phone.request("INVITE", desk.uri(), desk.address)
        await desk.asked()
        phone.send(_cancel(invite), desk.address)
        await phone.expect("200 CANCEL")
        await phone.expect("487 INVITE")

    async def test_8_2_7_of_a_request_that_is_answered_at_the_door_nothing_is_kept(
        self, desk: Desk, phone: Peer
    ) -> None:
        desk.endpoint.door = door = Porter()
        invite = phone.request("INVITE", desk.uri(), desk.address)
        first = await phone.expect_received("401 INVITE")
        phone.send(invite, desk.address)
        again = await phone.expect_received("401 INVITE")
        assert first.data == again.data
        assert isinstance(again.message, Response)
        phone.ack(invite, again.message, desk.address)
        phone.send(_cancel(invite), desk.address)
        await phone.expect("481 CANCEL")
        assert desk.requests.empty()
        assert desk.endpoint.transactions() == {"client": 0, "server": 0}
        door.status = None
        phone.send(invite, desk.address)
        assert (await desk.asked()).request.call_id == invite.call_id

    async def test_a_datagram_that_the_door_does_not_admit_is_not_even_parsed(
        self, desk: Desk, phone: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parsed: list[bytes] = []

        def spied(data: bytes) -> Request | Response:
            parsed.append(data)
            return parse(data)

        monkeypatch.setattr(udp, "parse", spied)
        desk.endpoint.door = Porter(status=None, unwelcome={desk.hop(phone)})
        phone.request("OPTIONS", desk.uri(), desk.address)
        async with await Peer.udp() as other:
            other.request("OPTIONS", desk.uri(), desk.address)
            assert (await desk.asked()).source == desk.hop(other)
        assert len(parsed) == 1

    async def test_8_2_2_2_a_copy_over_another_path_gets_482(self, desk: Desk, phone: Peer) -> None:
        request = phone.request("INVITE", desk.uri(), desk.address)
        await desk.asked()
        copy = Request("INVITE", request.uri, request.headers.copy())
        copy.headers.remove("Via")
        phone.stamp(copy)
        tags = set()
        for _ in range(2):
            phone.send(copy, desk.address)
            tags.add((await phone.expect("482 INVITE")).to.tag)
        assert len(tags) == 1


class TestDialogs:
    async def test_requests_in_a_dialog_go_to_its_handler_until_it_is_detached(self, desk: Desk, phone: Peer) -> None:
        invite = phone.request("INVITE", desk.uri(), desk.address)
        incoming = await desk.asked()
        dialog = Dialog.as_uas(incoming.request, incoming.local_tag, desk.endpoint.contact(incoming.source))
        desk.endpoint.attach(dialog.id, lambda within: within.respond(dialog.respond(within.request, 200)))
        incoming.respond(dialog.respond(incoming.request, 200))
        ok = await phone.expect("200 INVITE")
        phone.ack(invite, ok, desk.address)
        theirs = Dialog.as_uac(invite, ok)
        phone.send(phone.stamp(theirs.request("INFO")), desk.address)
        await phone.expect("200 INFO")
        desk.endpoint.detach(dialog.id)
        phone.send(phone.stamp(theirs.request("BYE")), desk.address)
        await phone.expect("481 BYE")
        assert desk.requests.empty()

    async def test_a_REGISTER_is_in_no_dialog_whatever_its_To_says(self, desk: Desk, phone: Peer) -> None:
        old = NameAddr(Uri.parse("sip:bob@example.test"), params=(("tag", "of-the-last-answer"),))
        phone.request("REGISTER", desk.uri(), desk.address, to=old)
        (await desk.asked()).reply(200)
        await phone.expect("200 REGISTER")

    async def test_requests_in_unknown_dialogs_get_481_and_ACKs_nothing(self, desk: Desk, phone: Peer) -> None:
        lost = NameAddr(Uri.parse("sip:pbx@example.test"), params=(("tag", "long-gone"),))
        phone.request("ACK", desk.uri(), desk.address, to=lost)
        phone.request("BYE", desk.uri(), desk.address, to=lost)
        await phone.expect("481 BYE")
        assert len(phone.log) == 1


class TestHostileInput:
    async def test_a_bad_request_is_refused_without_keeping_anything(self, desk: Desk, phone: Peer) -> None:
        bad = new_request("OPTIONS", Uri.parse(desk.uri()), from_=US, headers=[("Require", "time-travel")])
        phone.stamp(bad)
        answers = []
        for _ in range(2):
            phone.send(bad, desk.address)
            answers.append(await phone.expect_received("420"))
        assert answers[0].data == answers[1].data
        assert answers[0].message.headers.get("Unsupported") == "time-travel"
        assert desk.requests.empty()

    async def test_noise_is_counted_and_keep_alives_are_not(self, desk: Desk, phone: Peer) -> None:
        for noise in (b"\r\n\r\n", b"\0\0\0\0", b"", b"\xff\xfe", b"GET / HTTP/1.1\r\n\r\n", b"INVITE"):
            phone.send(noise, desk.address)
        phone.request("OPTIONS", desk.uri(), desk.address)
        (await desk.asked()).reply(200)
        await phone.expect("200")
        assert desk.endpoint.dropped == {"malformed": 3}

    async def test_a_request_that_is_no_message_is_answered_and_not_kept(self, desk: Desk, phone: Peer) -> None:
        request = phone.stamp(new_request("OPTIONS", Uri.parse(desk.uri()), from_=US)).to_bytes()
        for _ in range(2):
            phone.send(request.replace(b"\r\n\r\n", b"\r\nno colon\r\n\r\n"), desk.address)
        answers = [await phone.expect_received("400 OPTIONS") for _ in range(2)]
        assert answers[0].data == answers[1].data
        assert isinstance(answers[0].message, Response)
        assert answers[0].message.reason == "Bad Request (header: a line without a colon)"
        phone.send(request.replace(b"OPTIONS", b"ACK").replace(b"\r\n\r\n", b"\r\nno colon\r\n\r\n"), desk.address)
        phone.request("OPTIONS", desk.uri(), desk.address)
        (await desk.asked()).reply(200)
        await phone.expect("200")
        assert len(phone.log) == 3

    async def test_a_response_to_nothing_is_dropped(self, desk: Desk, phone: Peer) -> None:
        stray = phone.stamp(new_request("INVITE", Uri.parse(desk.uri()), from_=US))
        phone.reply(stray, 200, address=desk.address)
        phone.request("OPTIONS", desk.uri(), desk.address)
        (await desk.asked()).reply(200)
        await phone.expect("200 OPTIONS")
        assert phone.count("ACK") == 0

    async def test_a_handler_that_raises_is_logged_once_and_its_request_answered_500(
        self, desk: Desk, phone: Peer
    ) -> None:
        def fail(incoming: IncomingRequest) -> None:
            raise RuntimeError("broken")

        desk.endpoint.on_request = fail
        with structlog.testing.capture_logs() as logs:
            phone.request("OPTIONS", desk.uri(), desk.address)
            await phone.expect("500")
        assert [entry["event"] for entry in logs] == ["handler_failed"]
        desk.endpoint.on_request = lambda incoming: incoming.reply(200)
        phone.request("OPTIONS", desk.uri(), desk.address)
        await phone.expect("200")

    async def test_before_anybody_takes_requests_they_get_503(self, desk: Desk, phone: Peer) -> None:
        desk.endpoint.on_request = None
        phone.request("OPTIONS", desk.uri(), desk.address)
        await phone.expect("503")


def fails(_: Passage) -> None:
    raise RuntimeError


async def test_observers_see_every_message_both_ways_and_one_that_fails_disturbs_nobody(
    desk: Desk, phone: Peer
) -> None:
    seen: list[Passage] = []
    desk.endpoint.observers += [fails, seen.append]
    phone.request("OPTIONS", desk.uri(), desk.address)
    (await desk.asked()).reply(200)
    await phone.expect("200")
    assert [(passage.direction, repr(passage.message)) for passage in seen] == [
        (Direction.IN, f"<Request OPTIONS {desk.uri()}>"),
        (Direction.OUT, "<Response 200 OK>"),
    ]
    assert all(passage.hop == desk.hop(phone) for passage in seen)
    assert [passage.data.split(b" ")[0] for passage in seen] == [b"OPTIONS", b"SIP/2.0"]


def _cancel(invite: Request, *fields: tuple[str, str]) -> Request:
    cancel = Request("CANCEL", invite.uri, invite.headers.copy())
    cancel.headers.set("CSeq", f"{invite.cseq.number} CANCEL")
    for name, value in fields:
        cancel.headers.add(name, value)
    return cancel
