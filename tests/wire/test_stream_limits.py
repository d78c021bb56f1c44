"""What streams may cost us, over TCP and TLS alike: times short enough for a test, message limits as they are."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringdove.net import stream
from ringdove.net.certificate import Certificate
from ringdove.net.connection import StreamLimits
from ringdove.net.stream import StreamTransport
from ringdove.net.tcp import TcpTransport
from ringdove.net.tls import TlsTransport
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import DEFAULT_LIMITS, NoMessage
from ringdove.sip.uri import Uri
from support.certificates import certificate_for, credulous
from support.deaf import deaf_port
from support.peer import Peer
from support.phones import until

MANY = 2000
US = NameAddr(Uri.parse("sip:pbx@example.test"))


class Recorder:
    """A `Receiver` that writes down what it is told."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Request | Response] = asyncio.Queue()
        self.on_message: Callable[[Hop], object] = lambda _: None
        self.is_welcoming = True
        self.pings = 0
        self.refused: asyncio.Queue[NoMessage] = asyncio.Queue()
        self.failed: asyncio.Queue[Hop] = asyncio.Queue()
        self.closed: asyncio.Queue[Hop] = asyncio.Queue()

    def trusts(self, source: Hop) -> bool:
        return False

    def admits(self, source: Hop) -> bool:
        return True

    def welcomes(self, source: Hop) -> bool:
        return self.is_welcoming

    def received(self, message: Request | Response, source: Hop, octets: bytes | None = None, *, trusted: bool) -> None:
        assert not trusted
        self.messages.put_nowait(message)
        self.on_message(source)

    def kept_alive(self, source: Hop, times: int) -> None:
        self.pings += times

    def malformed(self, source: Hop, error: NoMessage) -> None:
        self.refused.put_nowait(error)

    def send_failed(self, hop: Hop) -> None:
        self.failed.put_nowait(hop)

    def flow_closed(self, hop: Hop) -> None:
        self.closed.put_nowait(hop)


