"""Scripted phones of people: they know their password, speak SIP as they are told to, and have audio.

phone = await Phone.of(house, person)
await phone.register()
line = await phone.answered(await phone.dial("6300"))
await line.bye()
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, Self

from ringdove.sip.dialog import Dialog
from ringdove.sip.digest import authorize
from ringdove.sip.headers import NameAddr
from ringdove.sip.identifiers import new_call_id
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import Direction, SessionDescription, parse
from ringdove.sip.uri import Uri

from .api import Person
from .ears import Ears
from .peer import Address, Peer, bracketed

Fields = Iterable[tuple[str, str]]


class Doors(Protocol):
    """A server that phones can reach: where its SIP listens, UDP and TCP, and TLS."""

    sip: Address
    sip_tls: Address


class Phone(Peer):
    """The phone of a person: a scripted peer that knows its password and has ears and a mouth (`audio`).

    Nothing but the server's keep-alive OPTIONS is answered by itself.
    """

    person: Person
    server: Address
    audio: Ears
    registration: tuple[str, Iterator[int]]
    """Call-ID and CSeqs of its REGISTERs."""

    @classmethod
    async def of(cls, doors: Doors, person: Person, transport: str = "udp", *, host: str = "", at: str = "") -> Self:
        """A phone that is switched on and not yet registered.

        `host` is its address and the server's, if not the server's first one; `at` is one of its own (UDP).
        """
        address = doors.sip_tls if transport == "tls" else doors.sip
        server = host or address[0], address[1]
        if transport == "udp":
            phone = await cls.udp(at or server[0], user=person.number)
        else:
            phone = await cls.stream(transport, server, user=person.number)
        phone.person, phone.server, phone.audio = person, server, await Ears.open(phone.host)
        phone.registration = new_call_id(), itertools.count(1)
        return phone

    async def close(self) -> None:
        """Switch it off."""
        self.audio.close()
        await super().close()

    def forget(self) -> None:
        """Be as new, registration aside."""
        self.log.clear()
        self._inbox.clear()
        self._losses.clear()
        self.audio.forget()

    @property
    def number(self) -> str:
        """The extension's number."""
        return self.person.number

    async def register(self, expires: int = 300, *, contact: Uri | None = None, **more: str) -> Response:
        """REGISTER with the password; returns the final response."""
        call_id, cseq = self.registration
        headers = [("Expires", str(expires)), *((name.replace("_", "-"), value) for name, value in more.items())]
        address = NameAddr(Uri("sip", "pbx.test", user=self.person.reg_name))
        fields: dict[str, Any] = {"from_": address, "to": address, "call_id": call_id, "contact": contact or self.uri}
        first = self.request("REGISTER", "sip:pbx.test", self.server, cseq=next(cseq), headers=headers, **fields)
        challenge = await self.expect(_answer_to(first))
        headers.append(("Authorization", self.password_for(first, challenge)))
        again = self.request("REGISTER", "sip:pbx.test", self.server, cseq=next(cseq), headers=headers, **fields)
        response: Response = await self.expect(_answer_to(again))
        return response

    def password_for(self, request: Request, challenge: Response, password: str | None = None) -> str:
        """The Authorization value that a 401 asks for."""
        challenges = challenge.headers.get_all("WWW-Authenticate")
        secret = password or self.person.reg_password
        return authorize(challenges, self.person.reg_name, secret, request.method, request.uri)

    def sdp(
        self,
        direction: str = "sendrecv",
        *,
        version: int = 1,
        formats: str = "0 101",
        address: str | None = None,
        port: int | None = None,
    ) -> str:
        """A description of this phone's audio."""
        at = self.audio.port if port is None else port
        here, there = (f"{'IP6' if ':' in host else 'IP4'} {host}" for host in (self.host, address or self.host))
        return (
            f"v=0\no=- 7 {version} IN {here}\ns=-\nc=IN {there}\nt=0 0\nm=audio {at} RTP/AVP {formats}\n"
            "a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:9 G722/8000\na=rtpmap:101 telephone-event/8000\n"
            f"a={direction}\n"
        )

    # Calling

    async def dial(self, number: str, sdp: str | None = None, *, headers: Fields = (), **more: Any) -> Request:
        """Call a number, password included; returns the INVITE as the server took it. `sdp` "" offers nothing."""
        body = _crlf(self.sdp() if sdp is None else sdp)
        uri = f"sip:{number}@{bracketed(self.server[0])}:{self.server[1]}"
        caller = NameAddr(Uri("sip", "pbx.test", user=self.number)).with_param("tag", f"c{time.time_ns()}")
        fields: dict[str, Any] = {"from_": caller, "call_id": new_call_id(), "body": body}
        fields |= {"content_type": "application/sdp" if body else "", **more}
        first = self.request("INVITE", uri, self.server, cseq=1, headers=headers, **fields)
        challenge = await self.expect("401 INVITE")
        self.ack(first, challenge, self.server)
        proof = [*headers, ("Authorization", self.password_for(first, challenge))]
        return self.request("INVITE", uri, self.server, cseq=2, headers=proof, **fields)

    def cancel(self, invite: Request) -> Request:
        """CANCEL an INVITE of this phone's."""
        cancel = Request("CANCEL", invite.uri, invite.headers.copy())
        for name in ("Authorization", "Contact", "Content-Type", "Content-Length"):
            cancel.headers.remove(name)
        cancel.headers.set("CSeq", f"{invite.cseq.number} CANCEL")
        self.send(cancel, self.server)
        return cancel

    async def answered(self, invite: Request, *, within: float = 2.0, sdp: str = "") -> "Line":
        """Wait for the 200 to an INVITE of this phone's and acknowledge it, with an answer if `sdp` is given."""
        return self.connected(invite, await self.expect("200 INVITE", within=within), sdp)

    def connected(self, invite: Request, response: Response, sdp: str = "") -> "Line":
        """Acknowledge the 200 to an INVITE of this phone's."""
        line = Line(self, Dialog.as_uac(invite, response), response)
        line.ack(response, sdp)
        return line

    async def final(self, invite: Request, *, within: float = 3.0) -> Response:
        """Wait for the final response to an INVITE of this phone's, whichever it is, and leave it at that."""
        response: Response = await self.expect(_answer_to(invite), within=within)
        return response

    async def refused(self, invite: Request, *, within: float = 3.0) -> Response:
        """Wait for the failure of an INVITE of this phone's and acknowledge it."""
        response = await self.final(invite, within=within)
        assert response.status >= 300, response
        self.ack(invite, response, self.server)
        return response

    # Being called

    async def rings(self, within: float = 2.0) -> Request:
        """Wait for an INVITE and say 180."""
        invite: Request = await self.expect("INVITE", within=within)
        self.reply(invite, 180)
        return invite

    async def pick_up(self, invite: Request, sdp: str | None = None, *, headers: Fields = (), **more: Any) -> "Line":
        """Say 200 and wait for the ACK."""
        self.reply(invite, 200, sdp=self.sdp() if sdp is None else sdp, headers=headers, **more)
        ack = await self.expect("ACK")
        return Line(self, Dialog.as_uas(invite, more.get("tag") or self.tag, self.uri), ack, invite)

    async def cancelled(self, invite: Request, *, within: float = 2.0) -> Request:
        """Wait for the CANCEL, obey it, and return it."""
        cancel: Request = await self.expect("CANCEL", within=within)
        self.reply(cancel, 200)
        self.reply(invite, 487)
        await self.expect("ACK")
        return cancel

    async def hung_up(self, within: float = 2.0) -> Request:
        """Wait for a BYE, and answer it."""
        bye: Request = await self.expect("BYE", within=within)
        self.reply(bye, 200)
        return bye

    def _received(self, data: bytes, message: Request | Response, source: Address) -> None:
        if isinstance(message, Request) and message.method == "OPTIONS" and message.to.tag is None:
            self.send(message.reply(200, to_tag=self.tag), source)  # the server's keep-alive
        else:
            super()._received(data, message, source)


