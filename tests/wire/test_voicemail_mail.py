"""Mails about messages, to a real mail server: sent once, never lost, and no more than their reader wants."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringdove.model.extension_group import ExtensionGroup
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import MessageCount, NewVmNotify, VmGroup
from ringdove.voicemail.pace import Pace
from support.house import House
from support.mail_server import MailServer
from support.post_room import SENDER, PostRoom, until
from support.scene import Scene, open_house
from support.voicemail import messages, octets_of, reach_tone, speak


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


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
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


@pytest.mark.parametrize(
    "refusal", ["550 5.7.1 Unable to relay", "554 5.7.1 <x2001@example.com>: Relay access denied", "530 5.7.0 Log in"]
)
async def test_a_server_that_passes_nothing_on_for_us_is_asked_again(
    server: MailServer, room: PostRoom, refusal: str
) -> None:
    ada, bob = await room.person("2001"), await room.person("2002")
    server.answers["RCPT"] += [refusal] * 2
    with capture_logs() as lines:
        await room.leave(ada.mailbox, bob.mailbox)
        await server.mail(1)
        await room.idle()
    assert room.mailer.done == {"sent": 2, "failed": 0}
    assert {line["reason"] for line in lines if line["event"] == "mail_put_off"} == {refusal}


async def test_a_recording_that_is_too_large_for_the_server_is_left_out_and_stays(tmp_path: Path) -> None:
    async with MailServer.open(size=20_000) as server, PostRoom.open(tmp_path, server.port) as room:
        ada = await room.person(new_vm_notify="email_with_attachment", after_vm_notify="delete")
        await room.leave(ada.mailbox, seconds=5)
        mail = await server.mail()
        await room.idle()
        assert mail.files == {}
        assert "It is too large to be attached." in mail.text
        assert server.mails_tried == 1, "it was not even offered"
        assert await room.store.messages.count(ada.mailbox) == MessageCount(1, 0)


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
async def test_what_a_server_finds_too_large_without_having_said_so_comes_without_the_recording(
    server: MailServer, room: PostRoom, command: str
) -> None:
    ada = await room.person(new_vm_notify="email_with_attachment")
    server.answers[command].append("552 5.3.4 Message too big for system")
    await room.leave(ada.mailbox)
    mail = await server.mail()
    await room.idle()
    assert mail.files == {}
    assert "It is too large to be attached." in mail.text
    assert room.mailer.done == {"sent": 1, "failed": 0}


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


# In a whole server


async def test_what_a_caller_says_comes_by_mail(tmp_path: Path, server: MailServer) -> None:
    smtp: dict[str, Any] = {"smtp": f"127.0.0.1:{server.port}", "smtp_security": "none", "smtp_from": SENDER}
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
    smtp: dict[str, Any] = {"smtp": f"127.0.0.1:{server.port}", "smtp_security": "none", "smtp_from": SENDER}
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
