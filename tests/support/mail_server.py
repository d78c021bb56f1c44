"""A real mail server in the test's own loop, which does as the test says.

async with MailServer.open() as server:
    server.answers["RCPT"].append("450 4.2.1 Later")
    ...
    mail = await server.mail()
"""

import asyncio
import gc
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from warnings import catch_warnings, simplefilter

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ringdove.net.certificate import load


@dataclass(frozen=True)
class Received:
    """What came: the envelope, and the mail as its reader sees it."""

    sender: str
    recipients: list[str]
    raw: bytes
    secured: bool
    login: str | None

    @property
    def email(self) -> EmailMessage:
        """The mail, parsed."""
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """Its plain text."""
        body = self.email.get_body(("plain",))
        assert isinstance(body, EmailMessage)
        return str(body.get_content()).replace("\r\n", "\n")

    @property
    def files(self) -> dict[str, bytes]:
        """What is attached, by name."""
        return {str(part.get_filename()): part.get_content() for part in self.email.iter_attachments()}


class MailServer:
    """Takes mails on loopback. `answers` are given instead of 250, one for each command of that name, then `always`."""

    def __init__(
        self, *, login: tuple[str, str] | None, certificate: tuple[Path, Path] | None, size: int, implicit: bool
    ) -> None:
        self.received: list[Received] = []
        self.answers: defaultdict[str, list[str]] = defaultdict(list)
        self.always: dict[str, str] = {}
        self.connections = 0
        self.mails_tried = 0
        self.port = 0
        self.hold = asyncio.Event()
        """While it is clear no mail is accepted, and RSET gets no answer."""
        self.hold.set()
        self._login = login
        self._size = size
        self._tls = load(*certificate) if certificate else None
        self._implicit = implicit
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        login: tuple[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
        implicit: bool = False,
        size: int = 1 << 25,
    ) -> AsyncIterator["MailServer"]:
        """Start one; with a certificate and its key it wants STARTTLS, or TLS at once where it is `implicit`."""
        server = cls(login=login, certificate=certificate, size=size, implicit=implicit)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()

    async def start(self) -> None:
        """Listen, again at the same port where it has listened before."""
        loop = asyncio.get_running_loop()
        tls = self._tls if self._implicit else None
        self._server = await loop.create_server(self._session, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and end what is under way."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        await self._end_sessions()
        if self._tls is not None:
            with catch_warnings():  # asyncio takes the end of STARTTLS for a stream that was left open
                simplefilter("ignore", ResourceWarning)
                gc.collect()

    async def _end_sessions(self) -> None:
        for session in self._sessions:
            for transport in (session.transport, session._original_transport):
                if isinstance(transport, asyncio.WriteTransport):
                    transport.abort()
        if handlers := [session._handler_coroutine for session in self._sessions if session._handler_coroutine]:
            await asyncio.wait(handlers, timeout=1)
        self._sessions.clear()

    async def mail(self, number: int = 0, within: float = 10.0) -> Received:
        """The mail with this number, when it has come."""
        deadline = time.monotonic() + within
        while len(self.received) <= number:
            assert time.monotonic() < deadline, "no mail has come"
            await asyncio.sleep(0.01)
        return self.received[number]

    # What aiosmtpd asks

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [answer] if (answer := self._answer("EHLO")) else responses

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        session.host_name = hostname
        return self._answer("EHLO") or "250 mail.example.com"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.mails_tried += 1
        if (answer := self._answer("MAIL")) is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := self._answer("RCPT")) is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self._answer("DATA"):
            return answer
        await self.hold.wait()
        assert isinstance(envelope.content, bytes)
        login = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        secured = self._implicit or session.ssl is not None
        came = Received(envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content, secured, login)
        self.received.append(came)
        return "250 Accepted"

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await self.hold.wait()
        return "250 OK"

    def _answer(self, command: str) -> str | None:
        waiting = self.answers[command]
        return waiting.pop(0) if waiting else self.always.get(command)

    def _session(self) -> SMTP:
        self.connections += 1
        starttls = self._tls if not self._implicit else None
        with catch_warnings():
            simplefilter("ignore")  # that a login without TLS can be overheard
            session = SMTP(
                self,
                hostname="mail.example.com",
                data_size_limit=self._size,
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=self._authenticate if self._login else None,
                auth_required=self._login is not None,
                auth_require_tls=starttls is not None,
                loop=asyncio.get_running_loop(),
            )
        self._sessions.append(session)
        return session

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        assert self._login
        good = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=good, handled=False, auth_data=data)
