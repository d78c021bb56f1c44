"""`vm_group/…`, and group voicemails as destinations of ring groups."""

from typing import Any

import pytest

from ringdove.api.vm_group import EXAMPLES
from ringdove.events.types import MailboxChanged
from ringdove.model.voicemail import Mailbox, MailboxKind, NewMessage
from unit.api.api_client import Api, bad_fields

DONE = {"errcode": 0, "errmsg": "SUCCESS"}
ANN = {"value": "3071", "type": "extension"}
BOB = {"value": "3074", "type": "extension"}
EVERYBODY = {"value": "1", "type": "ext_group"}


async def create(api: Api, **fields: Any) -> int:
    answer = await api.post("vm_group/create", {"number": "6400", "name": "Sales", "member_list": [ANN]} | fields)
    assert answer["errcode"] == 0, answer
    return int(answer["id"])


async def detail(api: Api, group_id: int) -> dict[str, Any]:
    data: dict[str, Any] = (await api.get("vm_group/get", id=group_id))["data"]
    return data


async def test_a_group_is_told_with_its_members_and_messages(people: Api) -> None:
    group_id = await create(people, member_list=[ANN, EVERYBODY], enb_vm_pin="1", vm_pin=1234)
    mailbox = Mailbox(MailboxKind.GROUP, group_id)
    for i in range(3):
        new = NewMessage(caller_number="1", time=1, seconds=1, digest="a" * 64, size=1)
        (message,) = await people.store.messages.deliver(f"r{i}", [mailbox], new)
    await people.store.messages.mark(message.id, True)
    row = {
        "id": group_id, "type": "custom", "number": "6400", "name": "Sales", "mode": "share",
        "member_list": [
            ANN | {"text": "Person 1001", "text2": "1001"},
            EVERYBODY | {"text": "Default_All_Extensions", "text2": "Default_All_Extensions"},
        ],
        "messages": {"total": 3, "unread": 2}, "enb_vm_pin": 1, "vm_greeting": "follow_system",
    }  # fmt: skip
    assert await people.get("vm_group/get", id=group_id) == DONE | {"data": row}
    assert await people.get("vm_group/query", ids=group_id) == DONE | {"data": [row]}
    listed = DONE | {"total_number": 1, "data": [row], "vm_group_list": [row]}
    assert await people.get("vm_group/list", sort_by="type") == listed
    assert await people.get("vm_group/search", search_value="ale") == listed
    assert (await people.get("vm_group/search", search_value="x"))["vm_group_list"] == []
    assert (await people.get("system/get_menuoptions", menu="group_vm"))["data"] == [
        {"text": "6400 Sales", "value": str(group_id), "type": "group_vm"}
    ]


@pytest.mark.parametrize("body", EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_the_examples_of_the_reference_work(people: Api, body: dict[str, Any]) -> None:
    assert (await people.post("vm_group/create", body))["errcode"] == 0


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"number": None, "name": None, "member_list": None},
         {"number": "required", "name": "required", "member_list": "required"}),
        ({"member_list": []}, {"member_list": "length"}),
        ({"member_list": [ANN, {"value": "9"}]}, {"member_list[1].value": "exist"}),
        ({"member_list": [{"value": "9", "type": "ext_group"}]}, {"member_list[0].value": "exist"}),
        ({"member_list": [{"value": "x", "type": "queue"}, {}]},
         {"member_list[0].value": "pattern", "member_list[0].type": "enum", "member_list[1].value": "required"}),
        ({"mode": "loud", "type": "queue"}, {"mode": "enum", "type": "enum"}),
        ({"enb_vm_pin": 1}, {"vm_pin": "required"}),
        ({"enb_vm_pin": "1", "vm_pin": ""}, {"vm_pin": "required"}),
        ({"vm_pin": "12"}, {"vm_pin": "length"}),
        ({"vm_pin": "12a"}, {"vm_pin": "pattern"}),
        ({"vm_greeting": "hello.wav", "number": "x"}, {"vm_greeting": "exist", "number": "pattern"}),
        ({"vm_greeting": "../x"}, {"vm_greeting": "pattern"}),
    ],
)  # fmt: skip
async def test_bad_fields_are_named_together(people: Api, fields: dict[str, Any], problems: dict[str, str]) -> None:
    body = {"number": "6400", "name": "Sales", "member_list": [ANN]} | fields
    assert bad_fields(await people.post("vm_group/create", body)) == problems
    assert (await people.get("vm_group/list"))["total_number"] == 0


async def test_a_number_is_given_once(people: Api) -> None:
    await create(people)
    for path, body in (
        ("vm_group/create", {"number": "6400", "name": "X", "member_list": [ANN]}),
        ("extension/create", {"number": "6400"}),
    ):
        answer = await people.post(path, body)
        assert answer["errcode"] == 40003
        assert answer["duplicate_field_list"][0] == {
            "field": "number", "value": "6400", "external_source": "group_vm", "external_source_name": "6400",
        }  # fmt: skip


