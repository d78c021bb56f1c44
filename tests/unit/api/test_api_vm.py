"""`vm/…`: messages in mailboxes."""

import time
from typing import Any

import pytest

from ringdove.events.types import MailboxChanged
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import Mailbox, MailboxKind, Message, NewMessage, VmGroup
from support.silence import silence
from unit.api.api_client import BASE, Api, bad_fields
from unit.api.sound_files import kept

ANN = Mailbox(MailboxKind.EXTENSION, 3071)
BOB = Mailbox(MailboxKind.EXTENSION, 3074)
EIGHT = time.mktime((2026, 11, 27, 8, 15, 0, 0, 0, -1))
DONE = {"errcode": 0, "errmsg": "SUCCESS"}


async def leave(api: Api, *mailboxes: Mailbox, caller: str = "6001", at: float = EIGHT) -> list[Message]:
    """Leave one recording in some mailboxes."""
    recording = f"{caller} {at}".encode().hex()
    audio = silence(api.services.settings.data, f"{recording}.wav")
    new = NewMessage(
        caller_number=caller,
        caller_name="Zoë",
        time=at,
        seconds=audio.seconds,
        digest=audio.digest,
        size=audio.size,
        call_id="call-1",
    )
    return await api.store.messages.deliver(recording, mailboxes, new)


async def shared(api: Api) -> VmGroup:
    member = Ref(ObjectKind.EXTENSION, 3071)
    return await api.store.vm_groups.create(VmGroup(number="6400", name="Sales", members=(member,)))


async def ids(api: Api, **params: Any) -> list[int]:
    answer = await api.get("vm/query", **params)
    assert answer["errcode"] == 0, answer
    return [row["id"] for row in answer["data"]]


async def test_a_message_is_told_in_our_words_and_in_those_of_other_clients(people: Api) -> None:
    (message,) = await leave(people, ANN)
    row = {
        "id": message.id, "caller": "6001", "caller_name": "Zoë", "time": int(EIGHT), "duration": 0.1, "read": 0,
        "size": message.size, "call_id": "call-1", "file_name": "20261127-081500-6001.wav",
        "msg_id": str(message.id), "is_read": 0, "number": "6001", "name": "Zoë",
    }  # fmt: skip
    assert await people.get("vm/query", ext_id=3071) == DONE | {
        "total_number": 1, "data": [row], "voicemail_list": [{"number": "1001", "total_number": 1, "data": [row]}],
    }  # fmt: skip
    for name in ("id", "msg_id"):
        assert await people.get("vm/get", **{name: message.id}) == DONE | {"data": row}
    assert await people.get("vm/get", number="1001") == DONE | {"total_number": 1, "data": [row]}
    assert bad_fields(await people.get("vm/get")) == {"id": "required"}
    assert bad_fields(await people.get("vm/get", id=message.id, number="1001")) == {"number": "exclusive"}
    assert bad_fields(await people.get("vm/get", id=99)) == {"id": "exist"}
    assert bad_fields(await people.get("vm/get", number="9")) == {"number": "exist"}


async def test_the_list_of_extensions_says_how_many_messages_there_are(people: Api) -> None:
    (message,), _ = await leave(people, ANN), await leave(people, ANN, at=1)
    await people.post("vm/update", {"id": message.id, "read": 1})
    rows = (await people.get("extension/search", search_value="100"))["data"]
    assert [row["messages"] for row in rows] == [{"total": 2, "unread": 1}, *[{"total": 0, "unread": 0}] * 2]


async def test_a_mailbox_is_named_by_id_or_by_number(people: Api) -> None:
    group = await shared(people)
    (mine,), (ours,) = await leave(people, ANN), await leave(people, group.mailbox, at=EIGHT + 1)
    assert await ids(people, ext_id="3071") == await ids(people, number="1001") == [mine.id]
    assert await ids(people, group_id=group.id) == await ids(people, number=6400) == [ours.id]
    answer = await people.get("vm/query", number="6400, 1001,1002")
    assert [(one["number"], one["total_number"]) for one in answer["voicemail_list"]] == [
        ("6400", 1), ("1001", 1), ("1002", 0),
    ]  # fmt: skip
    assert (answer["total_number"], [row["id"] for row in answer["data"]]) == (2, [ours.id, mine.id])


@pytest.mark.parametrize(
    ("params", "problems"),
    [
        ({}, {"ext_id": "required"}),
        ({"ext_id": ""}, {"ext_id": "required"}),
        ({"ext_id": 3071, "group_id": 1}, {"group_id": "exclusive"}),
        ({"ext_id": 3071, "group_id": 1, "number": "1001"}, {"group_id": "exclusive", "number": "exclusive"}),
        ({"ext_id": 1}, {"ext_id": "exist"}),
        ({"group_id": 3071}, {"group_id": "exist"}),
        ({"number": "1001,9"}, {"number": "exist"}),
        ({"number": "6300"}, {"number": "exist"}),
        ({"number": "a"}, {"number": "pattern"}),
        ({"number": ",".join(str(number) for number in range(21))}, {"number": "length"}),
        ({"ext_id": 3071, "read": 2, "sort_by": "digest"}, {"read": "enum", "sort_by": "enum"}),
    ],
)
async def test_a_bad_query_is_named(people: Api, params: dict[str, Any], problems: dict[str, str]) -> None:
    assert bad_fields(await people.get("vm/query", **params)) == problems


