"""The way of mails to a real mail server: down, back, silent, secured, restarts on our side."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringdove.model.voicemail import MessageCount
from ringdove.net.self_signed import self_signed
from ringdove.voicemail import smtp
from ringdove.voicemail.pace import Pace
from support.mail_server import MailServer
from support.post_room import PostRoom, until


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer.open() as server:
        yield server


@pytest.fixture
async def room(tmp_path: Path, server: MailServer) -> AsyncIterator[PostRoom]:
    async with PostRoom.open(tmp_path, server.port) as room:
        yield room


def events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


async def test_mails_wait_for_a_server_that_is_down(server: MailServer, room: PostRoom) -> None:
    ada = await room.person()
    await server.stop()
    with capture_logs() as lines:
        for pitch in (300, 400, 500):
            await room.leave(ada.mailbox, pitch=pitch)
        await asyncio.sleep(0.5)
        assert room.mailer.waiting == 3
        await server.start()
        await server.mail(2)
        await room.idle()
    assert len(server.received) == 3
    told = [event for event in events(lines) if event.startswith("mails")]
    assert told == ["mails_wait", "mails_go_out"], "said once"


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        ("MAIL", "550 5.1.0 Sender rejected"),
        ("MAIL", "553 5.7.1 <pbx@example.com>: not owned by user"),
        ("MAIL", "530 5.7.57 Client not authenticated to send mail"),
        ("MAIL", "552 5.2.2 Out of quota"),
        ("EHLO", "550 5.7.1 I do not know you"),
    ],
)
async def test_who_is_turned_away_by_the_settings_keeps_its_mails_until_they_are_mended(
    server: MailServer, room: PostRoom, command: str, refusal: str
) -> None:
    ada, bob = await room.person("2001"), await room.person("2002", new_vm_notify="email_with_attachment")
    server.always[command] = refusal
    with capture_logs() as lines:
        await room.leave(ada.mailbox, bob.mailbox)
        await until(lambda: server.connections >= 3)
        assert room.mailer.waiting == 2
        await room.leave(ada.mailbox)
        await until(lambda: room.mailer.waiting == 3)
        del server.always[command]
        await server.mail(2)
        await room.idle()
    assert room.mailer.done == {"sent": 3, "failed": 0}
    assert [(line["event"], line.get("reason")) for line in lines if line["event"].startswith("mails")] == [
        ("mails_wait", refusal),
        ("mails_go_out", None),
    ], "said once"


async def test_a_server_that_greets_with_a_refusal_is_asked_again(room: PostRoom, server: MailServer) -> None:
    await server.stop()

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 No service for you\r\n")
        writer.close()

    ada = await room.person()
    with capture_logs() as lines:
        async with await asyncio.start_server(refuse, "127.0.0.1", server.port):
            await room.leave(ada.mailbox)
            await until(lambda: "mails_wait" in events(lines))
        await server.start()
        await server.mail()
        await room.idle()
    told = [line["reason"] for line in lines if line["event"] == "mails_wait"]
    assert told[0] == "554 5.7.1 No service for you"
    assert room.mailer.done == {"sent": 1, "failed": 0}


async def test_pauses_grow_while_the_settings_are_wrong_and_the_end_is_the_same(
    tmp_path: Path, server: MailServer
) -> None:
    server.always["MAIL"] = "550 5.1.0 Sender rejected"
    async with PostRoom.open(tmp_path, server.port, pace=Pace(0.1, 1.6, 1.0)) as room:
        ada = await room.person()
        with capture_logs() as lines:
            began = time.monotonic()
            await room.leave(ada.mailbox)
            await room.idle()
        assert time.monotonic() - began > 1.0
        assert server.mails_tried <= 5, "at 0, 0.1, 0.3, 0.7 and 1.5 s"
        assert room.mailer.done == {"sent": 0, "failed": 1}
        assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)
    assert [(line["event"], line["reason"]) for line in lines if line["event"].startswith("mail")] == [
        ("mails_wait", "550 5.1.0 Sender rejected"),
        ("mail_failed", "550 5.1.0 Sender rejected"),
    ]


async def test_mails_wait_over_a_restart(tmp_path: Path, server: MailServer) -> None:
    await server.stop()
    slow = Pace(first=3600, longest=3600, limit=3600)
    async with PostRoom.open(tmp_path, server.port, pace=slow) as room:
        ada = await room.person(new_vm_notify="email_with_attachment", after_vm_notify="mark_as_read")
        _, wav = await room.leave(ada.mailbox)
        await until(lambda: room.mailer.waiting)
    await server.start()
    async with PostRoom.open(tmp_path, server.port, pace=slow) as room:
        mail = await server.mail()
        assert list(mail.files.values()) == [wav]
        await room.idle()
        assert await room.store.messages.count(ada.mailbox) == MessageCount(0, 1)
    async with PostRoom.open(tmp_path, server.port, pace=slow) as room:
        await room.idle()
    assert len(server.received) == 1


async def test_a_stop_waits_for_the_mail_under_way_but_not_for_ever(tmp_path: Path, server: MailServer) -> None:
    server.hold.clear()
    async with PostRoom.open(tmp_path, server.port) as room:
        ada = await room.person()
        await room.leave(ada.mailbox)
        await until(lambda: server.mails_tried)
        asyncio.get_running_loop().call_later(1.0, server.hold.set)
    assert len(server.received) == 1
    server.hold.clear()
    async with PostRoom.open(tmp_path, server.port) as room:
        assert await room.store.mails.owed() == []
        await room.leave(ada.mailbox)
        await until(lambda: server.mails_tried == 2)
        began = time.monotonic()
    assert 4 < time.monotonic() - began < 8
    server.hold.set()
    async with PostRoom.open(tmp_path, server.port) as room:
        await until(lambda: len(server.received) >= 2)
        await room.idle()


async def test_only_the_answer_to_a_mail_may_take_minutes(
    tmp_path: Path, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_PATIENCE", 0.3)
    server.hold.clear()
    server.answers["DATA"].append("554 5.6.0 Not this one")
    async with PostRoom.open(tmp_path, server.port) as room:
        people = [await room.person(number) for number in ("2001", "2002")]
        await room.leave(*(one.mailbox for one in people))
        await until(lambda: server.mails_tried == 2, within=5)
        assert server.connections == 2, "the first one is silent where it should be ready for the next mail"
        server.hold.set()
        await server.mail()


async def test_a_server_that_says_nothing_holds_up_no_stop(tmp_path: Path) -> None:
    lines = list[asyncio.StreamWriter]()
    silent = await asyncio.start_server(lambda _reader, writer: lines.append(writer), "127.0.0.1", 0)
    async with silent, PostRoom.open(tmp_path, silent.sockets[0].getsockname()[1]) as room:
        ada = await room.person()
        await room.leave(ada.mailbox)
        await until(lambda: lines)
        began = time.monotonic()
        await room.mailer.close()
        assert time.monotonic() - began < 8
        lines[0].close()


async def test_a_store_that_cannot_note_it_makes_no_second_mail(
    tmp_path: Path, server: MailServer, room: PostRoom
) -> None:
    ada = await room.person(after_vm_notify="mark_as_read")
    with closing(sqlite3.connect(tmp_path / "ringdove.db", isolation_level=None)) as db:
        db.execute("CREATE TRIGGER no BEFORE DELETE ON vm_mail BEGIN SELECT RAISE(ABORT, 'no'); END")
        await room.leave(ada.mailbox)
        await server.mail()
        await asyncio.sleep(0.5)
        assert room.mailer.waiting == 1
        assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)
        db.execute("DROP TRIGGER no")
    await room.idle()
    assert len(server.received) == room.mailer.done["sent"] == 1
    assert await room.store.messages.count(ada.mailbox) == MessageCount(0, 1)
    assert room.changed == [ada.mailbox]


async def test_a_mail_that_comes_twice_after_a_crash_can_be_told_by_its_message_id(
    tmp_path: Path, server: MailServer
) -> None:
    with closing(sqlite3.connect(tmp_path / "ringdove.db", isolation_level=None)) as db:
        async with PostRoom.open(tmp_path, server.port) as room:
            ada = await room.person(new_vm_notify="email_with_attachment", after_vm_notify="delete")
            db.execute("CREATE TRIGGER no BEFORE DELETE ON vm_mail BEGIN SELECT RAISE(ABORT, 'no'); END")
            await room.leave(ada.mailbox)
            await server.mail()
        db.execute("DROP TRIGGER no")  # what the mail server has accepted was noted nowhere, as after a crash
    async with PostRoom.open(tmp_path, server.port) as room:
        await server.mail(1)
        await room.idle()
        assert await room.store.messages.count(ada.mailbox) == MessageCount(0, 0)
    first, second = (mail.email for mail in server.received)
    assert first["Message-ID"]
    assert [first[name] for name in ("Message-ID", "Date")] == [second[name] for name in ("Message-ID", "Date")]


# Secured ways


async def test_mails_go_encrypted_and_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = self_signed(tmp_path / "tls", ["127.0.0.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    login: dict[str, Any] = {"smtp_user": "pbx", "smtp_password": "open-sesame"}
    async with (
        MailServer.open(certificate=pair, login=("pbx", "open-sesame")) as server,
        PostRoom.open(tmp_path, server.port, smtp_security="starttls", **login) as room,
    ):
        await room.leave((await room.person()).mailbox)
        mail = await server.mail()
        assert mail.secured
        assert mail.login == "pbx"


async def test_mails_go_by_tls_from_the_first_octet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = self_signed(tmp_path / "tls", ["127.0.0.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with (
        MailServer.open(certificate=pair, implicit=True) as server,
        PostRoom.open(tmp_path, server.port, smtp_security="tls") as room,
    ):
        await room.leave((await room.person()).mailbox)
        assert (await server.mail()).secured


async def test_a_login_goes_in_the_clear_only_where_the_settings_say_so(tmp_path: Path) -> None:
    login: dict[str, Any] = {"smtp_user": "pbx", "smtp_password": "open-sesame"}
    async with (
        MailServer.open(login=("pbx", "open-sesame")) as server,
        PostRoom.open(tmp_path, server.port, smtp_security="none", **login) as room,
    ):
        await room.leave((await room.person()).mailbox)
        assert (await server.mail()).login == "pbx"


@pytest.mark.parametrize(
    ("names", "trusted", "security", "reason"),
    [
        (["127.0.0.1"], False, "starttls", "the server's certificate: self-signed certificate"),
        (["127.0.0.2"], True, "starttls", "the server's certificate: IP address mismatch"),
        (["127.0.0.2"], True, "tls", "the server's certificate: IP address mismatch"),
        ([], True, "starttls", "STARTTLS extension not supported by server."),
    ],
)
async def test_a_mail_server_that_cannot_be_trusted_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], trusted: bool, security: str, reason: str
) -> None:
    pair = self_signed(tmp_path / "tls", names) if names else None
    if pair and trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    login: dict[str, Any] = {"smtp_user": "pbx", "smtp_password": "open-sesame"}
    async with (
        MailServer.open(certificate=pair, implicit=security == "tls") as server,
        PostRoom.open(tmp_path, server.port, smtp_security=security, **login) as room,
    ):
        with capture_logs() as lines:
            await room.leave((await room.person()).mailbox)
            await until(lambda: "mails_wait" in events(lines))
        (said,) = [line["reason"] for line in lines if line["event"] == "mails_wait"]
        assert said.startswith(reason)
        assert (server.received, server.mails_tried, room.mailer.waiting) == ([], 0, 1)


@pytest.mark.parametrize("password", ["wrong-word", "pässwört"])
async def test_a_wrong_login_keeps_the_mails_waiting_and_tells_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    pair = self_signed(tmp_path / "tls", ["127.0.0.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with (
        MailServer.open(certificate=pair, login=("pbx", "open-sesame")) as server,
        PostRoom.open(tmp_path, server.port, smtp_security="starttls", smtp_user="pbx", smtp_password=password) as room,
    ):
        with capture_logs() as lines:
            await room.leave((await room.person()).mailbox)
            await until(lambda: "mails_wait" in events(lines))
            await asyncio.sleep(0.3)
        assert room.mailer.waiting == 1
        assert room.mailer.done == {"sent": 0, "failed": 0}
        assert password not in str(lines)
        assert not [word for word in ("ä", "ö", "\\xe4") if word in str(lines)]
        assert events(lines).count("mails_wait") == 1
