"""The load: phones with canned answers, all on one socket, so that they cost little next to what is measured.

They have no transactions and repeat nothing. What the server repeats is counted: a run with repeats was too fast.
"""

import asyncio
import re
import socket
import time
from dataclasses import dataclass, field
from typing import cast

from ringdove.sip.digest import authorize

from .process import Address

ANSWER_AFTER = 0.1
"""Seconds from the first INVITE of a call to the answer of the member that got it."""
_CALLER = re.compile(rb"^From: [^\r]*sip:(\w+)@", re.MULTILINE)
_CONTACT = re.compile(rb"^Contact: *<([^>]+)>", re.MULTILINE)
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_CHALLENGE = re.compile(r"^WWW-Authenticate: *([^\r]+)", re.MULTILINE)
_COPIED = (b"Via:", b"From:", b"Call-ID:", b"CSeq:")


@dataclass(frozen=True)
class Login:
    """What the phone of an extension is set up with."""

    number: str
    name: str
    password: str


@dataclass
class Call:
    """One call as caller and members saw it. Times are `time.monotonic()`; ports are the server's for RTP."""

    dialled_at: float
    ringing_at: float = 0.0
    invites_at: list[float] = field(default_factory=list)
    caller_port: int = 0
    member_port: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Dialog:
    """What the requests of one caller or registration have in common."""

    login: Login
    call_id: str
    uri: str
    to: str


