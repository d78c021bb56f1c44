"""What mails say, whoever calls."""

import re
import time
from base64 import encodebytes
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.model.extension import Extension
from ringdove.model.voicemail import Mailbox, MailboxKind, Message
from ringdove.voicemail.mail_text import Mail, Unwritable, about, plain, spoken, tidy

WHEN = datetime(2026, 11, 27, 7, 15, tzinfo=UTC).timestamp()
TO = Extension(id=7, number="2001", first_name="Ada", email_addr="ada@example.com")
HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
HOSTILE = (
    "Eve\r\nBcc: all@example.com",
    "Eve\nSubject: x\n\nbody",
    "=?utf-8?q?Eve=0D=0ABcc:_all=40example.com?=",
    "=?=?utf-8?q?Eve=0ABcc:_x?=",
    '"Eve" <eve@example.com>, all@example.com',
    "Eve\x00\x1b[2J",
    "Eve\u2028Bcc: x\u202e",
    "Eve\ud800",
    "the recording",
    ".",
    "x" * 5000,
)


@pytest.fixture(scope="module", autouse=True)
def _in_paris() -> Iterator[None]:
    """The server's clock is an hour ahead of UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1")
        time.tzset()
        yield
    time.tzset()


def message(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": 42,
        "mailbox": Mailbox(MailboxKind.EXTENSION, 7),
        "recording": "f00d",
        "caller_number": "6001",
        "caller_name": "Bob Brown",
        "time": WHEN,
        "seconds": 65.4,
        "digest": "a" * 64,
        "size": 32_044,
    }
    return Message.model_construct(**fields | changes)  # also what no rule of ours would let in


def written(left: Message, to: Extension = TO, recording: Path | None = None) -> Mail:
    return about(left, to, mailbox="2001 Ada", sender="pbx@example.com", code="*2", recording=recording)


def read(mail: Mail, content: bytes = b"") -> EmailMessage:
    middle = encodebytes(content).replace(b"\n", b"\r\n") if mail.file else b""
    parsed = message_from_bytes(mail.head + middle + mail.tail, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(email: EmailMessage) -> str:
    body = email.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


def test_it_says_who_called_when_for_how_long_and_where() -> None:
    email = read(written(message()))
    assert email["Subject"] == "Voicemail from Bob Brown (6001)"
    assert email["From"] == "Ringdove <pbx@example.com>"
    assert email["To"] == "Ada <ada@example.com>"
    assert email["Auto-Submitted"] == "auto-generated"
    assert email["Date"].datetime == datetime.fromtimestamp(WHEN + 65.4, UTC).replace(microsecond=0)
    assert text_of(email) == (
        "Somebody left a message:\n"
        "\n"
        "From:    Bob Brown (6001)\n"
        "When:    Fri 27 Nov 2026, 08:15:00 CET (UTC+0100)\n"
        "Length:  1:05\n"
        "Mailbox: 2001 Ada\n"
        "\n"
        "To listen on your phone, dial *2.\n"
    )


def test_the_recording_is_attached_under_a_name_that_says_when_and_who() -> None:
    email = read(written(message(), recording=Path("there.wav")), b"RIFF" * 100)
    (part,) = email.iter_attachments()
    assert part.get_content_type() == "audio/wav"
    assert part.get_filename() == "20261127-081500-6001.wav"
    assert part.get_content() == b"RIFF" * 100
    assert "It is attached as 20261127-081500-6001.wav." in text_of(email)


@given(st.binary(max_size=2000))
def test_how_long_it_is_is_known_before_the_file_is_read(content: bytes) -> None:
    mail = written(message(), recording=Path("there.wav"))
    assert mail.octets(len(content)) == len(mail.head) + len(encodebytes(content).replace(b"\n", b"\r\n")) + len(
        mail.tail
    )


def test_a_mail_that_is_sent_again_has_the_same_name_and_date() -> None:
    one, other = (read(about(message(), TO, mailbox=box, sender="pbx@example.com", code=None)) for box in ("a", "b"))
    assert one["Message-ID"] == other["Message-ID"] == "<f00d.42.7@example.com>"
    assert one["Date"] == other["Date"]


def test_every_mail_has_a_name_of_its_own() -> None:
    others = [(message(id=43), TO), (message(recording="beef"), TO), (message(), TO.model_copy(update={"id": 8}))]
    names = {read(written(left, to))["Message-ID"] for left, to in [(message(), TO), *others]}
    assert len(names) == 4


@pytest.mark.parametrize(
    ("number", "name", "shown"),
    [("6001", "", "6001"), ("6001", "6001", "6001"), ("", "Bob", "Bob"), ("", "", "an unknown caller")],
)
def test_a_caller_without_a_name_or_number_is_called_by_what_there_is(number: str, name: str, shown: str) -> None:
    assert read(written(message(caller_number=number, caller_name=name)))["Subject"] == f"Voicemail from {shown}"


STRANGERS = st.one_of(st.sampled_from(HOSTILE), st.text(), st.text(alphabet='=?utf-8qbQB_0DAa\r\n :@<>",.;()\\é'))


@given(name=STRANGERS, number=STRANGERS, own=STRANGERS)
def test_no_caller_writes_a_header_or_another_line(name: str, number: str, own: str) -> None:
    to = TO.model_copy(update={"caller_id_name": own})
    left = message(caller_name=name, caller_number=number)
    mail = written(left, to, Path("there.wav"))
    email = read(mail, b"RIFF")
    assert set(email.keys()) == HEADERS | {"Content-Type"}
    assert len(email.keys()) == len(HEADERS) + 1
    assert mail.recipients == ("ada@example.com",)
    assert [one.addr_spec for one in email["To"].addresses] == ["ada@example.com"]
    lines = text_of(email).splitlines()
    assert len(lines) == 9
    assert [line.split(":")[0] for line in lines[2:6]] == ["From", "When", "Length", "Mailbox"]
    who = tidy(number) or tidy(name)
    assert (who or "an unknown caller") in lines[2]
    (part,) = email.iter_attachments()
    assert re.fullmatch(r"20261127-081500-([0-9A-Za-z+]{1,31})\.wav", part.get_filename() or "")
    assert part.get_content() == b"RIFF"
    for line in (mail.head + mail.tail).split(b"\r\n"):
        assert len(line) <= 998
        assert line.isascii()
        assert b"\r" not in line
        assert b"\n" not in line


@given(STRANGERS)
def test_tidy_text_is_one_line_of_what_can_be_seen(text: str) -> None:
    assert tidy(text).isprintable()
    assert len(tidy(text)) <= 127
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(
    "address", ["a,b@example.com", "a(b)@example.com", "<a@example.com", "a..b@", "@", "a@b,c", ""]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Unwritable):
        written(message(), TO.model_copy(update={"email_addr": address}))


@given(st.from_regex(r"[!-?A-~]{1,12}@[!-?A-~]{1,12}", fullmatch=True))
def test_an_address_is_used_as_it_is_or_not_at_all(address: str) -> None:
    try:
        mail = written(message(), TO.model_copy(update={"email_addr": address}))
    except Unwritable:
        return
    assert mail.recipients == (address,)
    assert [one.addr_spec for one in read(mail)["To"].addresses] == [address]


def test_who_gets_a_blind_copy_is_not_named() -> None:
    mail = plain("pbx@example.com", "Hello\r\nX: y", "Line\n.\nend", to=("a@b.c",), cc=("d@e.f",), bcc=("g@h.i",))
    assert mail.recipients == ("a@b.c", "d@e.f", "g@h.i")
    email = read(mail)
    assert email["Subject"] == "Hello X: y"
    assert (email["To"], email["Cc"], email["Bcc"]) == ("a@b.c", "d@e.f", None)
    assert text_of(email) == "Line\n.\nend\n"


def test_lengths_are_minutes_and_seconds() -> None:
    assert [spoken(seconds) for seconds in (0.4, 59.6, 61, 3600)] == ["0:00", "1:00", "1:01", "60:00"]
