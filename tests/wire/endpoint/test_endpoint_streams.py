"""The endpoint over TCP and TLS on loopback: connections used both ways, opened on demand, and missed when they go."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from ringdove.net.certificate import Certificate
from ringdove.net.endpoint import TRANSPORTS, Endpoint, Failure, Hop, IncomingRequest, Listen, Timers
from ringdove.net.tls import TlsTransport
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri
from support.certificates import certificate_for
from support.peer import Peer

US = NameAddr(Uri.parse("sip:pbx@example.test"))


class Desk:
    """An endpoint with one listener, what it was asked, what came back, which flows closed."""

    def __init__(self, endpoint: Endpoint, kind: str, address: tuple[str, int], certificate: Certificate) -> None:
        self.endpoint = endpoint
        self.kind = kind
        self.certificate = certificate
        self.address = address
        self.requests: asyncio.Queue[IncomingRequest] = asyncio.Queue()
        self.results: asyncio.Queue[Response | Failure] = asyncio.Queue()
        self.closed: asyncio.Queue[Hop] = asyncio.Queue()
        endpoint.on_request = self.requests.put_nowait
        self.deaf = endpoint.on_flow_closed(self.closed.put_nowait)

    def uri(self) -> str:
        return f"sip:pbx@{self.address[0]}:{self.address[1]};transport={self.kind}"

    def hop(self, peer: Peer) -> Hop:
        return Hop(self.kind, peer.host, peer.port, *self.address)

    async def peer(self) -> Peer:
        """Somebody with a connection to it."""
        return await Peer.stream(self.kind, self.address)

    async def listener(self) -> Peer:
        """Somebody whom it can connect to."""
        return await (Peer.tls_listener(self.certificate()) if self.kind == "tls" else Peer.tcp_listener())

    def send(self, method: str, hop: Hop) -> None:
        request = new_request(method, Uri("sip", hop.remote_host), from_=US, contact=self.endpoint.contact(hop))
        put = self.results.put_nowait
        self.endpoint.send_request(request, hop, on_response=put, on_failure=put)

    async def asked(self) -> IncomingRequest:
        return await asyncio.wait_for(self.requests.get(), 2)

    async def result(self) -> Response | Failure:
        return await asyncio.wait_for(self.results.get(), 2)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_for(tmp_path_factory.mktemp("keys"))


@pytest.fixture(params=["tcp", "tls"])
async def desk(request: pytest.FixtureRequest, certificate: Certificate) -> AsyncIterator[Desk]:
    transports: dict[str, Listen] = {**TRANSPORTS, "tls": partial(TlsTransport.listen, certificate)}
    endpoint = Endpoint(timers=Timers(trying=0.02), transports=transports)
    yield Desk(endpoint, request.param, await endpoint.listen(request.param, "127.0.0.1", 0), certificate)
    await endpoint.close()


@pytest.fixture
async def phone(desk: Desk) -> AsyncIterator[Peer]:
    async with await Peer.stream(desk.kind, desk.address, user="bob") as peer:
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
    assert (invite.via.transport, invite.via.port) == (desk.kind.upper(), desk.address[1])
    assert invite.contacts[0].uri.param("transport") == desk.kind
    phone.reply(invite, 486)
    await phone.expect("ACK")
    assert (await desk.result()).status == 486
    assert phone.count("INVITE") == 1


async def test_a_connection_is_opened_on_demand_and_used_for_all_that_waited(desk: Desk) -> None:
    async with await desk.listener() as far:
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
    far = await desk.listener()
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
    async with await desk.listener() as far:
        caller = await desk.peer()
        request = new_request("OPTIONS", Uri.parse(desk.uri()), from_=US)
        request.headers.prepend("Via", f"SIP/2.0/{desk.kind.upper()} {far.host}:{far.port};branch=z9hG4bKgone")
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
    async with await desk.listener() as far:
        phone = await desk.peer()
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
    async with await desk.peer() as noisy:
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


async def test_a_2xx_is_repeated_over_streams_too(phone: Peer, desk: Desk) -> None:
    phone.request("INVITE", desk.uri())
    (await desk.asked()).reply(200)
    await phone.expect("200 INVITE")
    await phone.expect("200 INVITE")
