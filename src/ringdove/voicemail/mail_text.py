"""What a mail says: plain text, and the recording where it is wanted. No I/O."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path

from ringdove.model.extension import Extension
from ringdove.model.voicemail import Message

# Lines of ASCII alone, which every server passes on as they are.
_POLICY = SMTP.clone(cte_type="7bit")
_PLACE = b"the recording"
_ATOM = r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?!.*=\?){_ATOM}(\.{_ATOM})*@{_ATOM}(\.{_ATOM})*")
"""What needs no quotes (RFC 5322 §3.4.1), and nobody could take for an encoded word."""
_LONGEST_NAME = 127
_BASE64 = 57
"""Octets of a file that become one line of base64 (RFC 2045 §6.8)."""


class Unwritable(ValueError):
    """A mail that cannot be: to such an address none can be sent."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes over the line, with a file in its middle as base64, where there is one.

    It is read only while it is sent: a long message takes 5 MB, and some callers talk for an hour.
    """

    sender: str
    recipients: tuple[str, ...]
    head: bytes
    file: Path | None = None
    tail: bytes = b""

    def octets(self, of_file: int) -> int:
        """How long it is with a file that is so long (RFC 1870)."""
        lines = -(-of_file // _BASE64)
        return len(self.head) + -(-of_file // 3) * 4 + 2 * lines + len(self.tail)


def about(
    message: Message,
    to: Extension,
    *,
    mailbox: str,
    sender: str,
    code: str | None,
    recording: Path | None = None,
    too_large: bool = False,
) -> Mail:
    """The mail that tells somebody of a message in this `mailbox`, with the `recording` attached where that is given.

    `code` is what is dialled to listen; `too_large` says that it was to be attached and cannot be. Raises Unwritable.
    """
    began = datetime.fromtimestamp(message.time).astimezone()
    caller = _caller(message)
    lines = [
        ("From", caller),
        ("When", began.strftime("%a %d %b %Y, %H:%M:%S %Z (UTC%z)")),
        ("Length", spoken(message.seconds)),
        ("Mailbox", tidy(mailbox)),
    ]
    text = ["Somebody left a message:", "", *(f"{name + ':':9}{value}" for name, value in lines), ""]
    if recording is not None:
        text.append(f"It is attached as {message.file}.")
    if too_large:
        text.append("It is too large to be attached.")
    if code is not None:
        text.append(f"To listen on your phone, dial {code}.")
    email = _empty(sender, {"To": [_address(to.email_addr or "", tidy(to.name))]})
    email["Subject"] = f"Voicemail from {caller}"
    # The same whenever it is sent, so that one that comes twice can be recognised (RFC 5322 §3.6.1, §3.6.4).
    email["Date"] = began + timedelta(seconds=message.seconds)
    mail_id = f"{re.sub('[^0-9A-Za-z-]', '', message.recording)}.{message.id}.{to.id}"
    email["Message-ID"] = f"<{mail_id}@{_domain(sender)}>"
    email.set_content("\r\n".join(text))
    if recording is not None:
        email.add_attachment(b"", maintype="audio", subtype="wav", filename=message.file)
        *_, part = email.iter_attachments()
        part.set_payload(_PLACE.decode())
    return _mail(email, recording)


def plain(
    sender: str, subject: str, text: str, *, to: tuple[str, ...], cc: tuple[str, ...] = (), bcc: tuple[str, ...] = ()
) -> Mail:
    """A mail with a text of somebody's own; who is in `bcc` is named nowhere in it. Raises Unwritable."""
    to_all = {"To": to, "Cc": cc, "Bcc": bcc}
    addresses = {name: [_address(one) for one in named] for name, named in to_all.items() if named}
    email = _empty(sender, {name: named for name, named in addresses.items() if name != "Bcc"})
    email["Subject"] = tidy(subject)
    email["Date"] = datetime.now().astimezone()
    email["Message-ID"] = make_msgid(domain=_domain(sender))
    email.set_content(text)
    return _mail(email, None, tuple(one.addr_spec for named in addresses.values() for one in named))


def tidy(text: str) -> str:
    """Words of strangers as one line of what can be seen, of which nothing begins another line of a header.

    Encoded words (RFC 2047) are broken up: `email` would decode them, and some versions take a line break out of them.
    """
    seen = "".join(character if character.isprintable() else " " for character in text).replace("=?", "= ?")
    return " ".join(seen.split())[:_LONGEST_NAME].rstrip()


def spoken(seconds: float) -> str:
    """A length as minutes and seconds, `1:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _caller(message: Message) -> str:
    number, name = tidy(message.caller_number), tidy(message.caller_name)
    if not number:
        return name or "an unknown caller"
    return f"{name} ({number})" if name and name != number else number


def _address(text: str, name: str = "") -> Address:
    if not _ADDRESS.fullmatch(text):
        raise Unwritable(f"no mail can be sent to {text}")
    return Address(name, addr_spec=text)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _empty(sender: str, named: dict[str, list[Address]]) -> EmailMessage:
    """A mail that no machine answers (RFC 3834 §5.2), with its addresses."""
    email = EmailMessage(policy=_POLICY)
    email["From"] = _address(sender, "Ringdove")
    for name, addresses in named.items():
        email[name] = addresses
    email["Auto-Submitted"] = "auto-generated"
    return email


def _mail(email: EmailMessage, file: Path | None, recipients: tuple[str, ...] | None = None) -> Mail:
    sender = email["From"].addresses[0].addr_spec
    recipients = recipients or tuple(one.addr_spec for one in email["To"].addresses)
    data = email.as_bytes()
    if file is None:
        return Mail(sender, recipients, data)
    head, _, tail = data.rpartition(_PLACE)
    return Mail(sender, recipients, head, file, tail)