Listen = Callable[..., Awaitable[tuple[StreamTransport, Recorder]]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_for(tmp_path_factory.mktemp("keys"))


@pytest.fixture(params=["tcp", "tls"])
async def listen(request: pytest.FixtureRequest, certificate: Certificate) -> AsyncIterator[Listen]:
    """Opens listeners with these limits; each is closed with the test."""
    async with AsyncExitStack() as stack:

        async def open_listener(**limits: Any) -> tuple[StreamTransport, Recorder]:
            recorder, most = Recorder(), StreamLimits(**limits)
            transport: StreamTransport
            if request.param == "tls":
                transport = await TlsTransport.listen(certificate, "127.0.0.1", 0, recorder, most)
            else:
                transport = await TcpTransport.listen("127.0.0.1", 0, recorder, most)
            stack.push_async_callback(transport.close)
            return transport, recorder

        yield open_listener


async def connect(transport: StreamTransport) -> Peer:
    return await Peer.stream(transport.name, (transport.host, transport.port))


async def turned_away(transport: StreamTransport) -> None:
    """A connection to it is closed at once, before any handshake."""
    try:
        async with await connect(transport) as extra:
            await asyncio.wait_for(extra.closed.wait(), 2)
    except ConnectionError:
        assert transport.name == "tls"


@pytest.mark.parametrize("begun", [b"", b"OPTIONS sip:x SIP/2.0\r\nVia: "], ids=["silent", "half a message"])
async def test_a_connection_that_never_says_a_whole_message_is_closed(listen: Listen, begun: bytes) -> None:
    transport, recorder = await listen(silence=0.05)
    async with await connect(transport) as peer:
        peer.send(begun)
        await asyncio.wait_for(peer.closed.wait(), 2)
        assert (await asyncio.wait_for(recorder.closed.get(), 2)).remote_port == peer.port
    assert (transport.connections, transport.turned_away) == (0, {"slow": 1})


async def test_a_stranger_that_only_keeps_its_connection_alive_is_closed_too(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.2)
    async with await connect(transport) as peer:
        for _ in range(100):
            if peer.closed.is_set():
                break
            peer.send(b"\r\n\r\n")
            await asyncio.wait([asyncio.create_task(peer.closed.wait())], timeout=0.02)
        assert peer.closed.is_set()
        assert recorder.pings >= len(b"".join(peer.raw)) // 2
        assert b"".join(peer.raw) == b"\r\n" * (len(b"".join(peer.raw)) // 2) != b""


async def test_a_message_has_its_time_from_the_first_octet_on_however_many_come_meanwhile(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.2)
    async with await connect(transport) as peer:
        whole = peer.request("OPTIONS", "sip:x@127.0.0.1").to_bytes()
        await asyncio.wait_for(recorder.messages.get(), 2)
        for octet in whole:
            if peer.closed.is_set():
                break
            peer.send(bytes([octet]))
            await asyncio.sleep(0.02)
        assert peer.closed.is_set()
        assert recorder.messages.empty()


async def test_the_start_of_a_message_right_behind_another_one_has_its_time_too(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.05)
    async with await connect(transport) as peer:
        whole = peer.stamp(new_request("OPTIONS", peer.uri, from_=US)).to_bytes()
        peer.send(whole + whole[:40])
        await asyncio.wait_for(recorder.messages.get(), 2)
        await asyncio.wait_for(peer.closed.wait(), 2)


async def test_each_message_has_its_own_time_however_they_are_cut(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.2)
    async with await connect(transport) as peer:
        whole = _message("X: " + "x" * 200)
        stream_of_them = whole * 8
        for start in range(0, len(stream_of_them), len(whole) // 2 + 7):
            peer.send(stream_of_them[start : start + len(whole) // 2 + 7])
            await asyncio.sleep(0.04)
        await until(lambda: recorder.messages.qsize() == 8, "a good sender was cut off")


async def test_a_message_that_stops_in_the_middle_closes_a_connection_that_was_good_before(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.05)
    async with await connect(transport) as peer:
        whole = peer.request("OPTIONS", "sip:x@127.0.0.1").to_bytes()
        await asyncio.wait_for(recorder.messages.get(), 2)
        peer.send(whole[:40])
        await asyncio.wait_for(peer.closed.wait(), 2)


async def test_a_lone_line_end_is_a_sign_of_life_not_the_start_of_a_message(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.05)
    async with await connect(transport) as peer:
        peer.request("OPTIONS", "sip:x@127.0.0.1")
        await asyncio.wait_for(recorder.messages.get(), 2)
        peer.send(b"\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.closed.wait(), 0.2)


async def test_a_connection_on_which_nothing_more_comes_is_closed_in_the_end(listen: Listen) -> None:
    transport, recorder = await listen(silence=0.02, idle=0.1)
    async with await connect(transport) as peer:
        peer.request("OPTIONS", "sip:x@127.0.0.1")
        await asyncio.wait_for(recorder.messages.get(), 2)
        await asyncio.wait_for(peer.closed.wait(), 2)


async def test_connections_that_peers_closed_are_remembered_up_to_a_limit(listen: Listen) -> None:
    transport, recorder = await listen(connections=1)
    hops = []
    for _ in range(2):
        async with await connect(transport) as peer:
            peer.request("OPTIONS", "sip:x@127.0.0.1")
            await asyncio.wait_for(recorder.messages.get(), 2)
            hops.append(Hop(transport.name, peer.host, peer.port, transport.host, transport.port))
            assert not transport.is_gone(hops[-1])
        await asyncio.wait_for(recorder.closed.get(), 2)
    assert [transport.is_gone(hop) for hop in hops] == [False, True]


async def test_a_connection_of_our_own_that_is_closed_can_be_opened_again(
    listen: Listen, certificate: Certificate
) -> None:
    transport, recorder = await listen()
    listener = Peer.tls_listener(certificate()) if transport.name == "tls" else Peer.tcp_listener()
    async with await listener as far:
        hop = Hop(transport.name, far.host, far.port, transport.host, transport.port)
        transport.send(hop, far.stamp(new_request("OPTIONS", far.uri, from_=US)).to_bytes())
        await far.expect("OPTIONS")
        await far.close()
        assert await asyncio.wait_for(recorder.closed.get(), 2) == hop
        assert not transport.is_gone(hop)


async def test_a_connection_that_is_not_welcome_is_closed_before_anything_is_spent_on_it(listen: Listen) -> None:
    transport, recorder = await listen()
    recorder.is_welcoming = False
    await turned_away(transport)
    assert (transport.connections, transport.turned_away) == (0, {"door": 1})


@pytest.mark.parametrize("limit", ["connections", "per_host"])
async def test_one_connection_too_many_is_closed_and_the_others_stay(listen: Listen, limit: str) -> None:
    transport, recorder = await listen(**{limit: 2})
    peers = [await connect(transport) for _ in range(2)]
    for peer in peers:
        peer.request("OPTIONS", "sip:x@127.0.0.1")
        await asyncio.wait_for(recorder.messages.get(), 2)
    await turned_away(transport)
    assert (transport.connections, transport.turned_away) == (2, {"caps": 1})
    assert not any(peer.closed.is_set() for peer in peers)
    await peers.pop().close()
    await asyncio.wait_for(recorder.closed.get(), 2)
    async with await connect(transport) as replacement:
        replacement.request("OPTIONS", "sip:x@127.0.0.1")
        await asyncio.wait_for(recorder.messages.get(), 2)
    await peers.pop().close()


async def test_connections_wait_where_the_system_has_no_room_for_them(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BREATH", 0.05)
    transport, _ = await listen()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with capture_logs() as logs, socket.socket() as waiting:
        resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, limits[1]))
        try:
            waiting.connect((transport.host, transport.port))
            await until(lambda: len(logs) > 1, "it was accepted")
            assert transport.connections == 0
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        await until(lambda: transport.connections == 1, "it is not accepted")
    assert {entry["event"] for entry in logs if entry["log_level"] == "error"} == {"cannot_accept"}


async def test_a_connection_that_does_not_come_about_is_given_up(listen: Listen) -> None:
    transport, recorder = await listen(connect=0.1)
    with deaf_port() as (host, port):
        hop = Hop(transport.name, host, port, transport.host, transport.port)
        transport.send(hop, b"x")
        assert await asyncio.wait_for(recorder.failed.get(), 2) == hop


async def test_a_peer_that_reads_nothing_is_dropped(listen: Listen) -> None:
    transport, recorder = await listen(backlog=100_000)
    secured = credulous() if transport.name == "tls" else None
    reader, writer = await asyncio.open_connection(transport.host, transport.port, ssl=secured)
    writer.write(new_request("OPTIONS", Uri("sip", "x"), from_=US).to_bytes())
    await asyncio.wait_for(recorder.messages.get(), 2)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    port = writer.get_extra_info("sockname")[1]
    hop = Hop(transport.name, "127.0.0.1", port, transport.host, transport.port)
    while recorder.closed.empty():
        transport.send(hop, b"x" * 65_536)
        await asyncio.sleep(0)
    writer.transport.abort()
    del reader


async def test_whoever_does_not_read_its_answers_is_heard_again_when_it_does(listen: Listen) -> None:
    """Nothing that a peer asks for waits here without bounds, and nothing of it is lost."""
    transport, recorder = await listen(backlog=2**21)
    async with await connect(transport) as peer:
        ask_and_read_nothing(peer, transport, recorder)
        await until_still(recorder.messages.qsize)
        assert 0 < recorder.messages.qsize() < MANY
        peer._transport.resume_reading()
        await until(lambda: recorder.messages.qsize() == MANY, "not all of it was heard", within=10)
        assert not peer.closed.is_set()


async def test_whoever_does_not_read_its_answers_for_long_is_dropped(listen: Listen) -> None:
    transport, recorder = await listen(backlog=2**21, unacknowledged=1)
    async with await connect(transport) as peer:
        ask_and_read_nothing(peer, transport, recorder)
        await asyncio.wait_for(recorder.closed.get(), 5)


def ask_and_read_nothing(peer: Peer, transport: StreamTransport, recorder: Recorder) -> None:
    """Have more answers due to a peer than the kernel keeps."""
    request = _message("X: " + "x" * 2000)
    recorder.on_message = lambda hop: transport.send(hop, _message("X: " + "x" * 8000))
    peer._transport.pause_reading()
    peer.send(request * MANY)


def _message(*lines: str, body: int = 0) -> bytes:
    """A request with these lines, and a body of so many octets."""
    start = ["OPTIONS sip:x SIP/2.0", "Via: SIP/2.0/TCP x;branch=z9hG4bKx", f"Content-Length: {body}"]
    return "\r\n".join([*start, *lines]).encode() + b"\r\n\r\n" + b"b" * body


def _head(octets: int) -> bytes:
    """A request whose start line and fields take so many octets, the empty line not counted."""
    lines = ["X: " + "x" * 7995] * (octets // 8000)
    rest = octets + 4 - len(_message(*lines, "X: "))
    return _message(*lines, "X: " + "x" * rest)


LIMITS = DEFAULT_LIMITS
AT_THE_LIMIT: dict[str, Callable[[int], bytes]] = {
    "head": lambda more: _head(LIMITS.head + more),
    "line": lambda more: _message("X:" + "x" * (LIMITS.line - 2 + more)),
    "fields": lambda more: _message(*["X:"] * (LIMITS.fields - 2 + more)),
    "body": lambda more: _message(body=LIMITS.body + more),
}


@pytest.mark.parametrize("limit", AT_THE_LIMIT)
async def test_a_message_of_exactly_the_limits_is_taken_and_one_octet_or_field_more_is_not(
    listen: Listen, limit: str
) -> None:
    transport, recorder = await listen(linger=0.05)
    async with await connect(transport) as peer:
        peer.send(AT_THE_LIMIT[limit](0))
        await asyncio.wait_for(recorder.messages.get(), 2)
        peer.send(AT_THE_LIMIT[limit](1))
        assert (await asyncio.wait_for(recorder.refused.get(), 2)).status == 513
        await asyncio.wait_for(peer.closed.wait(), 2)
        assert recorder.messages.empty()


async def test_what_came_before_a_message_that_cannot_be_read_is_not_lost(listen: Listen) -> None:
    transport, recorder = await listen()
    async with await connect(transport) as peer:
        peer.send(_message() + b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(recorder.messages.get(), 2)
        await asyncio.wait_for(recorder.refused.get(), 2)
        await asyncio.wait_for(peer.closed.wait(), 2)


async def until_still(value: Callable[[], int]) -> None:
    """Wait until something that counts has stopped."""
    before = -1
    while (now := value()) != before:
        before = now
        await asyncio.sleep(0.1)
