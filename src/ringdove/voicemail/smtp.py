"""One connection to the mail server (RFC 5321), for a thread: everything here blocks."""

import base64
import os
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from ringdove.settings import Settings, SmtpSecurity

from .mail_text import Mail

_PATIENCE = 60.0
"""Seconds that the server may take for an answer, and a connection to come about."""
_VERDICT = 600.0
"""Seconds that it may take until it has accepted a mail: who asks again too soon sends it twice (RFC 5321 §4.5.3.2)."""
_GOODBYE = 1.0
_PIECE = 57 * 1024
"""Octets that are read at a time: whole lines of base64."""
_LOGIN_WANTED = 530
_SERVICE_ENDS = 421
_TOO_LARGE = 552
_POLICY = b"5.7."
"""How what a server does not allow begins (RFC 3463 §3.8)."""


class Refused(Exception):
    """The server does not take this mail; `for_good` says that it never will, `too_large` that it is the size."""

    def __init__(self, code: int, reply: bytes | str, *, for_good: bool) -> None:
        super().__init__(f"{code} {_words(reply)}")
        self.too_large = code == _TOO_LARGE
        self.for_good = for_good


class NoWay(Exception):
    """Nobody could be asked to take a mail: the server is not there, or does not let us in, or is gone."""


class Link:
    """Sends mails over one connection, which comes about with the first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def send(self, mail: Mail) -> None:
        """Send a mail, which the server has accepted when this returns. Raises Refused, NoWay, and OSError where its
        file cannot be read.
        """
        if mail.file is None:
            self._send(mail, None, 0)
            return
        with mail.file.open("rb") as file:
            self._send(mail, file, os.fstat(file.fileno()).st_size)

    def close(self) -> None:
        """Take leave; the server need not listen."""
        if self._smtp is not None:
            with suppress(OSError):
                self._wait(_GOODBYE)
                self._smtp.quit()
            self._smtp.close()
            self._smtp = None

    def abort(self) -> None:
        """Have whoever waits in another thread for the server wait no longer."""
        if (smtp := self._smtp) is not None and (line := smtp.sock) is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _send(self, mail: Mail, file: BinaryIO | None, of_file: int) -> None:
        try:
            smtp = self._ready()
            self._offer(smtp, mail, mail.octets(of_file))
            for recipient in mail.recipients:
                _check_recipient(smtp.rcpt(recipient))
            _check(smtp.docmd("DATA"), 354)
            for piece in _pieces(mail, file):
                smtp.send(piece)
            smtp.send(b".\r\n")
            self._wait(_VERDICT)
            verdict = smtp.getreply()
            self._wait(_PATIENCE)  # also where it refuses: the next mail goes over the same connection
            _check(verdict)
        except (OSError, UnicodeError, NoWay) as error:
            self._drop()
            raise NoWay(_why(error)) from None

    def _offer(self, smtp: smtplib.SMTP, mail: Mail, octets: int) -> None:
        """Ask whether the server takes a mail that is so long. Raises Refused, NoWay.

        All mails have one sender: a server that never takes one for it takes none of them, unless it is the size.
        """
        most = smtp.esmtp_features.get("size")
        if mail.file and most and most.isdecimal() and 0 < int(most) < octets:  # 0: as large as may be (RFC 1870 §4)
            raise Refused(_TOO_LARGE, f"the server takes {most} octets", for_good=True)
        code, reply = smtp.mail(mail.sender, [] if most is None else [f"size={octets}"])
        if code >= 500 and not (code == _TOO_LARGE and mail.file):
            raise NoWay(f"{code} {_words(reply)}")
        _check((code, reply))

    def _ready(self) -> smtplib.SMTP:
        """The connection, as if nothing had been asked yet: a new one where the server has ended the last."""
        if self._smtp is not None:
            with suppress(OSError):
                if self._smtp.rset()[0] == 250:
                    return self._smtp
            self._drop()
        self._smtp = smtp = self._connect()
        return smtp

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        assert settings.smtp is not None  # noqa: S101 - without there is no mail
        host, port = settings.smtp
        if settings.smtp_security is SmtpSecurity.TLS:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_PATIENCE, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(host, port, timeout=_PATIENCE)
        try:
            if settings.smtp_security is SmtpSecurity.STARTTLS:
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            if settings.smtp_user is not None and settings.smtp_password is not None:
                self._log_in(smtp, settings.smtp_user, settings.smtp_password.get_secret_value())
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _log_in(self, smtp: smtplib.SMTP, user: str, password: str) -> None:
        try:
            smtp.login(user, password)
        except UnicodeError:  # its text would show a part of the password
            raise NoWay("the login has characters that cannot be sent") from None

    def _wait(self, seconds: float) -> None:
        """Have the server so long for its answers from now on."""
        if self._smtp is not None and self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _pieces(mail: Mail, file: BinaryIO | None) -> Iterator[bytes]:
    """What goes over the line, lines that begin with a dot with another one (RFC 5321 §4.5.2); base64 has none."""
    yield re.sub(rb"(?m)^\.", b"..", mail.head)
    if file is not None:
        while piece := file.read(_PIECE):
            yield base64.encodebytes(piece).replace(b"\n", b"\r\n")
        yield mail.tail


def _check(answer: tuple[int, bytes], wanted: int = 250) -> None:
    """Raise what an answer other than the wanted one means."""
    code, reply = answer
    if code in {_SERVICE_ENDS, -1}:
        raise NoWay(f"{code} {_words(reply)}" if code > 0 else "the server does not speak SMTP")
    if code // 100 != wanted // 100:
        raise Refused(code, reply, for_good=code >= 500)


def _check_recipient(answer: tuple[int, bytes]) -> None:
    """Raise what an answer to RCPT means: who passes nothing on for us does not speak of the recipient."""
    code, reply = answer
    if code == _LOGIN_WANTED or (code >= 500 and reply.startswith(_POLICY)):
        raise Refused(code, reply, for_good=False)
    _check(answer)


def _why(error: Exception) -> str:
    """An error in one line."""
    match error:
        case smtplib.SMTPResponseException():
            return f"{error.smtp_code} {_words(error.smtp_error)}"
        case TimeoutError():
            return "the server does not answer"
        case ssl.SSLCertVerificationError():
            return f"the server's certificate: {error.verify_message}"
        case NoWay() | smtplib.SMTPException():
            return _words(str(error))
        case OSError(strerror=str(text)):
            return _words(text)
    return type(error).__name__


def _words(reply: bytes | str) -> str:
    """What a server says, as one line of a log."""
    text = reply.decode("ascii", "replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
