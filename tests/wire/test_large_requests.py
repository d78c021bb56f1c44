"""RFC 3261 §18.1.1: a request too large for a datagram goes over TCP where the peer takes it so, else over UDP."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringdove.net.endpoint import Endpoint, Failure, Hop, OutgoingRequest, Timers
from ringdove.net.large import LARGEST, PATIENCE
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri
from support.deaf import deaf_port
from support.peer import Peer

US = NameAddr(Uri.parse("sip:pbx@example.test"))


class Desk:
    """An endpoint that listens on UDP and TCP, and what came back to it."""

    def __init__(self, endpoint: Endpoint, address: tuple[str, int]) -> None:
        self.endpoint = endpoint
        self.address = address
        self.results: asyncio.Queue[Response | Failure] = asyncio.Queue()

    @classmethod
    async def open(cls, *kinds: str, large_over_tcp: bool = True) -> "Desk":
        endpoint = Endpoint(timers=Timers(trying=0.02), large_over_tcp=large_over_tcp)
        address = "127.0.0.1", 0
        for kind in kinds:
            address = await endpoint.listen(kind, "127.0.0.1", 0)
        return cls(endpoint, address)

    def send(self, peer: Peer, octets: int, *, contact: Uri | None = None) -> OutgoingRequest:
        """An INVITE of so many octets, Via included, to a peer on UDP."""
        request = new_request("INVITE", contact or peer.uri, from_=US, cseq=1, headers=[("X", "")])
        hop = Hop("udp", peer.host, peer.port, *self.address)
        missing = octets - len(self.endpoint.listeners.stamped(request, hop).to_bytes())
        assert missing >= 0
        request.headers.set("X", "x" * missing)
        put = self.results.put_nowait
        return self.endpoint.send_request(request, hop, on_response=put, on_failure=put)

    async def result(self) -> Response | Failure:
        return await asyncio.wait_for(self.results.get(), 2)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = await Desk.open("tcp", "udp")
    yield desk
    await desk.endpoint.close()


@pytest.fixture
async def phone() -> AsyncIterator[Peer]:
    """A phone on UDP that does not listen on TCP."""
    async with await Peer.udp() as peer:
        yield peer


@pytest.fixture
async def listener(phone: Peer) -> AsyncIterator[Peer]:
    """Its TCP listener, where it has one."""
    async with await Peer.tcp_listener(port=phone.port) as peer:
        yield peer


async def test_a_request_of_exactly_what_a_datagram_may_carry_goes_over_udp(
    desk: Desk, phone: Peer, listener: Peer
) -> None:
    desk.send(phone, LARGEST)
    received = await phone.expect_received("INVITE")
    assert len(received.data) == LARGEST
    assert received.message.via.transport == "UDP"
    assert listener.log == []


async def test_one_octet_more_goes_over_tcp_and_all_of_the_transaction_with_it(
    desk: Desk, phone: Peer, listener: Peer
) -> None:
    outgoing = desk.send(phone, LARGEST + 1)
    invite = await listener.expect("INVITE")
    assert invite.via.transport == "TCP"
    assert (outgoing.request.via, outgoing.hop.transport) == (invite.via, "tcp")
    listener.reply(invite, 180)
    assert (await desk.result()).status == 180
    outgoing.cancel()
    cancel = await listener.expect("CANCEL")
    assert cancel.via == invite.via
    listener.reply(cancel, 200)
    listener.reply(invite, 487)
    assert (await listener.expect("ACK")).via == invite.via
    assert phone.log == []


async def test_a_connection_that_is_there_is_used_in_the_same_turn(desk: Desk, phone: Peer, listener: Peer) -> None:
    for _ in range(2):
        desk.send(phone, 2000)
        listener.reply(await listener.expect("INVITE"), 486)
        await listener.expect("ACK")
    assert len({received.source for received in listener.log}) == 1
    sent = desk.send(phone, 2000)
    assert sent.hop.transport == "tcp"


async def test_a_phone_that_does_not_listen_on_tcp_is_rung_over_udp_at_once_and_not_asked_again(
    desk: Desk, phone: Peer
) -> None:
    outgoing = desk.send(phone, 2000)
    invite = await phone.expect("INVITE", within=PATIENCE)
    assert invite.via.transport == "UDP"
    assert outgoing.request.via == invite.via
    phone.reply(invite, 486)
    assert (await desk.result()).status == 486
    async with await Peer.tcp_listener(port=phone.port) as late:
        desk.send(phone, 2000)
        await phone.expect("INVITE")
        assert late.log == []


async def test_a_phone_whose_firewall_says_nothing_is_rung_in_time(desk: Desk, phone: Peer) -> None:
    with deaf_port(phone.port):
        start = asyncio.get_running_loop().time()
        desk.send(phone, 2000)
        await phone.expect("INVITE")
        assert PATIENCE <= asyncio.get_running_loop().time() - start < PATIENCE + 0.2


async def test_a_listener_that_hangs_up_without_an_answer_is_no_phone(desk: Desk, phone: Peer, listener: Peer) -> None:
    desk.send(phone, 2000)
    over_tcp = await listener.expect("INVITE")
    listener._transport.abort()
    over_udp = await phone.expect("INVITE")
    assert over_udp.via.branch != over_tcp.via.branch
    assert over_udp.call_id == over_tcp.call_id
    phone.reply(over_udp, 486)
    assert (await desk.result()).status == 486


async def test_one_that_hangs_up_after_it_has_answered_has_failed(desk: Desk, phone: Peer, listener: Peer) -> None:
    desk.send(phone, 2000)
    listener.reply(await listener.expect("INVITE"), 180)
    assert (await desk.result()).status == 180
    listener._transport.abort()
    assert await desk.result() is Failure.TRANSPORT
    assert phone.log == []


async def test_a_phone_behind_nat_is_not_even_tried(desk: Desk, phone: Peer, listener: Peer) -> None:
    for elsewhere in (Uri("sip", "10.0.0.5", port=5060), Uri("sip", "phone.test"), Uri("sip", phone.host, port=1)):
        desk.send(phone, 2000, contact=elsewhere)
        await phone.expect("INVITE")
    assert listener.log == []


async def test_a_request_cancelled_before_it_was_sent_is_not_sent(desk: Desk, phone: Peer) -> None:
    with deaf_port(phone.port):
        desk.send(phone, 2000).cancel()
        assert desk.results.empty()  # never from within the call
        assert (await desk.result()).status == 487
    assert phone.log == []


@pytest.mark.parametrize("how", ["setting", "no listener"])
async def test_it_can_be_done_without(phone: Peer, listener: Peer, how: str) -> None:
    desk = await (Desk.open("tcp", "udp", large_over_tcp=False) if how == "setting" else Desk.open("udp"))
    desk.send(phone, 2000)
    assert (await phone.expect("INVITE")).via.transport == "UDP"
    assert listener.log == []
    await desk.endpoint.close()


async def test_an_endpoint_that_closes_meanwhile_sends_nothing(phone: Peer) -> None:
    desk = await Desk.open("tcp", "udp")
    with deaf_port(phone.port):
        desk.send(phone, 2000)
        await asyncio.sleep(0)
        await desk.endpoint.close()
    await phone.expect_none(lambda message: isinstance(message, Request), within=0.05)
    assert desk.results.empty()