async def test_messages_are_paged_sorted_and_narrowed(people: Api) -> None:
    made = [(await leave(people, ANN, caller=caller, at=at))[0] for caller, at in (("3", 20), ("1", 30), ("2", 10))]
    first, second, third = (message.id for message in made)
    await people.post("vm/update", {"id": second, "read": 1})
    assert await ids(people, ext_id=3071, sort_by="time") == [third, first, second]
    assert await ids(people, ext_id=3071, sort_by="caller", order_by="desc", page_size=2) == [first, third]
    assert await ids(people, ext_id=3071, read=0) == [first, third]
    assert await ids(people, ext_id=3071, read="1") == [second]


async def test_a_read_mark_is_set_and_taken_back(people: Api) -> None:
    (message,) = await leave(people, ANN)
    for body, read in (
        ({"id": message.id, "read": 1}, 1),
        ({"id": str(message.id), "read": "0"}, 0),
        ({"msg_id": str(message.id), "vm_status": 1}, 1),
    ):
        assert await people.post("vm/update", body) == DONE
        assert (await people.get("vm/get", id=message.id))["data"]["read"] == read
        assert people.events.pop() == MailboxChanged(ANN)
    assert bad_fields(await people.post("vm/update", {"id": 99, "read": 1})) == {"id": "exist"}
    assert bad_fields(await people.post("vm/update", {"read": 2})) == {"id": "required", "read": "enum"}
    assert people.events == []


async def test_a_message_is_fetched_and_heard_under_its_name(people: Api) -> None:
    (message,) = await leave(people, ANN, caller="+49 (30) 12/34")
    for interface, url, disposition in (
        ("download", "download_resource_url", "attachment"),
        ("play", "play_resource_url", "inline"),
    ):
        answer = await people.get(f"vm/{interface}", id=message.id)
        assert answer["file"] == "20261127-081500-+49301234.wav"
        fetched = await people.http.get(answer[url], params={"access_token": people.token})
        assert (fetched.status_code, len(fetched.content)) == (200, message.size)
        assert fetched.headers["content-type"] == "audio/wav"
        assert fetched.headers["content-disposition"].startswith(disposition)
        assert bad_fields(await people.get(f"vm/{interface}", id=99)) == {"id": "exist"}
    assert (await people.get("vm/get", id=message.id))["data"]["read"] == 0


def test_who_hides_the_number_or_makes_it_a_path_gets_a_file_name_all_the_same() -> None:
    def name(caller: str) -> str:
        message = Message(
            id=1, mailbox=ANN, recording="r", caller_number=caller, time=EIGHT, seconds=1, digest="a" * 64, size=1
        )
        return message.file

    assert name("") == name("…") == "20261127-081500-unknown.wav"
    assert name("../../etc/passwd") == "20261127-081500-etcpasswd.wav"
    assert name("9" * 99) == f"20261127-081500-{'9' * 31}.wav"


async def test_content_goes_with_the_last_message_that_has_it(people: Api) -> None:
    data = people.services.settings.data
    mine, his = await leave(people, ANN, BOB)
    assert await people.get("vm/delete", id=mine.id) == DONE
    assert people.events == [MailboxChanged(ANN)]
    assert kept(data) == {mine.digest}
    assert await people.get("vm/delete", msg_id=his.id) == DONE
    assert kept(data) == set()
    assert await ids(people, number="1001,1002") == []


async def test_messages_are_deleted_together_or_not_at_all(people: Api) -> None:
    made = [message.id for at in (1, 2) for message in await leave(people, ANN, BOB, at=at)]
    assert bad_fields(await people.get("vm/delete", ids=f"{made[0]},99")) == {"ids": "exist"}
    assert await ids(people, number="1001,1002") == [made[0], made[2], made[1], made[3]]
    assert people.events == []
    assert await people.get("vm/delete", ids=",".join(map(str, made))) == DONE
    assert sorted(event.mailbox for event in people.events if isinstance(event, MailboxChanged)) == [ANN, BOB]
    assert kept(people.services.settings.data) == set()


async def test_a_mailbox_goes_with_its_extension_or_group(people: Api) -> None:
    group = await shared(people)
    data = people.services.settings.data
    await leave(people, ANN, at=1)
    await leave(people, ANN, BOB, at=2)
    await leave(people, group.mailbox, at=3)
    assert len(kept(data)) == 3
    assert await people.get("extension/delete", id=3071) == DONE
    assert len(kept(data)) == 2
    assert await people.get("vm_group/delete", id=group.id) == DONE
    (left,) = await people.store.messages.many(await ids(people, ext_id=3074))
    assert kept(data) == {left.digest}


async def test_phones_hear_of_a_deletion_whose_content_cannot_go(people: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: str) -> None:
        raise OSError("read-only")

    (message,) = await leave(people, ANN)
    monkeypatch.setattr(people.services.shelf, "discard", fails)
    answer = await people.http.get(BASE + "vm/delete", params={"access_token": people.token, "id": message.id})
    assert answer.status_code == 500
    assert people.events == [MailboxChanged(ANN)]
