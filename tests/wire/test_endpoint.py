"""The endpoint over UDP on loopback: transactions, dialogs and handlers as the rooms above see them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
import uvloop

from ringdove.net import udp
from ringdove.net.endpoint import Direction, Endpoint, Failure, Hop, IncomingRequest, OutgoingRequest, Timers
from ringdove.net.passage import Passage
from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import parse
from ringdove.sip.uri import Uri
from support.peer import Peer

FAST = Timers(t1=0.02, t2=0.08, t4=0.05, trying=0.01)
US = NameAddr(Uri.parse("sip:pbx@example.test"))


class Desk:
    """An endpoint with one UDP listener, what it was asked, and what came back."""

    def __init__(self, endpoint: Endpoint, address: tuple[str, int]) -> None:
        self.endpoint = endpoint
        self.address = address
        self.requests: asyncio.Queue[IncomingRequest] = asyncio.Queue()
        self.results: asyncio.Queue[Response | Failure] = asyncio.Queue()
        endpoint.on_request = self.requests.put_nowait

    @classmethod
    async def open(cls, **settings: Any) -> "Desk":
        endpoint = Endpoint(**({"timers": FAST} | settings))
        return cls(endpoint, await endpoint.listen("udp", "127.0.0.1", 0))

    def uri(self) -> str:
        return f"sip:pbx@{self.address[0]}:{self.address[1]}"

    def hop(self, peer: Peer) -> Hop:
        return Hop("udp", peer.host, peer.port, *self.address)

    def send(self, method: str, peer: Peer) -> OutgoingRequest:
        request = new_request(method, peer.uri, from_=US, contact=self.endpoint.contact(self.hop(peer), "pbx"))
        put = self.results.put_nowait
        return self.endpoint.send_request(request, self.hop(peer), on_response=put, on_failure=put)

    async def asked(self) -> IncomingRequest:
        return await asyncio.wait_for(self.requests.get(), 2)

    async def result(self) -> Response | Failure:
        return await asyncio.wait_for(self.results.get(), 2)

    async def status(self) -> int:
        result = await self.result()
        return result.status


@dataclass
class Porter:
    """A door that answers all in the same way, or with None lets them in, but does not hear some."""

    status: int | None = 401
    unwelcome: set[Hop] = field(default_factory=set)

    def admits(self, source: Hop) -> bool:
        return source not in self.unwelcome

    def trusts(self, source: Hop) -> bool:
        return False

    def strange(self, source: Hop, cost: float = 1.0) -> None:
        pass

    def answer(self, request: Request, source: Hop) -> Response | None:
        return None if self.status is None else request.reply(self.status, to_tag="door")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = await Desk.open()
    yield desk
    await desk.endpoint.close()


@pytest.fixture
async def phone() -> AsyncIterator[Peer]:
    async with await Peer.udp(user="bob") as peer:
        yield peer


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


class TestOutgoing:
    async def test_R11_a_request_leaves_in_the_same_turn_of_the_loop(self, desk: Desk) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            host, port = sock.getsockname()
            hop = Hop("udp", host, port, *desk.address)
            request = new_request("INVITE", Uri("sip", "127.0.0.1"), from_=US)
            put = desk.results.put_nowait
            desk.endpoint.send_request(request, hop, on_response=put, on_failure=put)
            assert sock.recv(65535).startswith(b"INVITE sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:")
        assert "Via" not in request.headers

    async def test_lost_packets_are_sent_again(self, desk: Desk, phone: Peer) -> None:
        phone.lose("INVITE", 2)
        desk.send("INVITE", phone)
        phone.reply(await phone.expect("INVITE"), 486)
        assert await desk.status() == 486
        await phone.expect("ACK")
        assert phone.count("INVITE") >= 3

    async def test_a_lost_ACK_is_sent_again_and_the_repeated_answer_goes_no_further(
        self, desk: Desk, phone: Peer
    ) -> None:
        outgoing = desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        phone.lose("ACK")
        phone.reply(invite, 200)
        ok = await desk.result()
        assert isinstance(ok, Response)
        ack = Dialog.as_uac(outgoing.request, ok).ack(ok.cseq.number)
        desk.endpoint.send_ack(ack, outgoing.hop)
        phone.reply(invite, 200)
        assert (await phone.expect("ACK")).via.branch != outgoing.request.via.branch
        assert phone.count("ACK") == 2
        assert desk.results.empty()

    async def test_R4_a_200_that_crosses_the_CANCEL_reaches_the_owner(self, desk: Desk, phone: Peer) -> None:
        outgoing = desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        phone.reply(invite, 180)
        assert await desk.status() == 180
        outgoing.cancel([("Reason", "SIP;cause=200")])
        phone.reply(invite, 200)
        assert await desk.status() == 200
        cancel = await phone.expect("CANCEL")
        assert cancel.headers.get("Reason") == "SIP;cause=200"
        assert cancel.via.branch == invite.via.branch
        phone.reply(cancel, 481)
        await phone.expect_none("CANCEL", within=3 * FAST.t1)
        assert desk.results.empty()

    async def test_a_CANCEL_waits_for_a_phone_that_has_said_nothing_yet(self, desk: Desk, phone: Peer) -> None:
        outgoing = desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        outgoing.cancel()
        await phone.expect("INVITE")  # repeated meanwhile
        assert phone.count("CANCEL") == 0
        phone.reply(invite, 100)
        phone.reply(await phone.expect("CANCEL"), 200)
        phone.reply(invite, 487)
        await phone.expect("ACK")
        assert [await desk.status(), await desk.status()] == [100, 487]

    async def test_two_forked_answers_both_come_up(self, desk: Desk, phone: Peer) -> None:
        desk.send("INVITE", phone)
        invite = await phone.expect("INVITE")
        phone.reply(invite, 200, tag="one")
        phone.reply(invite, 200, tag="two")
        results = [await desk.result(), await desk.result()]
        assert {result.to.tag for result in results if isinstance(result, Response)} == {"one", "two"}

    async def test_a_datagram_too_long_to_send_is_lost_alone(self, desk: Desk, phone: Peer) -> None:
        desk.send("OPTIONS", phone)
        huge = new_request("INFO", phone.uri, from_=US, body=b"x" * 70_000, content_type="text/plain")
        put = desk.results.put_nowait
        desk.endpoint.send_request(huge, desk.hop(phone), on_response=put, on_failure=put)
        phone.reply(await phone.expect("OPTIONS"), 200)
        assert await desk.status() == 200
        assert await desk.result() is Failure.TIMEOUT

    async def test_silence_ends_in_a_timeout(self, desk: Desk, phone: Peer) -> None:
        desk.send("OPTIONS", phone)
        assert await desk.result() is Failure.TIMEOUT
        assert phone.count("OPTIONS") > 5

    async def test_a_response_from_a_broken_phone_is_dropped(self, desk: Desk, phone: Peer) -> None:
        desk.send("OPTIONS", phone)
        options = await phone.expect("OPTIONS")
        broken = options.reply(200, to_tag="x")
        broken.headers.remove("CSeq")
        phone.send(broken)
        phone.reply(options, 200)
        assert await desk.status() == 200
        assert desk.endpoint.dropped == {"response": 1}


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux tells who refused a datagram")
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_an_unplugged_phone_on_this_host_fails_at_once_and_disturbs_nobody(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        desk = await Desk.open(timers=Timers())
        gone = await Peer.udp()
        await gone.close()
        async with await Peer.udp() as phone:
            for _ in range(3):  # the refusal of one datagram must not cost the next, to somebody else
                desk.send("INVITE", gone)
                outgoing = desk.send("INVITE", phone)
                assert await desk.result() is Failure.TRANSPORT
                invite = await phone.expect("INVITE")
                assert invite.via.branch == outgoing.request.via.branch
            phone.reply(invite, 486)
            assert await desk.status() == 486
        await desk.endpoint.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


class TestAddresses:
    async def test_the_advertised_host_stands_in_Via_and_Contact(self, phone: Peer) -> None:
        desk = await Desk.open(advertise="pbx.example.test")
        outgoing = desk.send("OPTIONS", phone)
        via = outgoing.request.via
        assert (via.host, via.port, via.param("rport")) == ("pbx.example.test", desk.address[1], "")
        assert str(desk.endpoint.contact(outgoing.hop, "6300")) == f"sip:6300@pbx.example.test:{desk.address[1]}"
        await desk.endpoint.close()

    async def test_an_advertised_address_is_told_to_peers_of_its_version_only(self) -> None:
        endpoint = Endpoint(advertise="192.0.2.9")
        host, port = await endpoint.listen("udp", "::", 0)
        assert endpoint.contact(Hop("udp", "127.0.0.1", 5060, "0.0.0.0", port)).host == "192.0.2.9"
        assert endpoint.contact(Hop("udp", "::1", 5060, host, port)).host == "[::1]"
        await endpoint.close()

    async def test_a_listener_on_all_addresses_shows_the_one_that_leads_to_the_peer(self, phone: Peer) -> None:
        endpoint = Endpoint()
        host, port = await endpoint.listen("udp", "0.0.0.0", 0)
        assert str(endpoint.contact(Hop("udp", phone.host, phone.port, host, port))) == f"sip:127.0.0.1:{port}"
        await endpoint.close()

    async def test_a_flow_over_a_listener_of_an_earlier_run_uses_the_present_one(self, desk: Desk, phone: Peer) -> None:
        hop = Hop("udp", phone.host, phone.port, "127.0.0.9", 1)
        request = new_request("OPTIONS", phone.uri, from_=US)
        put = desk.results.put_nowait
        desk.endpoint.send_request(request, hop, on_response=put, on_failure=put)
        options = await phone.expect("OPTIONS")
        assert options.via.port == desk.address[1]

    async def test_without_any_listener_of_its_kind_a_request_fails(self, desk: Desk) -> None:
        request = new_request("OPTIONS", Uri("sip", "127.0.0.1"), from_=US)
        put = desk.results.put_nowait
        desk.endpoint.send_request(request, Hop("tcp", "127.0.0.1", 9, "x", 1), on_response=put, on_failure=put)
        assert desk.results.empty()  # never from within the call
        assert await desk.result() is Failure.TRANSPORT

    async def test_a_URI_leads_to_a_hop_over_a_listener_that_fits(self, desk: Desk) -> None:
        assert await desk.endpoint.resolve(Uri.parse("sip:x@127.0.0.1:5099")) == Hop(
            "udp", "127.0.0.1", 5099, *desk.address
        )
        for unreachable in ("sip:x@[::1]", "sip:x@127.0.0.1;transport=tcp", "tel:123"):
            with pytest.raises(OSError, match=r".+"):
                await desk.endpoint.resolve(Uri.parse(unreachable))


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


async def test_a_closed_endpoint_calls_nobody_back(phone: Peer) -> None:
    desk = await Desk.open()
    desk.send("INVITE", phone)
    invite = await phone.expect("INVITE")
    await desk.endpoint.close()
    phone.reply(invite, 200)
    await asyncio.sleep(2 * FAST.t1)
    assert desk.results.empty()


def _cancel(invite: Request, *fields: tuple[str, str]) -> Request:
    cancel = Request("CANCEL", invite.uri, invite.headers.copy())
    cancel.headers.set("CSeq", f"{invite.cseq.number} CANCEL")
    for name, value in fields:
        cancel.headers.add(name, value)
    return cancel
