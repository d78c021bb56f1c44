"""The endpoint over TCP on loopback: connections used both ways, opened on demand, bounded, and missed when they go."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from ringdove.net.endpoint import Endpoint, Failure, Hop, IncomingRequest, Timers
from ringdove.net.tcp import TcpLimits, TcpTransport
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import NoMessage
from ringdove.sip.uri import Uri
from support.peer import Peer

US = NameAddr(Uri.parse("sip:pbx@example.test"))


class Desk:
    """An endpoint with one TCP listener, what it was asked, what came back, which flows closed."""

    def __init__(self, endpoint: Endpoint, address: tuple[str, int]) -> None:
        self.endpoint = endpoint
        self.address = address
        self.requests: asyncio.Queue[IncomingRequest] = asyncio.Queue()
        self.results: asyncio.Queue[Response | Failure] = asyncio.Queue()
        self.closed: asyncio.Queue[Hop] = asyncio.Queue()
        endpoint.on_request = self.requests.put_nowait
        self.deaf = endpoint.on_flow_closed(self.closed.put_nowait)

    def uri(self) -> str:
        return f"sip:pbx@{self.address[0]}:{self.address[1]};transport=tcp"

    def hop(self, peer: Peer) -> Hop:
        return Hop("tcp", peer.host, peer.port, *self.address)

    def send(self, method: str, hop: Hop) -> None:
        request = new_request(method, Uri("sip", hop.remote_host), from_=US, contact=self.endpoint.contact(hop))
        put = self.results.put_nowait
        self.endpoint.send_request(request, hop, on_response=put, on_failure=put)

    async def asked(self) -> IncomingRequest:
        return await asyncio.wait_for(self.requests.get(), 2)

    async def result(self) -> Response | Failure:
        return await asyncio.wait_for(self.results.get(), 2)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    endpoint = Endpoint(timers=Timers(trying=0.02))
    yield Desk(endpoint, await endpoint.listen("tcp", "127.0.0.1", 0))
    await endpoint.close()


@pytest.fixture
async def phone(desk: Desk) -> AsyncIterator[Peer]:
    async with await Peer.tcp(desk.address, user="bob") as peer:
        yield peer


async def test_a_request_is_answered_through_the_connection_it_came_by(desk: Desk, phone: Peer) -> None:
    phone.request("OPTIONS", desk.uri())
    incoming = await desk.asked()
    assert incoming.source == desk.hop(phone)
    incoming.reply(200)
    await phone.expect("200 OPTIONS")


async def test_messages_come_apart_and_together_as_the_stream_has_them(desk: Desk, phone: Peer) -> None:
    requests = [phone.stamp(new_request("OPTIONS", Uri.parse(desk.uri()), from_=US)) for _ in range(3)]
    data = b"".join(request.to_bytes() for request in requests)
    phone.send(data[:200])
    phone.send(data[200:])
    for request in requests:
        (await desk.asked()).reply(200)
        assert (await phone.expect("200")).call_id == request.call_id


async def test_a_phone_behind_NAT_is_called_through_its_own_connection(desk: Desk, phone: Peer) -> None:
    phone.request("REGISTER", desk.uri())
    flow = (await desk.asked()).source
    desk.send("INVITE", flow)
    invite = await phone.expect("INVITE")
    assert (invite.via.transport, invite.via.port) == ("TCP", desk.address[1])
    assert invite.contacts[0].uri.param("transport") == "tcp"
    phone.reply(invite, 486)
    await phone.expect("ACK")
    assert (await desk.result()).status == 486
    assert phone.count("INVITE") == 1


async def test_a_connection_is_opened_on_demand_and_used_for_all_that_waited(desk: Desk) -> None:
    async with await Peer.tcp_listener() as far:
        hop = desk.hop(far)
        for method in ("INVITE", "OPTIONS", "MESSAGE"):
            desk.send(method, hop)
        assert [(await far.expect(m)).method for m in ("INVITE", "OPTIONS", "MESSAGE")] == [
            "INVITE",
            "OPTIONS",
            "MESSAGE",
        ]
        assert len({received.source for received in far.log}) == 1
        far.request("OPTIONS", desk.uri())  # and the far end may use it too
        (await desk.asked()).reply(200)
        await far.expect("200 OPTIONS")


async def test_where_nobody_listens_the_request_fails_at_once(desk: Desk) -> None:
    far = await Peer.tcp_listener()
    await far.close()
    desk.send("INVITE", desk.hop(far))
    assert await desk.result() is Failure.TRANSPORT


async def test_a_closed_flow_fails_what_waits_for_it_and_is_told(desk: Desk, phone: Peer) -> None:
    phone.request("REGISTER", desk.uri())
    flow = (await desk.asked()).source
    desk.send("INVITE", flow)
    phone.reply(await phone.expect("INVITE"), 180)
    assert (await desk.result()).status == 180
    await phone.close()
    assert await desk.result() is Failure.TRANSPORT
    assert await asyncio.wait_for(desk.closed.get(), 2) == flow


async def test_whoever_no_longer_wants_to_know_is_not_told(desk: Desk, phone: Peer) -> None:
    phone.request("OPTIONS", desk.uri())
    flow = (await desk.asked()).source
    desk.deaf()
    others: asyncio.Queue[Hop] = asyncio.Queue()
    desk.endpoint.on_flow_closed(others.put_nowait)
    await phone.close()
    assert await asyncio.wait_for(others.get(), 2) == flow
    assert desk.closed.empty()


async def test_18_2_2_a_response_whose_connection_is_gone_goes_to_the_port_in_the_Via(desk: Desk) -> None:
    async with await Peer.tcp_listener() as far:
        caller = await Peer.tcp(desk.address)
        request = new_request("OPTIONS", Uri.parse(desk.uri()), from_=US)
        request.headers.prepend("Via", f"SIP/2.0/TCP {far.host}:{far.port};branch=z9hG4bKgone")
        caller.send(request)
        incoming = await desk.asked()
        await caller.close()
        await asyncio.wait_for(desk.closed.get(), 2)
        incoming.reply(200)
        await far.expect("200 OPTIONS")


async def test_an_INVITE_whose_connection_is_gone_counts_as_cancelled(desk: Desk, phone: Peer) -> None:
    phone.request("INVITE", desk.uri())
    incoming = await desk.asked()
    cancelled: asyncio.Queue[Request | None] = asyncio.Queue()
    incoming.on_cancel = cancelled.put_nowait
    await phone.close()
    assert await asyncio.wait_for(cancelled.get(), 2) is None
    assert not incoming.answered


async def test_where_nobody_minds_that_its_connection_is_gone_the_INVITE_is_over(desk: Desk, phone: Peer) -> None:
    phone.request("INVITE", desk.uri())
    incoming = await desk.asked()
    await phone.close()
    await asyncio.wait_for(desk.closed.get(), 2)
    assert incoming.answered


async def test_an_answered_INVITE_whose_connection_is_gone_gets_no_ACK(desk: Desk, phone: Peer) -> None:
    phone.request("INVITE", desk.uri())
    incoming = await desk.asked()
    ended = asyncio.Event()
    incoming.on_no_ack = ended.set
    incoming.reply(200)
    await phone.expect("200 INVITE")
    await phone.close()
    await asyncio.wait_for(ended.wait(), 2)


async def test_a_request_whose_connection_is_gone_goes_to_where_its_host_listens(desk: Desk) -> None:
    async with await Peer.tcp_listener() as far:
        phone = await Peer.tcp(desk.address)
        flow = desk.hop(phone)
        phone.request("OPTIONS", desk.uri())
        await desk.asked()
        await phone.close()
        await asyncio.wait_for(desk.closed.get(), 2)
        for routes, target in (([], far.uri), ([f"<{far.uri};lr>"], Uri("sip", "phone.test"))):
            request = new_request("BYE", target, from_=US, routes=routes)
            desk.endpoint.send_request(request, flow, on_response=print, on_failure=print)
            await far.expect("BYE")
        desk.endpoint.send_ack(new_request("ACK", far.uri, from_=US), flow)
        await far.expect("ACK")
        for elsewhere in (Uri("sip", "127.0.0.2", port=far.port), Uri("sip", "phone.test")):
            request = new_request("BYE", elsewhere, from_=US)
            put = desk.results.put_nowait
            desk.endpoint.send_request(request, flow, on_response=put, on_failure=put)
            assert await desk.result() is Failure.TRANSPORT
        request = new_request("BYE", far.uri, from_=US, routes=["<<edge"])
        desk.endpoint.send_request(request, flow, on_response=put, on_failure=put)
        assert await desk.result() is Failure.TRANSPORT


async def test_a_ping_gets_its_pong(desk: Desk, phone: Peer) -> None:
    phone.send(b"\r\n\r\n")
    phone.request("OPTIONS", desk.uri())
    (await desk.asked()).reply(200)
    await phone.expect("200")
    assert phone.raw[0][:2] == b"\r\n"


async def test_noise_closes_the_connection_and_no_other(desk: Desk, phone: Peer) -> None:
    async with await Peer.tcp(desk.address) as noisy:
        noisy.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(noisy.closed.wait(), 2)
    assert desk.endpoint.dropped == {"malformed": 1}
    phone.request("OPTIONS", desk.uri())
    (await desk.asked()).reply(200)
    await phone.expect("200")


async def test_what_cannot_be_framed_is_answered_before_the_connection_is_closed(desk: Desk, phone: Peer) -> None:
    good, bad = (phone.stamp(new_request("OPTIONS", Uri.parse(desk.uri()), from_=US)).to_bytes() for _ in range(2))
    desk.endpoint.on_request = lambda incoming: incoming.reply(200)
    phone.send(good + bad.replace(b"Content-Length: 0", b"Content-Length: -1"))
    await phone.expect("200 OPTIONS")
    assert (await phone.expect("400 OPTIONS")).reason == "Bad Request (Content-Length: does not frame the message)"
    await asyncio.wait_for(phone.closed.wait(), 2)


async def test_a_2xx_is_repeated_over_TCP_too(phone: Peer, desk: Desk) -> None:
    phone.request("INVITE", desk.uri())
    (await desk.asked()).reply(200)
    await phone.expect("200 INVITE")
    await phone.expect("200 INVITE")


class Recorder:
    """A `Receiver` that writes down what it is told."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Request | Response] = asyncio.Queue()
        self.failed: asyncio.Queue[Hop] = asyncio.Queue()
        self.closed: asyncio.Queue[Hop] = asyncio.Queue()

    def received(self, message: Request | Response, source: Hop) -> None:
        self.messages.put_nowait(message)

    def malformed(self, source: Hop, error: NoMessage) -> None:
        raise AssertionError(error)

    def send_failed(self, hop: Hop) -> None:
        self.failed.put_nowait(hop)

    def flow_closed(self, hop: Hop) -> None:
        self.closed.put_nowait(hop)


