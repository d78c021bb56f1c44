"""People with scripted phones in a House, and the check that a call leaves nothing behind.

async with open_house(tmp_path) as house, Scene(house) as scene:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(bob.number)
    ringing = await bob.expect("INVITE")
    line = await bob.pick_up(ringing)
    talk = await alice.answered(invite)
    talk.bye()
"""

import asyncio
import itertools
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

from ringdove.calls.inbox import Ended
from ringdove.model.story import Story
from ringdove.sip.dialog import Dialog
from ringdove.sip.digest import authorize
from ringdove.sip.headers import NameAddr
from ringdove.sip.identifiers import new_call_id
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import Direction, SessionDescription, parse
from ringdove.sip.uri import Uri

from .house import House, Person
from .peer import Address, Peer

_NUMBERS = itertools.count(2001)
_lending: WeakKeyDictionary[House, list["Phone"]] = WeakKeyDictionary()
"""Registered phones that nobody uses now."""

Fields = Iterable[tuple[str, str]]


@asynccontextmanager
async def open_house(folder: Path, **settings: Any) -> AsyncIterator[House]:
    """A House for one or more scenes."""
    async with House.open(folder, **settings) as house:
        try:
            yield house
        finally:
            for phone in _lending.pop(house, []):
                await phone.close()


class Phone(Peer):
    """The phone of a person: a scripted peer that knows its password and has an audio socket.

    Nothing but the server's keep-alive OPTIONS is answered by itself.
    """

    person: Person
    server: Address
    audio: "Audio"

    @classmethod
    async def of(cls, house: House, person: Person, transport: str = "udp") -> Self:
        """A phone that is switched on and not yet registered."""
        if transport == "udp":
            phone: Any = await cls.udp(user=person.number)
        else:
            phone = await cls.tcp(house.sip, user=person.number)
        phone.person, phone.server, phone.audio = person, house.sip, Audio()
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
        self.audio.heard()

    @property
    def number(self) -> str:
        """The extension's number."""
        return self.person.number

    async def register(self, expires: int = 300, **more: str) -> Response:
        """REGISTER with the password; returns the final response."""
        call_id, cseq = self.registration
        headers = [("Expires", str(expires)), *((name.replace("_", "-"), value) for name, value in more.items())]
        address = NameAddr(Uri("sip", "pbx.test", user=self.person.reg_name))
        fields = {"from_": address, "to": address, "call_id": call_id}
        first = self.request("REGISTER", "sip:pbx.test", self.server, cseq=next(cseq), headers=headers, **fields)
        challenge = await self.expect(_answer_to(first))
        headers.append(("Authorization", self.password_for(first, challenge)))
        again = self.request("REGISTER", "sip:pbx.test", self.server, cseq=next(cseq), headers=headers, **fields)
        return await self.expect(_answer_to(again))

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
        address: str = "127.0.0.1",
        port: int | None = None,
    ) -> str:
        """A description of this phone's audio."""
        at = self.audio.port if port is None else port
        return (
            f"v=0\no=- 7 {version} IN IP4 127.0.0.1\ns=-\nc=IN IP4 {address}\nt=0 0\nm=audio {at} RTP/AVP {formats}\n"
            f"a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na={direction}\n"
        )

    # Calling

    async def dial(self, number: str, sdp: str | None = None, *, headers: Fields = (), **more: Any) -> Request:
        """Call a number, password included; returns the INVITE as the server took it. `sdp` "" offers nothing."""
        body = _crlf(self.sdp() if sdp is None else sdp)
        uri = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        fields = {"from_": NameAddr(Uri("sip", "pbx.test", user=self.number)).with_param("tag", f"c{time.time_ns()}")}
        fields |= {"call_id": new_call_id(), "body": body, "content_type": "application/sdp" if body else "", **more}
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
        invite = await self.expect("INVITE", within=within)
        self.reply(invite, 180)
        return invite

    async def pick_up(self, invite: Request, sdp: str | None = None, *, headers: Fields = (), **more: Any) -> "Line":
        """Say 200 and wait for the ACK."""
        response = self.reply(invite, 200, sdp=self.sdp() if sdp is None else sdp, headers=headers, **more)
        ack = await self.expect("ACK")
        return Line(self, Dialog.as_uas(invite, response.to.tag, self.uri), ack, invite)

    async def cancelled(self, invite: Request, *, within: float = 2.0) -> Request:
        """Wait for the CANCEL, obey it, and return it."""
        cancel = await self.expect("CANCEL", within=within)
        self.reply(cancel, 200)
        self.reply(invite, 487)
        await self.expect("ACK")
        return cancel

    async def hung_up(self, within: float = 2.0) -> Request:
        """Wait for a BYE, and answer it."""
        bye = await self.expect("BYE", within=within)
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

    async def offer(self, sdp: str, *, headers: Fields = (), within: float = 2.0) -> Response:
        """Re-INVITE; returns the final response, acknowledged."""
        request = self.request("INVITE", sdp, headers=headers)
        return await self.settled(request, within)

    async def settled(self, request: Request, within: float = 2.0) -> Response:
        """Wait for the final response to a request of this line, and acknowledge that to an INVITE."""
        response: Response = await self.phone.expect(_answer_to(request), within=within)
        if request.method == "INVITE" and response.is_success:
            self.dialog.learn(response)
            self.ack(response)
        elif request.method == "INVITE":
            self.phone.ack(request, response, self.phone.server)
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


