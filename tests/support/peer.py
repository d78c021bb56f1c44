"""A scripted SIP peer on a bare socket: it says exactly what it is told to, when it is told to.

It has no transactions: nothing is repeated, acknowledged or answered by itself, so races and losses can be written down
step by step:

    phone = await Peer.udp()
    invite = await phone.expect("INVITE")
    phone.reply(invite, 180)
    cancel = await phone.expect("CANCEL")
    phone.reply(invite, 200)          # crosses the CANCEL
    phone.reply(cancel, 200)
    ack = await phone.expect("ACK")
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from ringdove.sip.dialog import Dialog, new_request
from ringdove.sip.headers import Headers, NameAddr, Via
from ringdove.sip.identifiers import new_branch, new_tag
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.parser import Ping, StreamParser, parse
from ringdove.sip.uri import Uri

from .certificates import credulous

Address = tuple[str, int]
What = str | Callable[[Request | Response], bool]
"""A message to wait for: "INVITE", "180", "200 INVITE" (status and CSeq method), "2xx", or a test of the message."""


@dataclass(frozen=True)
class Received:
    """One message as it came. `at` is `time.monotonic()`; `lost` if the peer was told to lose it."""

    at: float
    message: Request | Response
    data: bytes
    source: Address
    lost: bool = False


class Peer:
    """One socket, everything it received (`log`), and the part of it that nobody has waited for yet."""

    def __init__(self, transport: str, user: str = "peer") -> None:
        self.user = user
        self.host = ""
        self.port = 0
        self.tag = new_tag()
        """The tag with which it answers."""
        self.log: list[Received] = []
        self.raw: list[bytes] = []
        """Octets as they came, keep-alives included."""
        self.closed = asyncio.Event()
        """The peer's connection is gone (TCP, TLS)."""
        self._transport_name = transport
        self._inbox: list[Received] = []
        self._news = asyncio.Event()
        self._losses: list[list[Any]] = []
        self._transport: Any = None
        self._server: asyncio.Server | None = None
        self._remote: Address | None = None

    # Opening and closing

    @classmethod
    async def udp(cls, host: str = "127.0.0.1", *, user: str = "peer", port: int = 0) -> Self:
        """A UDP socket."""
        peer = cls("udp", user)
        loop = asyncio.get_running_loop()
        peer._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(peer), local_addr=(host, port))
        peer.host, peer.port = peer._transport.get_extra_info("sockname")[:2]
        return peer

    @classmethod
    async def tcp(cls, remote: Address, host: str = "", *, user: str = "peer") -> Self:
        """A TCP connection to `remote`, as a phone behind NAT has it; from this address if one is given."""
        peer = cls("tcp", user)
        local = (host, 0) if host else None
        await asyncio.get_running_loop().create_connection(lambda: _Stream(peer), *remote, local_addr=local)
        return peer

    @classmethod
    async def tls(cls, remote: Address, *, user: str = "peer", context: ssl.SSLContext | None = None) -> Self:
        """A TLS connection to `remote`; it believes any certificate unless its context says otherwise."""
        peer = cls("tls", user)
        await asyncio.get_running_loop().create_connection(
            lambda: _Stream(peer), *remote, ssl=context or credulous(), ssl_shutdown_timeout=0.1
        )
        return peer

    @classmethod
    async def stream(cls, kind: str, remote: Address, *, user: str = "peer") -> Self:
        """A TCP or TLS connection, by its name."""
        return await (cls.tcp if kind == "tcp" else cls.tls)(remote, user=user)

    @classmethod
    async def tcp_listener(cls, host: str = "127.0.0.1", *, user: str = "peer", port: int = 0) -> Self:
        """A TCP listener that takes one connection at a time; `send` goes to the latest."""
        peer = cls("tcp", user)
        peer._server = await asyncio.get_running_loop().create_server(lambda: _Stream(peer), host, port)
        peer.host, peer.port = peer._server.sockets[0].getsockname()[:2]
        return peer

    @classmethod
    async def tls_listener(cls, context: ssl.SSLContext, host: str = "127.0.0.1", *, user: str = "peer") -> Self:
        """The same over TLS, with the certificate in `context`."""
        peer = cls("tls", user)
        peer._server = await asyncio.get_running_loop().create_server(
            lambda: _Stream(peer), host, 0, ssl=context, ssl_shutdown_timeout=0.1
        )
        peer.host, peer.port = peer._server.sockets[0].getsockname()[:2]
        return peer

    async def close(self) -> None:
        """Close the socket (and the connection)."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.host, self.port

    @property
    def uri(self) -> Uri:
        """Its Contact."""
        params = () if self._transport_name == "udp" else (("transport", self._transport_name),)
        return Uri("sip", bracketed(self.host), user=self.user, port=self.port, params=params)

    # Sending

    def send(self, message: Message | bytes | str, address: Address | None = None) -> None:
        """Send a message as it is; `address` defaults to whoever spoke last. Text gets its line ends right (CRLF)."""
        if isinstance(message, Message):
            data = message.to_bytes()
        elif isinstance(message, str):
            data = message.replace("\r\n", "\n").replace("\n", "\r\n").encode()
        else:
            data = message
        assert self._transport is not None, "not connected"
        if self._transport_name == "udp":
            target = address or self._remote
            assert target is not None, "nobody to send to yet"
            self._transport.sendto(data, target)
        else:
            self._transport.write(data)

    def request(
        self,
        method: str,
        target: Uri | str,
        address: Address | None = None,
        *,
        branch: str | None = None,
        **fields: Any,
    ) -> Request:
        """Send a request outside dialogs, Via included, and return it. `fields` are those of `new_request`."""
        uri = target if isinstance(target, Uri) else Uri.parse(target)
        fields.setdefault("from_", NameAddr(Uri("sip", "example.test", user=self.user)))
        fields.setdefault("contact", self.uri)
        request = self.stamp(new_request(method, uri, **fields), branch)
        self.send(request, address)
        return request

    def stamp(self, request: Request, branch: str | None = None) -> Request:
        """Put this peer's Via on a request, with a new branch if none is given."""
        params = ("rport", None), ("branch", branch or new_branch())
        via = Via(self._transport_name.upper(), bracketed(self.host), self.port, params)
        request.headers.prepend("Via", str(via))
        return request

    def reply(
        self,
        request: Request,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        sdp: str = "",
        tag: str | None = None,
        address: Address | None = None,
    ) -> Response:
        """Send a response, with this peer's tag and Contact, and return it. Call it again to repeat one."""
        response = request.reply(status, reason, to_tag=tag or self.tag)
        if request.method == "INVITE" and 100 < status < 300:
            for route in request.headers.get_all("Record-Route"):
                response.headers.add("Record-Route", route)
            response.headers.add("Contact", f"<{self.uri}>")
        for name, value in headers:
            response.headers.add(name, value)
        if sdp:
            response.set_body("application/sdp", sdp.replace("\r\n", "\n").replace("\n", "\r\n").encode())
        self.send(response, address)
        return response

    def ack(self, invite: Request, response: Response, address: Address | None = None) -> Request:
        """Acknowledge the final response to an INVITE of this peer's, 2xx or not."""
        if response.is_success:
            ack = self.stamp(Dialog.as_uac(invite, response).ack(invite.cseq.number))
        else:
            ack = Request("ACK", invite.uri, Headers([("Via", str(invite.via)), ("Max-Forwards", "70")]))
            for name in ("From", "Call-ID"):
                ack.headers.add(name, invite.headers.get(name) or "")
            ack.headers.add("To", response.headers.get("To") or "")
            ack.headers.add("CSeq", f"{invite.cseq.number} ACK")
        self.send(ack, address)
        return ack

    # Receiving

    async def expect(self, what: What, *, within: float = 2.0) -> Any:
        """The next message that matches and that nobody waited for before; others stay for later.

        Raises AssertionError, with all that came, when the time is over.
        """
        return (await self.expect_received(what, within=within)).message

    async def expect_received(self, what: What, *, within: float = 2.0) -> Received:
        """As `expect`, with the time and the octets."""
        matches = _matcher(what)

        def take() -> Received | None:
            for index, received in enumerate(self._inbox):
                if matches(received.message):
                    return self._inbox.pop(index)
            return None

        try:
            async with asyncio.timeout(within):
                while (found := take()) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.user} waited {within} s for {what}; got:\n{self.story()}") from None
        return found

    async def expect_none(self, what: What, *, within: float) -> None:
        """Nothing that matches may come (or have come and not been waited for) for that long."""
        try:
            message = await self.expect(what, within=within)
        except AssertionError:
            return
        raise AssertionError(f"{self.user} got {message!r}, which was not to come:\n{self.story()}")

    def lose(self, what: What, times: int = 1) -> None:
        """Lose the next messages that match: they are logged, and nobody sees them."""
        self._losses.append([_matcher(what), times])

    def count(self, what: What) -> int:
        """How many messages of the log match, lost ones too."""
        matches = _matcher(what)
        return sum(matches(received.message) for received in self.log)

    def story(self) -> str:
        """The log in words, times from its start."""
        first = self.log[0].at if self.log else 0.0
        return "\n".join(f"{r.at - first:8.3f} {r.message!r}{' (lost)' if r.lost else ''}" for r in self.log)

    def _received(self, data: bytes, message: Request | Response, source: Address) -> None:
        self._remote = source
        lost = False
        for loss in self._losses:
            if loss[1] and loss[0](message):
                loss[1] -= 1
                lost = True
                break
        received = Received(time.monotonic(), message, data, source, lost)
        self.log.append(received)
        if not lost:
            self._inbox.append(received)
            self._news.set()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._peer.raw.append(data)
        if data.strip(b"\r\n"):
            self._peer._received(data, parse(data), addr[:2])


class _Stream(asyncio.Protocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._parser = StreamParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._peer._transport = transport
        self._peer.closed.clear()
        self._source = transport.get_extra_info("peername")[:2]
        if not self._peer.port:
            self._peer.host, self._peer.port = transport.get_extra_info("sockname")[:2]

    def data_received(self, data: bytes) -> None:
        self._peer.raw.append(data)
        for item in self._parser.feed(data):
            if not isinstance(item, Ping):
                self._peer._received(data, item, self._source)

    def connection_lost(self, exc: Exception | None) -> None:
        self._peer.closed.set()


def bracketed(host: str) -> str:
    """A host as it stands in URIs and Vias."""
    return f"[{host}]" if ":" in host else host


def _matcher(what: What) -> Callable[[Request | Response], bool]:
    if callable(what):
        return what
    status, _, method = what.partition(" ")
    if not status[0].isdigit():
        return lambda message: isinstance(message, Request) and message.method == what
    digits = status.rstrip("x")
    return lambda message: (
        isinstance(message, Response)
        and str(message.status).startswith(digits)
        and (not method or message.cseq.method == method)
    )