async def test_an_update_changes_what_is_given_and_tells_who_came_or_went(people: Api) -> None:
    group_id = await create(people, enb_vm_pin=1, vm_pin="123")
    before = await detail(people, group_id)
    assert await people.post("vm_group/update", {"id": group_id, "number": "1", "name": "New"}) == DONE
    assert await detail(people, group_id) == before | {"name": "New"}
    people.events.clear()
    body = {"id": str(group_id), "mode": "broadcast", "member_list": [BOB]}
    assert await people.post("vm_group/update", body) == DONE
    after = await detail(people, group_id)
    assert (after["mode"], [member["value"] for member in after["member_list"]]) == ("broadcast", ["3074"])
    told = {event.mailbox.id for event in people.events if isinstance(event, MailboxChanged)}
    assert told == {3071, 3074}
    assert bad_fields(await people.post("vm_group/update", {"id": group_id, "member_list": []})) == {
        "member_list": "length"
    }
    assert bad_fields(await people.post("vm_group/update", {"id": 99, "mode": "x"})) == {"id": "exist", "mode": "enum"}
    saved = await people.store.vm_groups.get(group_id)
    assert saved
    assert saved.vm_pin == "123"


async def test_who_comes_or_goes_with_an_extension_group_is_told(people: Api) -> None:
    async def told(path: str, body: dict[str, Any] | None = None) -> set[int]:
        people.events.clear()
        answer = await (people.get(path, id=group_id) if body is None else people.post(path, {"id": group_id} | body))
        assert answer == DONE
        return {event.mailbox.id for event in people.events if isinstance(event, MailboxChanged)}

    body = {"name": "g", "members": [{"value": "3071"}, {"value": "3074"}]}
    group_id = (await people.post("extensiongroup/create", body))["id"]
    assert await told("extensiongroup/update", {"name": "h"}) == set()
    assert await told("extensiongroup/update", {"members": [{"value": "3074"}, {"value": "3075"}]}) == {3071, 3075}
    assert await told("extensiongroup/update", {"member_select": "sel_all_ext"}) == {3071}
    assert await told("extensiongroup/delete") == {3071, 3074, 3075}


async def test_a_group_without_members_stays_and_can_be_renamed(people: Api) -> None:
    group_id = await create(people)
    await people.get("extension/delete", id=3071)
    assert (await detail(people, group_id))["member_list"] == []
    assert await people.post("vm_group/update", {"id": group_id, "name": "Nobody"}) == DONE
    assert (await detail(people, group_id))["name"] == "Nobody"


async def test_a_ring_group_sends_calls_to_a_mailbox_that_exists(people: Api) -> None:
    services = people.services
    kinds = services.destination_kinds | {"ext_vm", "group_vm"}
    object.__setattr__(services, "destination_kinds", kinds)  # those that calls can enter are another part's doing
    group_id = await create(people)
    body = {"name": "G", "ring_strategy": "ring_all", "ring_timeout": 20, "member_list": [BOB]}
    for number, kind, value in (("6300", "ext_vm", "3071"), ("6301", "group_vm", str(group_id))):
        fails = body | {"number": number, "fail_dest": kind}
        wrong = await people.post("ringgroup/create", fails | {"fail_dest_value": "999"})
        assert bad_fields(wrong) == {"fail_dest_value": "exist"}
        assert (await people.post("ringgroup/create", fails | {"fail_dest_value": value}))["errcode"] == 0
    for path, object_id, user in (("extension", 3071, "6300"), ("vm_group", group_id, "6301")):
        answer = await people.get(f"{path}/delete", id=object_id)
        assert answer["errcode"] == 40010
        assert [(one["source"], one["number"], one["field"]) for one in answer["used_by_list"]] == [
            ("ring_group", user, "fail_dest")
        ]
    assert (await people.get("ringgroup/delete", id=2))["errcode"] == 0
    assert await people.get("vm_group/delete", id=group_id) == DONE
    assert bad_fields(await people.get("vm_group/delete", id=group_id)) == {"id": "exist"}


async def test_the_switch_of_all_ring_groups_is_off_until_it_is_set(api: Api) -> None:
    async def switch() -> int:
        return int((await api.get("ringgroup/getoptions"))["data"]["enb_transfer_to_voicemail"])

    assert await switch() == 0
    for value, after in (("1", 1), (None, 1), (0, 0)):
        assert await api.post("ringgroup/updateoptions", {"enb_transfer_to_voicemail": value}) == DONE
        assert await switch() == after
    wrong = await api.post("ringgroup/updateoptions", {"enb_transfer_to_voicemail": 2})
    assert bad_fields(wrong) == {"enb_transfer_to_voicemail": "enum"}