class Audio:
    """A bare RTP socket."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._number = 0

    def say(self, body: bytes, to: Address, payload: int = 0) -> None:
        """One packet of PCMU."""
        self._number += 1
        self._socket.sendto(struct.pack("!BBHII", 0x80, payload, self._number, self._number * 160, 7) + body, to)

    def heard(self) -> list[bytes]:
        """The payloads that have come since the last look."""
        packets = []
        while True:
            try:
                packets.append(self._socket.recv(4096)[12:])
            except BlockingIOError:
                return packets

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


async def hears(speaker: Line, listener: Line, within: float = 2.0) -> bool:
    """Whether audio of one phone reaches the other one in time."""
    body = f"{speaker.phone.number} speaks {time.time_ns()}".encode()
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        speaker.phone.audio.say(body, speaker.media)
        await asyncio.sleep(0.02)
        if body in listener.phone.audio.heard():
            return True
    return False


async def until(true: Callable[[], bool], what: str, within: float = 3.0) -> None:
    """Wait for something that the server does by itself."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)


class Scene:
    """The people, phones and groups of one test. At its end nothing may be left of its calls."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._own: list[Phone] = []
        self._lent: list[Phone] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        try:
            await leaves_nothing_behind(self.house)
        except AssertionError:
            await _end_calls(self.house)
            raise
        finally:
            for phone in self._own:
                await phone.close()
            for phone in self._lent:
                if len(self.house.node.registrar.bindings(phone.person.id)) == 1:
                    _lending.setdefault(self.house, []).append(phone)
                else:
                    await phone.close()

    async def person(self, **fields: Any) -> Person:
        """Somebody new, without a phone."""
        return await self.house.extension(str(next(_NUMBERS)), **fields)

    async def phone(
        self, person: Person | None = None, *, transport: str = "udp", online: bool = True, **fields: Any
    ) -> Phone:
        """A phone, registered unless `online` says otherwise, of a person or of somebody new with these fields."""
        phone = await Phone.of(self.house, person or await self.person(**fields), transport)
        self._own.append(phone)
        if online:
            assert (await phone.register()).status == 200
        return phone

    async def phones(self, count: int) -> list[Phone]:
        """So many phones of different people with default settings; later tests use them again."""
        lending = _lending.setdefault(self.house, [])
        while len(lending) < count:
            lending.append(await Phone.of(self.house, await self.person()))
            assert (await lending[-1].register()).status == 200
        taken, lending[:count] = lending[:count], []
        for phone in taken:
            phone.forget()
        self._lent += taken
        return taken

    async def group(self, *members: Phone | Person, number: str | None = None, **fields: Any) -> str:
        """A ring group for these; returns its number. `ring_all` for 3 s, unless the fields say otherwise."""
        number = number or str(next(_NUMBERS))
        people = [member.person if isinstance(member, Phone) else member for member in members]
        await self.house.ring_group(number, people, **fields)
        return number

    async def id_of(self, group: str) -> str:
        """The id of a ring group, as a destination wants it."""
        found = await self.house.node.store.numbers.find(group)
        assert found is not None
        return str(found.id)

    async def talk(self, caller: Phone, callee: Phone, number: str | None = None) -> tuple[Line, Line]:
        """`caller` calls `number`, or the callee directly, who answers."""
        invite = await caller.dial(number or callee.number)
        theirs = await callee.pick_up(await callee.rings())
        return await caller.answered(invite), theirs

    async def end(self, line: Line, other: Line) -> None:
        """Hang up on one side, and see it arrive at the other."""
        assert (await line.bye()).status == 200
        await other.phone.hung_up()

    async def rows(self, **query: Any) -> list[dict[str, Any]]:
        """What `calls/list` says."""
        rows: list[dict[str, Any]] = (await self.house.get("calls/list", **query))["data"]
        return rows

    async def story(self, caller: Phone, within: float = 3.0) -> Story:
        """The story of the latest call of this caller, once it is over and written down."""
        running = self.house.node.switchboard._running
        await until(
            lambda: all(call.book.story.caller.number != caller.number for call in running),
            "the call does not end",
            within,
        )
        row = (await self.rows(caller=caller.number))[0]
        return Story.model_validate((await self.house.get("calls/get", id=row["id"]))["data"])


async def _end_calls(house: House) -> None:
    """After a test that failed, so that the next one has a quiet house."""
    for call in list(house.node.switchboard._running):
        call.inbox.put(Ended("the test failed"))
    await until(lambda: house.node.switchboard.running == 0, "a call does not end")


async def leaves_nothing_behind(house: House) -> None:
    """No call, dialog, port, listener, busy mark; and every transaction ends by its own timers."""
    node = house.node
    await until(lambda: node.switchboard.running == 0, "a call is still running")
    endpoint, media = node.endpoint, node.media
    assert endpoint._dialogs == {}
    await until(lambda: not (media._owners or media._freeing), "RTP ports are still in use")
    assert media._sessions == {}
    assert not node.switchboard._board.busy._calls
    for later in range(1, 6):  # every timer fires; what has none stays for ever
        endpoint._perform(endpoint._layer.tick(endpoint.clock() + 1000 * later))
    assert [str(machine.request) for machine in endpoint._layer._servers.values()] == []
    assert [str(machine.request) for machine in endpoint._layer._clients.values()] == []
    assert endpoint._incoming == {}
    assert endpoint._outgoing == {}


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