class TestLimits:
    """What connections may cost; with limits short enough for a test."""

    @staticmethod
    async def listen(**limits: float) -> tuple[TcpTransport, Recorder]:
        recorder = Recorder()
        return await TcpTransport.listen("127.0.0.1", 0, recorder, TcpLimits(**limits)), recorder  # type: ignore[arg-type]

    @pytest.mark.parametrize("begun", [b"", b"OPTIONS sip:x SIP/2.0\r\nVia: "], ids=["silent", "half a message"])
    async def test_a_connection_that_never_says_a_whole_message_is_closed(self, begun: bytes) -> None:
        transport, recorder = await self.listen(silence=0.05)
        async with await Peer.tcp((transport.host, transport.port)) as peer:
            peer.send(begun)
            await asyncio.wait_for(peer.closed.wait(), 2)
            assert (await asyncio.wait_for(recorder.closed.get(), 2)).remote_port == peer.port
        await transport.close()

    async def test_a_message_that_stops_in_the_middle_closes_a_connection_that_was_good_before(self) -> None:
        transport, recorder = await self.listen(silence=0.05)
        async with await Peer.tcp((transport.host, transport.port)) as peer:
            whole = peer.request("OPTIONS", "sip:x@127.0.0.1").to_bytes()
            await asyncio.wait_for(recorder.messages.get(), 2)
            peer.send(whole[:40])
            await asyncio.wait_for(peer.closed.wait(), 2)
        await transport.close()

    async def test_a_lone_line_end_is_a_sign_of_life_not_the_start_of_a_message(self) -> None:
        transport, recorder = await self.listen(silence=0.05)
        async with await Peer.tcp((transport.host, transport.port)) as peer:
            peer.request("OPTIONS", "sip:x@127.0.0.1")
            await asyncio.wait_for(recorder.messages.get(), 2)
            peer.send(b"\r\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peer.closed.wait(), 0.2)
        await transport.close()

    async def test_a_connection_on_which_nothing_more_comes_is_closed_in_the_end(self) -> None:
        transport, recorder = await self.listen(silence=0.02, idle=0.1)
        async with await Peer.tcp((transport.host, transport.port)) as peer:
            peer.request("OPTIONS", "sip:x@127.0.0.1")
            await asyncio.wait_for(recorder.messages.get(), 2)
            await asyncio.wait_for(peer.closed.wait(), 2)
        await transport.close()

    async def test_connections_that_peers_closed_are_remembered_up_to_a_limit(self) -> None:
        transport, recorder = await self.listen(connections=1)
        hops = []
        for _ in range(2):
            async with await Peer.tcp((transport.host, transport.port)) as peer:
                peer.request("OPTIONS", "sip:x@127.0.0.1")
                await asyncio.wait_for(recorder.messages.get(), 2)
                hops.append(Hop("tcp", peer.host, peer.port, transport.host, transport.port))
                assert not transport.is_gone(hops[-1])
            await asyncio.wait_for(recorder.closed.get(), 2)
        assert [transport.is_gone(hop) for hop in hops] == [False, True]
        await transport.close()

    async def test_a_connection_of_our_own_that_is_closed_can_be_opened_again(self) -> None:
        transport, recorder = await self.listen()
        async with await Peer.tcp_listener() as far:
            hop = Hop("tcp", far.host, far.port, transport.host, transport.port)
            transport.send(hop, far.stamp(new_request("OPTIONS", far.uri, from_=US)).to_bytes())
            await far.expect("OPTIONS")
            await far.close()
            assert await asyncio.wait_for(recorder.closed.get(), 2) == hop
            assert not transport.is_gone(hop)
        await transport.close()

    @pytest.mark.parametrize("limit", ["connections", "per_host"])
    async def test_one_connection_too_many_is_closed_and_the_others_stay(self, limit: str) -> None:
        transport, recorder = await self.listen(**{limit: 2})
        address = transport.host, transport.port
        peers = [await Peer.tcp(address) for _ in range(2)]
        for peer in peers:
            peer.request("OPTIONS", "sip:x@127.0.0.1")
            await asyncio.wait_for(recorder.messages.get(), 2)
        async with await Peer.tcp(address) as extra:
            await asyncio.wait_for(extra.closed.wait(), 2)
        assert not any(peer.closed.is_set() for peer in peers)
        await peers.pop().close()
        await asyncio.wait_for(recorder.closed.get(), 2)
        async with await Peer.tcp(address) as replacement:
            replacement.request("OPTIONS", "sip:x@127.0.0.1")
            await asyncio.wait_for(recorder.messages.get(), 2)
        await peers.pop().close()
        await transport.close()

    async def test_a_connection_that_does_not_come_about_is_given_up(self) -> None:
        transport, recorder = await self.listen(connect=0.1)
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for filler in (first, second):  # nobody accepts: further handshakes are left hanging
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            host, port = full.getsockname()
            hop = Hop("tcp", host, port, transport.host, transport.port)
            transport.send(hop, b"x")
            assert await asyncio.wait_for(recorder.failed.get(), 2) == hop
        await transport.close()

    async def test_a_peer_that_reads_nothing_is_dropped(self) -> None:
        transport, recorder = await self.listen(backlog=100_000)
        reader, writer = await asyncio.open_connection(transport.host, transport.port)
        writer.write(new_request("OPTIONS", Uri("sip", "x"), from_=US).to_bytes())
        await asyncio.wait_for(recorder.messages.get(), 2)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        port = writer.get_extra_info("sockname")[1]
        hop = Hop("tcp", "127.0.0.1", port, transport.host, transport.port)
        while recorder.closed.empty():
            transport.send(hop, b"x" * 65_536)
            await asyncio.sleep(0)
        writer.close()
        del reader
        await transport.close()
