"""Mails about messages, to a real mail server: sent once, never lost, and no more than their reader wants."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxChanged, MessageLeft
from ringdove.media.library import Library
from ringdove.model.extension import Extension
from ringdove.model.extension_group import ExtensionGroup
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import Mailbox, Message, MessageCount, NewMessage, NewVmNotify, VmGroup
from ringdove.net.self_signed import self_signed
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.voicemail.mail import Mailer, Pace
from support.house import House
from support.mail_server import MailServer
from support.scene import Scene, open_house
from support.tone import sound_file
from support.voicemail import messages, octets_of, reach_tone, speak

QUICK = Pace(first=0.05, longest=0.2, limit=60)
SENDER = "pbx@example.com"


class PostRoom:
    """What voicemail needs of a server to send mails, on a data folder that can be opened again."""

    def __init__(self, store: Store, settings: Settings, pace: Pace) -> None:
        self.store = store
        self.audio = Library(settings.data / "audio")
        self.shelf = Shelf(store, self.audio)
        self.bus = Bus()
        self.changed: list[Mailbox] = []
        self.bus.subscribe(MailboxChanged, lambda event: self.changed.append(event.mailbox))
        self.mailer = Mailer(store, self.shelf, self.audio, self.bus, settings, pace)

    @classmethod
    @asynccontextmanager
    async def open(cls, data: Path, port: int, *, pace: Pace = QUICK, **settings: Any) -> AsyncIterator["PostRoom"]:
        """Open one that sends to this port."""
        flags = {"smtp": f"127.0.0.1:{port}", "smtp_security": "none", "smtp_from": SENDER, "data": data, **settings}
        loaded = Settings.load(**flags)
        store = await Store.open(loaded.database_url)
        room = cls(store, loaded, pace)
        room.mailer.start()
        try:
            yield room
        finally:
            await room.mailer.close()
            await store.close()

    async def person(self, number: str = "2001", **fields: Any) -> Extension:
        """Somebody who wants mails."""
        wanted = {"email_addr": f"x{number}@example.com", "new_vm_notify": "email_without_attachment", **fields}
        return await self.store.extensions.create(Extension(number=number, **wanted))

    async def leave(self, *mailboxes: Mailbox, pitch: float = 440, seconds: float = 0.5) -> tuple[list[Message], bytes]:
        """Have a message left in mailboxes, as the postbox does it; returns also its WAV."""
        file = sound_file(self.audio.incoming / f"{time.monotonic_ns()}.wav", [(pitch, seconds)], rate=8000)
        kept = await self.audio.add(file, file.name)
        new = NewMessage(
            caller_number="6001",
            caller_name="Bob Brown",
            time=time.time() - seconds,
            seconds=seconds,
            digest=kept.digest,
            size=kept.size,
        )
        left = await self.store.messages.deliver(f"r{time.monotonic_ns()}", mailboxes, new, mail=True)
        for message in left:
            self.bus.publish(MessageLeft(message))
        return left, file.read_bytes()

    async def idle(self) -> None:
        """Wait until no mail is owed."""
        deadline = time.monotonic() + 10
        while self.mailer.waiting or await self.store.mails.owed():
            assert time.monotonic() < deadline, "mails are owed"
            await asyncio.sleep(0.01)


async def until(holds: Callable[[], object], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.01)


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


# What is sent


async def test_the_attachment_is_the_stored_wav_octet_for_octet(server: MailServer, room: PostRoom) -> None:
    ada = await room.person(first_name="Ada", new_vm_notify="email_with_attachment")
    with capture_logs() as lines:
        (message,), wav = await room.leave(ada.mailbox, seconds=20)
        mail = await server.mail()
        await room.idle()
    assert (mail.sender, mail.recipients) == (SENDER, ["x2001@example.com"])
    assert mail.email["Subject"] == "Voicemail from Bob Brown (6001)"
    assert "Mailbox: 2001 Ada" in mail.text
    (name,) = mail.files
    assert name.endswith("-6001.wav")
    assert mail.files[name] == wav == room.audio.original(message.digest).read_bytes()
    assert b"\n." not in mail.raw
    assert room.mailer.done == {"sent": 1, "failed": 0}
    assert [line for line in lines if line["event"].startswith("mail")] == [
        {"event": "mail_sent", "log_level": "info", "message": message.id, "extension": ada.id}
    ]
    assert room.changed == []
    assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)


async def test_only_who_wants_a_mail_and_has_an_address_gets_one(server: MailServer, room: PostRoom) -> None:
    people = [
        await room.person("2001", new_vm_notify="no"),
        await room.person("2002", email_addr=None),
        await room.person("2003"),
    ]
    await room.leave(*(person.mailbox for person in people))
    mail = await server.mail()
    await room.idle()
    assert [one.recipients for one in server.received] == [["x2003@example.com"]]
    assert mail.files == {}
    assert "attached" not in mail.text


async def test_everybody_who_shares_a_mailbox_is_told_and_nobody_clears_it(server: MailServer, room: PostRoom) -> None:
    ada = await room.person("2001", after_vm_notify="delete")
    bob = await room.person("2002", after_vm_notify="mark_as_read")
    await room.person("2003")
    both = await room.store.extension_groups.create(ExtensionGroup(name="g", members=(ada.id, bob.id)))
    members = (Ref(ObjectKind.EXTENSION, ada.id), Ref(ObjectKind.EXT_GROUP, both.id))
    sales = await room.store.vm_groups.create(VmGroup(number="6400", name="Sales", members=members))
    await room.leave(sales.mailbox)
    await server.mail(1)
    await room.idle()
    assert sorted(mail.recipients[0] for mail in server.received) == ["x2001@example.com", "x2002@example.com"]
    for mail in server.received:
        assert "Mailbox: 6400 Sales" in mail.text
        assert "dial" not in mail.text
    assert await room.store.messages.count(sales.mailbox) == MessageCount(1, 0)


@pytest.mark.parametrize(
    ("after", "count"), [("no", (1, 0)), ("mark_as_read", (0, 1)), ("delete", (0, 0))], ids=["no", "mark", "delete"]
)
async def test_the_message_is_marked_or_deleted_once_the_server_has_the_mail(
    server: MailServer, room: PostRoom, after: str, count: tuple[int, int]
) -> None:
    ada = await room.person(new_vm_notify="email_with_attachment", after_vm_notify=after)
    server.hold.clear()
    (message,), wav = await room.leave(ada.mailbox)
    await until(lambda: server.mails_tried)
    assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)
    server.hold.set()
    assert list((await server.mail()).files.values()) == [wav]
    await room.idle()
    assert await room.store.messages.count(ada.mailbox) == MessageCount(*count)
    await until(lambda: room.changed == ([ada.mailbox] if after != "no" else []))
    await until(lambda: room.audio.track(message.digest).exists() == (after != "delete"))


async def test_what_waits_together_goes_over_one_connection(server: MailServer, room: PostRoom) -> None:
    people = [await room.person(str(number)) for number in range(2001, 2021)]
    await room.leave(*(person.mailbox for person in people))
    await server.mail(19)
    await room.idle()
    assert server.connections == 1
    assert len({mail.email["Message-ID"] for mail in server.received}) == 20


async def test_a_message_that_is_deleted_meanwhile_is_not_sent(server: MailServer, room: PostRoom) -> None:
    ada, bob = await room.person("2001"), await room.person("2002")
    server.answers["RCPT"] += ["450 Later", "450 Later"]
    (first, _), _ = await room.leave(ada.mailbox, bob.mailbox)
    await until(lambda: server.mails_tried == 2)
    await room.store.messages.delete(first.id)
    await server.mail()
    await room.idle()
    assert [mail.recipients for mail in server.received] == [["x2002@example.com"]]
    assert room.mailer.done == {"sent": 1, "failed": 0}


async def test_who_wants_no_mails_any_more_gets_none(server: MailServer, room: PostRoom) -> None:
    ada = await room.person()
    server.answers["RCPT"] += ["450 Later"]
    await room.leave(ada.mailbox)
    await until(lambda: server.mails_tried == 1)
    await room.store.extensions.update(ada.id, lambda now: now.model_copy(update={"new_vm_notify": NewVmNotify.NO}))
    await room.idle()
    assert server.received == []


# Refusals


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_mail_that_is_not_taken_now_is_sent_again_until_it_is(
    server: MailServer, room: PostRoom, command: str
) -> None:
    ada, bob = await room.person("2001"), await room.person("2002", after_vm_notify="delete")
    server.answers[command] += ["451 4.3.0 Not now"] * 3
    with capture_logs() as lines:
        await room.leave(ada.mailbox, bob.mailbox)
        await server.mail(1)
        await room.idle()
    assert len(server.received) == 2
    assert room.mailer.done == {"sent": 2, "failed": 0}
    put_off = [line for line in lines if line["event"] == "mail_put_off"]
    assert 1 <= len(put_off) <= 2, "once for each mail"
    assert put_off[0]["reason"] == "451 4.3.0 Not now"


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_mail_that_is_refused_for_good_is_given_up_and_its_message_stays(
    server: MailServer, room: PostRoom, command: str
) -> None:
    ada, bob = await room.person("2001", after_vm_notify="delete"), await room.person("2002")
    server.answers[command].append("550 5.1.1 No such\tuser")
    with capture_logs() as lines:
        (message, _), _ = await room.leave(ada.mailbox, bob.mailbox)
        await server.mail()
        await room.idle()
    assert [mail.recipients for mail in server.received] == [["x2002@example.com"]], "the next one is not held up"
    assert room.mailer.done == {"sent": 1, "failed": 1}
    (failed,) = [line for line in lines if line["event"] == "mail_failed"]
    assert (failed["message"], failed["reason"]) == (message.id, "550 5.1.1 No such user")
    assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)


async def test_a_recording_that_is_too_large_for_the_server_is_left_out_and_stays(tmp_path: Path) -> None:
    async with MailServer.open(size=20_000) as server, PostRoom.open(tmp_path, server.port) as room:
        ada = await room.person(new_vm_notify="email_with_attachment", after_vm_notify="delete")
        await room.leave(ada.mailbox, seconds=5)
        mail = await server.mail()
        await room.idle()
        assert mail.files == {}
        assert "It is too large to be attached." in mail.text
        assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)


async def test_a_mailbox_that_is_full_at_the_other_end_is_given_up(server: MailServer, room: PostRoom) -> None:
    ada = await room.person(new_vm_notify="email_with_attachment")
    server.answers["RCPT"] += ["552 5.2.2 Mailbox full"] * 2
    with capture_logs() as lines:
        await room.leave(ada.mailbox)
        await room.idle()
    assert [line["reason"] for line in lines if line["event"] == "mail_failed"] == ["552 5.2.2 Mailbox full"]
    assert server.received == []


async def test_an_address_that_cannot_be_holds_up_nobody(server: MailServer, room: PostRoom) -> None:
    ada, bob = await room.person("2001", email_addr="a(b)@example.com"), await room.person("2002")
    await room.leave(ada.mailbox, bob.mailbox)
    await room.idle()
    assert [mail.recipients for mail in server.received] == [["x2002@example.com"]]
    assert room.mailer.done == {"sent": 1, "failed": 1}


async def test_after_days_in_vain_a_mail_is_given_up(tmp_path: Path, server: MailServer) -> None:
    await server.stop()
    async with PostRoom.open(tmp_path, server.port, pace=Pace(0.05, 0.1, 0.5)) as room:
        ada = await room.person()
        with capture_logs() as lines:
            await room.leave(ada.mailbox)
            await room.idle()
    assert room.mailer.done == {"sent": 0, "failed": 1}
    waits, failed = [line for line in lines if line["event"].startswith("mail")]
    assert (waits["event"], waits["reason"]) == ("mails_wait", "Connection refused")
    assert (failed["event"], failed["reason"]) == ("mail_failed", "Connection refused")


# The way there


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


async def test_mails_wait_over_a_restart(tmp_path: Path, server: MailServer) -> None:
    await server.stop()
    slow = Pace(first=3600)
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


# Secured ways


async def test_mails_go_encrypted_and_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = self_signed(tmp_path / "tls", ["127.0.0.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    login = {"smtp_user": "pbx", "smtp_password": "open-sesame"}
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
    login = {"smtp_user": "pbx", "smtp_password": "open-sesame"}
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
    login = {"smtp_user": "pbx", "smtp_password": "open-sesame"}
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


# In a whole server


async def test_what_a_caller_says_comes_by_mail(tmp_path: Path, server: MailServer) -> None:
    smtp = {"smtp": f"127.0.0.1:{server.port}", "smtp_security": "none", "smtp_from": SENDER}
    async with open_house(tmp_path, vm_shortest=1, **smtp) as house, Scene(house) as scene:
        (alice,) = await scene.phones(1)
        wanted = {"email_addr": "bob@example.com", "new_vm_notify": "email_with_attachment"}
        bob = await scene.person(enb_vm=1, after_vm_notify="mark_as_read", **wanted)
        line = await reach_tone(alice, await alice.dial(bob.number))
        await speak(line, 700, 2)
        assert (await line.bye()).status == 200
        mail = await server.mail()
        assert mail.recipients == ["bob@example.com"]
        (message,) = await messages(house, count=1, ext_id=bob.id)
        assert mail.files[message["file_name"]] == await octets_of(house, message["id"])
        assert house.node.mailer is not None
        await until(lambda: house.node.mailer and not house.node.mailer.waiting)
        (message,) = await messages(house, count=1, ext_id=bob.id)
        assert message["read"] == 1
        numbers = (await house.http.get(f"http://{house.node.http}/metrics")).text
        assert 'ringdove_mails_total{result="sent"} 1.0' in numbers
        assert "ringdove_mails_waiting 0.0" in numbers


async def test_an_administrator_tries_out_the_mail_server(tmp_path: Path, server: MailServer) -> None:
    smtp = {"smtp": f"127.0.0.1:{server.port}", "smtp_security": "none", "smtp_from": SENDER}
    async with House.open(tmp_path, **smtp) as house:
        mail = {
            "email_server": "follow_system",
            "recipient": ["a@example.com"],
            "cc": ["b@example.com"],
            "bcc": ["c@example.com"],
            "subject": "API test",
            "body": "It works.\n.\n",
            "attachments": [],
            "force_attach": 0,
        }
        await house.post("system/sendemail", **mail)
        came = await server.mail()
        assert came.recipients == ["a@example.com", "b@example.com", "c@example.com"]
        assert (came.email["Subject"], came.email["Bcc"], came.text) == ("API test", None, "It works.\n.\n")

        async def failed(**changes: Any) -> dict[str, Any]:
            answer = await house.http.post(
                "system/sendemail", json=mail | changes, params={"access_token": house.token}
            )
            body: dict[str, Any] = answer.json()
            return body

        server.answers["RCPT"] += ["250 OK", "550 5.1.1 Nobody here"]
        refused = {"errcode": 40011, "errmsg": "MAIL NOT SENT"}
        assert await failed() == refused | {"submsg": "550 5.1.1 Nobody here"}
        await server.stop()
        assert await failed() == refused | {"submsg": "Connection refused"}
        wrong = await failed(
            email_server="ys", recipient=[], cc=[], bcc=["x y@example.com"], attachments=["/etc/passwd"]
        )
        assert {(one["field"], one["validation_type"]) for one in wrong["invalid_param_list"]} == {
            ("email_server", "unsupported"),
            ("bcc[0]", "pattern"),
            ("attachments", "unsupported"),
        }
        wrong = await failed(recipient=[], cc=None, bcc=[], force_attach=1)
        assert {(one["field"], one["validation_type"]) for one in wrong["invalid_param_list"]} == {
            ("recipient", "required"),
            ("attachments", "required"),
        }
    assert len(server.received) == 1


async def test_without_a_mail_server_nobody_is_owed_a_mail(tmp_path: Path) -> None:
    async with House.open(tmp_path) as house:
        answer = await house.http.post(
            "system/sendemail",
            json={"email_server": "custom", "recipient": ["a@example.com"]},
            params={"access_token": house.token},
        )
        assert answer.json() == {
            "errcode": 40011,
            "errmsg": "MAIL NOT SENT",
            "submsg": "no mail server is set: see RINGDOVE_SMTP",
        }
        assert house.node.mailer is None
