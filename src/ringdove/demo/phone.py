"""A simulated SIP phone: a user agent of its own on a real socket, with an owner who behaves as told."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ringdove.net.endpoint import TRANSPORTS, Endpoint, Hop, IncomingRequest, Listen
from ringdove.settings import HostPort
from ringdove.sip.dialog import new_request
from ringdove.sip.digest import authorize
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.headers import NameAddr
from ringdove.sip.identifiers import new_call_id, new_tag
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri

from .incoming import Behaviour, IncomingLine, LetRing
from .lamp import Lamp, lamp_of
from .line import Line
from .outgoing import OutgoingLine
from .voice import voice

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a phone is plugged into: how it speaks SIP, and who opens its sockets."""

    transport: str = "udp"
    transports: Mapping[str, Listen] = field(default_factory=lambda: TRANSPORTS)
    rtp: Callable[[int, int], socket.socket] = socket.socket
    """Opens a socket of this family and type."""


class RegistrationRefused(Exception):
    """The server did not take the phone; the text says with which status."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a phone is set up with."""

    number: str
    name: str
    reg_name: str
    reg_password: str


class Phone:
    """One phone. `lines` are all its calls, the oldest first; `voice` is a packet of what its owner says.

    `lamp` is the one for messages, None until the server has said something about it.
    `behave` decides what the owner does about a call that comes; `on_change` is called whenever a call has changed
    its state, `on_lamp` when the server has said whether messages wait. They may be set at any time.
    """

    def __init__(
        self,
        account: Account,
        server: HostPort,
        *,
        pitch: int = 400,
        wiring: Wiring = Wiring(),
        instance: str = "",
    ) -> None:
        """`pitch`, in Hz, is that of the owner's voice. `instance` is a URN by which the server knows the phone again
        after a restart (RFC 5626 §4.1).
        """
        self.account = account
        self.wiring = wiring
        self.voice = voice(pitch)
        self.lines: list[Line] = []
        self.lamp: Lamp | None = None
        self.behave: Callable[[IncomingLine], Behaviour] = lambda _: LetRing()
        self.on_change: Callable[[Line], None] = lambda _: None
        self.on_lamp: Callable[[Phone], None] = lambda _: None
        self.hop: Hop
        self.endpoint: Endpoint
        self._server = server
        self._instance = instance
        self._registration = partial(new_request, "REGISTER", call_id=new_call_id())
        self._cseq = 0
        self._tag = new_tag()

    async def start(self) -> None:
        """Open the socket, on any free port."""
        host = "::1" if ":" in self._server.host else "127.0.0.1"
        self.endpoint = Endpoint(transports=self.wiring.transports)
        self.endpoint.on_request = self._on_request
        local = await self.endpoint.listen(self.wiring.transport, host, 0)
        self.hop = Hop(self.wiring.transport, *self._server, *local)

    async def register(self, expires: int = 300) -> None:
        """Register for so many seconds (0: no longer); raises RegistrationRefused."""
        await self._have_bound(self._binding, expires)

    async def unregister_all(self) -> None:
        """Have every phone of the extension forgotten (§10.2.2); raises RegistrationRefused."""
        await self._have_bound("*", 0)

    async def _have_bound(self, contact: str, expires: int) -> None:
        response = await self._ask(self._register(contact, expires))
        if not response.is_success:
            raise RegistrationRefused(f"{self.account.number}: {response.status} {response.reason}")

    def dial(self, number: str) -> OutgoingLine:
        """Call a number."""
        line = OutgoingLine(self, number)
        self.lines.append(line)
        line.dial()
        return line

    async def close(self) -> None:
        """Hang up and close the socket. The registration stays, as with a phone that loses its power."""
        for line in list(self.lines):
            line.hang_up()
            line.audio.close()
        await self.endpoint.close()

    async def vanish(self) -> None:
        """Lose power in the middle of everything: nobody is told."""
        for line in list(self.lines):
            line.lose()
        await self.endpoint.close()

    # What its calls need

    @property
    def contact(self) -> Uri:
        """Where it can be called directly."""
        return self.endpoint.contact(self.hop, self.account.number)

    @property
    def _binding(self) -> str:
        """The Contact that it registers."""
        return f"<{self.contact}>" + (f';+sip.instance="<{self._instance}>";reg-id=1' if self._instance else "")

    @property
    def domain(self) -> str:
        """The host part of the addresses of its server."""
        return f"[{self._server.host}]" if ":" in self._server.host else self._server.host

    @property
    def address(self) -> NameAddr:
        """Its own address of record."""
        return NameAddr(Uri("sip", self.domain, user=self.account.reg_name), self.account.name)

    def authorized(self, request: Request, response: Response) -> Request | None:
        """The same request with the password that a 401 asks for; None where that is not what is missing (§22.2)."""
        if response.status != 401 or "Authorization" in request.headers:
            return None
        try:
            credentials = authorize(
                response.headers.get_all("WWW-Authenticate"),
                self.account.reg_name,
                self.account.reg_password,
                request.method,
                request.uri,
            )
        except SipSyntaxError:
            return None
        headers = request.headers.copy()
        headers.remove("Via")
        headers.set("CSeq", f"{request.cseq.number + 1} {request.method}")
        headers.add("Authorization", credentials)
        return Request(request.method, request.uri, headers, request.body)

    def _register(self, contact: str, expires: int) -> Request:
        address = self.address
        self._cseq += 2  # the request with the password takes the number between
        return self._registration(
            Uri("sip", self.domain),
            from_=address.with_param("tag", self._tag),
            to=address,
            cseq=self._cseq,
            headers=[("Contact", contact), ("Expires", str(expires)), ("Allow", ALLOW)],
        )

    async def _ask(self, request: Request) -> Response:
        """Send a request, with the password where it is asked for; returns the final response."""
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response) -> None:
            if response.is_final and not final.done():
                final.set_result(response)

        sent = self.endpoint.send_request(
            request, self.hop, on_response=take, on_failure=lambda failure: take(request.reply(failure.status))
        )
        response = await final
        again = self.authorized(sent.request, response)
        return response if again is None else await self._ask(again)

    def _on_request(self, incoming: IncomingRequest) -> None:
        match incoming.request.method:
            case "INVITE":
                line = IncomingLine(self, incoming)
                self.lines.append(line)
                line.ring(self.behave(line))
            case "NOTIFY":
                self._notified(incoming)
            case "OPTIONS":
                incoming.reply(200, headers=[("Allow", ALLOW)])
            case _:
                incoming.reply(405, headers=[("Allow", ALLOW)])

    def _notified(self, incoming: IncomingRequest) -> None:
        """The server says whether messages wait (RFC 3842), unasked: this phone subscribes to nothing."""
        lamp = lamp_of(incoming.request)
        if lamp is None:
            incoming.reply(489)
            return
        incoming.reply(200)
        self.lamp = lamp
        self.on_lamp(self)