class Phones(asyncio.DatagramProtocol):
    """Everybody's phone. A caller makes one call at a time: members know a call by its caller's number (`calls`).

    `rtp`: the ports at which callers, and members, want audio. While `tape` is a list, every datagram is noted there:
    when, whether the server sent it, and its size.
    """

    def __init__(self, server: Address, rtp: tuple[int, int]) -> None:
        self.repeats = self.datagrams = self._made = 0
        self.tape: list[tuple[float, bool, int]] | None = None
        self.calls: dict[str, Call] = {}
        self._server = server
        self._rtp = rtp
        self._legs: dict[bytes, tuple[bytes, Call]] = {}
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._seen: set[tuple[bytes, ...]] = set()

    async def register(self, login: Login) -> None:
        """Register for an hour."""
        await self._with_password("REGISTER", self._dialog(login, login.name), "Expires: 3600\r\n")

    async def dial(self, login: Login, number: str, hold: asyncio.Event | None = None) -> Call:
        """Call a number, be answered, hang up (once `hold` is set); returns when both sides are through."""
        call = self.calls[login.number] = Call(time.monotonic())
        dialog = self._dialog(login, number)
        answer = await self._with_password("INVITE", dialog, "Content-Type: application/sdp\r\n", self._sdp(0))
        dialog.uri, dialog.to = _found(_CONTACT, answer), _field(answer, b"To:").decode()
        self._request("ACK", dialog, 2, branch="ack2")
        call.caller_port = int(_found(_AUDIO, answer))
        call.answered.set()
        if hold is not None:
            await hold.wait()
        await self._ask("BYE", dialog, 3)
        await call.ended.wait()
        return call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Answer a request; hand a final response to who waits for it. Keep-alives are no part of a call."""
        if data.startswith(b"OPTIONS"):
            self._transport.sendto(self._response(data, "200 OK"), addr)
            return
        self._count(from_server=True, size=len(data))
        start, leg, cseq = data[: data.index(b"\r\n")], _field(data, b"Call-ID:"), _field(data, b"CSeq:")
        if start.startswith(b"SIP/2.0 180"):
            call = self.calls[_found(_CALLER, data)]
            call.ringing_at = call.ringing_at or time.monotonic()
        if start.startswith(b"SIP/2.0 1"):
            return
        key = (start, leg, cseq, _field(data, b"Via:"))
        if key in self._seen:
            self.repeats += 1
            return
        self._seen.add(key)
        if not start.startswith(b"SIP/2.0"):
            self._asked(start.partition(b" ")[0], leg, data)
        elif waiting := self._waiting.pop(leg + cseq, None):
            waiting.set_result(data)

    def _asked(self, method: bytes, leg: bytes, data: bytes) -> None:
        if method == b"INVITE":
            call = self.calls[_found(_CALLER, data)]
            call.invites_at.append(time.monotonic())
            self._legs[leg] = (data, call)
            self._reply(data, "180 Ringing")
            if len(call.invites_at) == 1:
                call.member_port = int(_found(_AUDIO, data))
                asyncio.get_running_loop().call_later(ANSWER_AFTER, self._reply, data, "200 OK", self._sdp(1))
        elif method != b"ACK":
            self._reply(data, "200 OK")
            if method == b"CANCEL":
                self._reply(self._legs.pop(leg)[0], "487 Request Terminated")
            elif method == b"BYE":
                self._legs.pop(leg)[1].ended.set()

    async def _with_password(self, method: str, dialog: _Dialog, more: str, body: str = "") -> bytes:
        """Send a request, and again with the password that is asked for; returns the 200."""
        refusal = await self._ask(method, dialog, 1, more, body)
        if method == "INVITE":
            to = _field(refusal, b"To:").decode()
            self._request("ACK", _Dialog(dialog.login, dialog.call_id, dialog.uri, to), 1, branch="INVITE1")
        login, challenges = dialog.login, _CHALLENGE.findall(refusal.decode())
        proof = authorize(challenges, login.name, login.password, method, dialog.uri)
        answer = await self._ask(method, dialog, 2, f"{more}Authorization: {proof}\r\n", body)
        assert answer.startswith(b"SIP/2.0 200"), answer
        return answer

    async def _ask(self, method: str, dialog: _Dialog, cseq: int, more: str = "", body: str = "") -> bytes:
        """Send a request; returns the final response."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[f"{dialog.call_id}{cseq} {method}".encode()] = answer
        self._request(method, dialog, cseq, more, body, branch=f"{method}{cseq}")
        return await answer

    def _request(self, method: str, dialog: _Dialog, cseq: int, more: str = "", body: str = "", *, branch: str) -> None:
        here, login = f"127.0.0.1:{self._port}", dialog.login
        self._send(
            f"{method} {dialog.uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{dialog.call_id}{branch};rport\r\n"
            f"From: <sip:{login.name}@127.0.0.1>;tag={dialog.call_id}\r\nTo: {dialog.to}\r\nMax-Forwards: 70\r\n"
            f"Call-ID: {dialog.call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{login.number}@{here}>\r\n"
            f"{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    def _reply(self, request: bytes, status: str, body: str = "") -> None:
        self._send(self._response(request, status, body))

    def _response(self, request: bytes, status: str, body: str = "") -> bytes:
        head = request[: request.index(b"\r\n\r\n")].split(b"\r\n")
        copied = b"\r\n".join(line for line in head if line.startswith(_COPIED)).decode()
        to = _field(request, b"To:").decode()
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"SIP/2.0 {status}\r\n{copied}\r\nTo: {to}{'' if ';tag=' in to else ';tag=bench'}\r\n"
            f"Contact: <sip:phone@127.0.0.1:{self._port}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _send(self, data: bytes) -> None:
        self._count(from_server=False, size=len(data))
        self._transport.sendto(data, self._server)

    def _count(self, *, from_server: bool, size: int) -> None:
        self.datagrams += 1
        if self.tape is not None:
            self.tape.append((time.monotonic(), from_server, size))

    def _dialog(self, login: Login, user: str) -> _Dialog:
        self._made += 1
        return _Dialog(login, f"bench{self._made}", f"sip:{user}@127.0.0.1", f"<sip:{user}@127.0.0.1>")

    def _sdp(self, side: int) -> str:
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._rtp[side]} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        )


def wide_socket() -> socket.socket:
    """A UDP socket of loopback that can hold what comes while we are busy."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def _field(data: bytes, name: bytes) -> bytes:
    start = data.index(b"\r\n" + name) + 2 + len(name)
    return data[start : data.index(b"\r\n", start)].strip()


def _found(what: re.Pattern[bytes], data: bytes) -> str:
    found = what.search(data)
    assert found, data
    return found[1].decode()