class Line:
    """One dialog of a phone. `heard` is the description that the server sent last."""

    def __init__(self, phone: Phone, dialog: Dialog, last: Request | Response, invite: Request | None = None) -> None:
        self.phone = phone
        self.dialog = dialog
        self.last = last
        told = last if last.body else invite
        self.heard: SessionDescription | None = parse(told.body) if told is not None and told.body else None

    def request(
        self, method: str, sdp: str = "", *, headers: Fields = (), body: bytes = b"", kind: str = ""
    ) -> Request:
        """Send a request in the dialog."""
        request = self.dialog.request(
            method, body=_crlf(sdp) or body, content_type="application/sdp" if sdp else kind, headers=headers
        )
        self.phone.stamp(request)
        self.phone.send(request, self.phone.server)
        return request

    def ack(self, response: Response, sdp: str = "") -> Request:
        """Acknowledge a 2xx."""
        if response.body:
            self.heard = parse(response.body)
        ack = self.dialog.ack(response.cseq.number, body=_crlf(sdp), content_type="application/sdp" if sdp else "")
        self.phone.send(self.phone.stamp(ack), self.phone.server)
        return ack

    async def offer(self, sdp: str, method: str = "INVITE", *, headers: Fields = (), within: float = 2.0) -> Response:
        """Re-INVITE, or UPDATE; returns the final response, acknowledged."""
        request = self.request(method, sdp, headers=headers)
        return await self.settled(request, within)

    async def settled(self, request: Request, within: float = 2.0) -> Response:
        """Wait for the final response to a request of this line, and acknowledge that to an INVITE."""
        response: Response = await self.phone.expect(_answer_to(request), within=within)
        if request.method == "INVITE" and response.is_success:
            self.dialog.learn(response)
            self.ack(response)
        elif request.method == "INVITE":
            self.phone.ack(request, response, self.phone.server)
        elif response.is_success and response.body:
            self.heard = parse(response.body)
        return response

    async def is_offered(self, within: float = 2.0) -> Request:
        """Wait for a re-INVITE."""
        request: Request = await self.phone.expect("INVITE", within=within)
        self.dialog.accept(request)
        self.heard = parse(request.body) if request.body else None
        return request

    async def accept(self, request: Request, sdp: str, *, headers: Fields = ()) -> Request:
        """Answer a re-INVITE with 200 and wait for the ACK."""
        self.phone.reply(request, 200, sdp=sdp, headers=headers, tag=self.dialog.id.local_tag)
        ack: Request = await self.phone.expect("ACK")
        return ack

    async def bye(self, *reasons: str) -> Response:
        """Hang up; returns the answer."""
        request = self.request("BYE", headers=[("Reason", reason) for reason in reasons])
        response: Response = await self.phone.expect(_answer_to(request))
        return response

    @property
    def media(self) -> Address:
        """Where the server wants this phone's audio."""
        assert self.heard is not None
        audio = self.heard.media[0]
        connection = self.heard.connection_of(audio)
        assert connection is not None
        return connection.address, audio.port

    @property
    def direction(self) -> Direction:
        """The direction in the last description of the server."""
        assert self.heard is not None
        return self.heard.direction_of(self.heard.media[0])


async def hears(speaker: Line, listener: Line, within: float = 2.0) -> bool:
    """Whether audio of one phone reaches the other one in time."""
    audio = listener.phone.audio
    start = len(audio.packets)
    body = f"{speaker.phone.number} speaks {time.time_ns()}".encode()
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        speaker.phone.audio.say(body, speaker.media)
        await asyncio.sleep(0.02)
        if any(packet.body == body for packet in audio.packets[start:]):
            return True
    return False


async def until(true: Callable[[], bool], what: str, within: float = 3.0) -> None:
    """Wait for something that the server does by itself."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _answer_to(request: Request) -> Callable[[Request | Response], bool]:
    """Whether a message is the final response to this request."""
    return lambda message: (
        isinstance(message, Response)
        and message.is_final
        and message.cseq == request.cseq
        and message.call_id == request.call_id
    )
