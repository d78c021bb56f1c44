"""A phone for tests: a real socket, registers, and keeps what else it is sent for the test to look at."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from ringdove.sip.digest import Algorithm, authorize
from ringdove.sip.headers import Headers
from ringdove.sip.identifiers import new_branch, new_call_id, new_tag
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import Ping, StreamParser, parse

PATIENCE = 5.0
"""Seconds after which a test gives up waiting."""


class ScriptedPhone:
    """Use it as `async with await ScriptedPhone.udp(server) as phone`."""

    def __init__(
        self, transport: str, local: tuple[str, int], send: Callable[[bytes], None], close: Callable[[], None]
    ) -> None:
        self.transport = transport
        self.host, self.port = local
        self.answers_options = True
        self.requests: asyncio.Queue[Request] = asyncio.Queue()
        self.call_id = new_call_id()
        self._responses: asyncio.Queue[Response] = asyncio.Queue()
        self._cseq = itertools.count(1)
        self._send = send
        self._close = close

    @classmethod
    async def udp(cls, server: tuple[str, int]) -> Self:
        """A phone on a free UDP port."""
        phone: Self

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                phone._received(parse(data))

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Protocol, remote_addr=server)
        phone = cls("udp", transport.get_extra_info("sockname")[:2], transport.sendto, transport.close)
        return phone

    @classmethod
    async def tcp(cls, server: tuple[str, int]) -> Self:
        """A phone with a connection to the server."""
        phone: Self
        parser = StreamParser()

        class Protocol(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                for item in parser.feed(data):
                    if not isinstance(item, Ping):
                        phone._received(item)

        transport, _ = await asyncio.get_running_loop().create_connection(Protocol, *server)
        phone = cls("tcp", transport.get_extra_info("sockname")[:2], transport.write, transport.close)
        return phone

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._close()

    def send(self, message: Request | Response) -> None:
        """Send a message as it is."""
        self._send(message.to_bytes())

    @property
    def contact(self) -> str:
        """The address it is at."""
        return f"sip:phone@{self.host}:{self.port}" + (";transport=tcp" if self.transport == "tcp" else "")

    def request(self, contacts: Sequence[str], extension: str, **more: str) -> Request:
        """A REGISTER without credentials."""
        headers = Headers()
        headers.add("Via", f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};rport;branch={new_branch()}")
        headers.add("Max-Forwards", "70")
        headers.add("From", f"<sip:{extension}@pbx>;tag={new_tag()}")
        headers.add("To", f"<sip:{extension}@pbx>")
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{next(self._cseq)} REGISTER")
        for contact in contacts:
            headers.add("Contact", contact)
        for name, value in more.items():
            headers.set(name.replace("_", "-"), value)
        return Request("REGISTER", "sip:pbx", headers)

    async def ask(self, request: Request) -> Response:
        """Send a request and wait for its final response."""
        self._send(request.to_bytes())
        while True:
            response = await asyncio.wait_for(self._responses.get(), PATIENCE)
            if response.is_final and response.cseq == request.cseq:
                return response

    async def register(
        self,
        *contacts: str,
        extension: str = "1000",
        password: str,
        algorithms: Sequence[Algorithm] = tuple(Algorithm),
        **more: str,
    ) -> Response:
        """REGISTER, answer the challenge, and return what comes of it."""
        response = await self.ask(self.request(contacts, extension, **more))
        if response.status != 401:
            return response
        challenges = response.headers.get_all("WWW-Authenticate")
        request = self.request(contacts, extension, **more)
        value = authorize(challenges, extension, password, "REGISTER", request.uri, algorithms=algorithms)
        request.headers.add("Authorization", value)
        return await self.ask(request)

    async def next_request(self) -> Request:
        """What the server asks of the phone next."""
        return await asyncio.wait_for(self.requests.get(), PATIENCE)

    def _received(self, message: Request | Response) -> None:
        if isinstance(message, Response):
            self._responses.put_nowait(message)
            return
        self.requests.put_nowait(message)
        if message.method == "OPTIONS" and self.answers_options:
            with suppress(OSError):
                self._send(message.reply(200, to_tag="phone").to_bytes())
