"""`extension/…` and `extensiongroup/…`."""

from typing import Any

import pytest

from ringdove.events.types import ExtensionChanged, ExtensionDeleted
from unit.api.api_client import Api, bad_fields


async def create(api: Api, **fields: Any) -> int:
    answer = await api.post("extension/create", fields)
    assert answer["errcode"] == 0, answer
    return int(answer["id"])


async def test_only_the_number_is_required(api: Api) -> None:
    extension_id = await create(api, number="1000")
    assert (await api.get("extension/get", id=extension_id))["data"] == {
        "id": extension_id,
        "type": "SIP",
        "number": "1000",
        "first_name": "",
        "last_name": "",
        "caller_id_name": "1000",
        "caller_id": "1000",
        "email_addr": "",
        "mobile_number": "",
        "reg_name": "1000",
        "concurrent_registrations": 3,
        "presence_status": "available",
        "enb_call_waiting": 1,
        "enabled": 1,
        "ring_timeout": 30,
        "enb_vm": 0,
        "enb_vm_pin": 0,
        "new_vm_notify": "no",
        "after_vm_notify": "no",
        "enb_vm_play_datetime": 1,
        "enb_vm_play_caller_id": 1,
        "enb_vm_play_duration": 0,
        "vm_greeting": "follow_system",
    }
    password = (await api.get("extension/getpassword", id=extension_id))["data"]
    assert password["reg_name"] == "1000"
    assert len(password["reg_password"]) == 24
    assert bad_fields(await api.post("extension/create", {})) == {"number": "required"}


BOGUS = [
    ("number", "12345678", "length"),
    ("number", "1a", "pattern"),
    ("first_name", "x" * 64, "length"),
    ("first_name", "a\r\nb", "pattern"),
    ("last_name", ["x"], "type"),
    ("caller_id_name", "x" * 128, "length"),
    ("caller_id", "a b", "pattern"),
    ("caller_id", "1" * 32, "length"),
    ("email_addr", "nobody", "pattern"),
    ("email_addr", "x" * 250 + "@a.bc", "length"),
    ("mobile_number", "call me", "pattern"),
    ("reg_name", "a@b", "pattern"),
    ("reg_name", "x" * 64, "length"),
    ("reg_password", "Sh0rt!x", "length"),
    ("reg_password", "xY1!" * 16, "length"),
    ("reg_password", "with space 1", "pattern"),
    ("reg_password", "abcdefghij", "weak_password"),
    ("reg_password", "1000-1000", "weak_password"),
    ("reg_password", "Changeme1", "weak_password"),
    ("user_password", "short", "length"),
    ("concurrent_registrations", 0, "range"),
    ("concurrent_registrations", 21, "range"),
    ("concurrent_registrations", "many", "type"),
    ("presence_status", "asleep", "enum"),
    ("enb_call_waiting", 2, "enum"),
    ("enabled", "no", "enum"),
    ("ring_timeout", 0, "range"),
    ("ring_timeout", 601, "range"),
]


@pytest.mark.parametrize(("field", "value", "rule"), BOGUS)
async def test_a_bogus_value_is_named_with_its_rule(api: Api, field: str, value: Any, rule: str) -> None:
    assert bad_fields(await api.post("extension/create", {"number": "1000"} | {field: value})) == {field: rule}
    assert (await api.get("extension/list"))["total_number"] == 0


async def test_every_bad_field_is_named_at_once(api: Api) -> None:
    body = {"reg_password": "Annabel1", "first_name": "Annabel", "enabled": 7, "email_addr": "x"}
    assert bad_fields(await api.post("extension/create", body)) == {
        "number": "required",
        "reg_password": "weak_password",
        "enabled": "enum",
        "email_addr": "pattern",
    }


async def test_passwords_are_told_by_getpassword_only(api: Api) -> None:
    extension_id = await create(api, number="1000", reg_password="kT7-mQ2x-9", user_password="Per$onal 1")
    for path in ("get", "list", "search"):
        assert "kT7-mQ2x-9" not in str(await api.get(f"extension/{path}", id=extension_id))
    assert "kT7-mQ2x-9" not in str(await api.get("extension/query", ids=extension_id))
    answer = await api.get("extension/getpassword", id=extension_id)
    assert answer["data"] == {"reg_name": "1000", "reg_password": "kT7-mQ2x-9", "vm_pin": ""}


async def test_taken_values_are_named_together(api: Api) -> None:
    await create(api, number="1000", email_addr="ann@example.org")
    answer = await api.post("extension/create", {"number": "1000", "email_addr": "ann@example.org"})
    assert answer["errcode"] == 40003
    assert [taken["field"] for taken in answer["duplicate_field_list"]] == ["number", "reg_name", "email_addr"]


async def test_update_changes_what_is_given_and_defaults_follow(api: Api) -> None:
    extension_id = await create(api, number="1000", first_name="Ann", reg_password="kT7-mQ2x-9")
    before = (await api.get("extension/get", id=extension_id))["data"]
    changes = {"id": extension_id, "number": "2000", "last_name": "Lee", "presence_status": "do_not_disturb"}
    assert await api.post("extension/update", changes) == {"errcode": 0, "errmsg": "SUCCESS"}
    after = (await api.get("extension/get", id=extension_id))["data"]
    assert after == before | {
        "last_name": "Lee", "caller_id_name": "Ann Lee", "presence_status": "do_not_disturb",
    }  # fmt: skip
    await api.post("extension/update", {"id": extension_id, "caller_id_name": "Desk", "reg_password": ""})
    await api.post("extension/update", {"id": extension_id, "first_name": "Bob", "enabled": "0"})
    after = (await api.get("extension/get", id=extension_id))["data"]
    assert (after["caller_id_name"], after["first_name"], after["enabled"]) == ("Desk", "Bob", 0)
    answer = await api.get("extension/getpassword", id=extension_id)
    assert answer["data"]["reg_password"] == "kT7-mQ2x-9"


async def test_update_checks_the_whole(api: Api) -> None:
    extension_id = await create(api, number="1000", reg_password="Annabel-1")
    changes = {"id": extension_id, "first_name": "Annabel"}
    assert bad_fields(await api.post("extension/update", changes)) == {"reg_password": "weak_password"}
    body = {"id": 99, "enabled": 7}
    assert bad_fields(await api.post("extension/update", body)) == {"id": "exist", "enabled": "enum"}


async def test_changes_are_published_when_they_are_saved(api: Api) -> None:
    extension_id = await create(api, number="1000")
    await api.post("extension/create", {"number": "1000"})
    await api.post("extension/update", {"id": extension_id, "enabled": 0})
    await api.post("extension/update", {"id": extension_id, "enabled": 7})
    await api.get("extension/delete", id=extension_id)
    await api.get("extension/delete", id=extension_id)
    assert api.events == [
        ExtensionChanged(extension_id),
        ExtensionChanged(extension_id),
        ExtensionDeleted(extension_id),
    ]


async def test_rows_tell_presence_and_whether_a_phone_is_registered(people: Api) -> None:
    people.online = {3074}
    answer = await people.get("extension/list", sort_by="number", order_by="desc")
    assert answer["total_number"] == 3
    assert [(r["number"], r["online_status"]["sip_phone"]["status"]) for r in answer["data"]] == [
        ("1003", 0), ("1002", 1), ("1001", 0),
    ]  # fmt: skip
    assert answer["data"][0]["presence_status"] == "available"
    answer = await people.get("extension/search", search_value="1002")
    assert [row["id"] for row in answer["data"]] == [3074]


async def test_delete_is_refused_while_calls_are_sent_there(people: Api) -> None:
    group = {
        "number": "6300", "name": "Support", "ring_strategy": "ring_all", "ring_timeout": 20,
        "member_list": [{"value": "3074", "type": "extension"}],
        "fail_dest": "extension", "fail_dest_value": "3071",
    }  # fmt: skip
    group_id = (await people.post("ringgroup/create", group))["id"]
    answer = await people.get("extension/delete", id=3071)
    assert answer["errcode"] == 40010
    assert answer["used_by_list"] == [
        {"source": "ring_group", "id": group_id, "number": "6300", "name": "Support", "field": "fail_dest"}
    ]
    assert people.events == []
    assert (await people.get("extension/delete", id=3074))["errcode"] == 0
    assert (await people.get("ringgroup/list"))["data"][0]["member_count"] == 0


async def test_extension_groups_from_create_to_delete(people: Api) -> None:
    body = {"name": "Sales", "members": [{"value": 3074, "type": "extension"}, {"value": "3071"}]}
    group_id = (await people.post("extensiongroup/create", body))["id"]
    detail = (await people.get("extensiongroup/get", id=group_id))["data"]
    assert detail == {
        "id": group_id,
        "name": "Sales",
        "member_select": "sel_specific",
        "members": [
            {"value": "3074", "type": "extension", "text": "Person 1002", "text2": "1002"},
            {"value": "3071", "type": "extension", "text": "Person 1001", "text2": "1001"},
        ],
    }
    assert (await people.post("extensiongroup/update", {"id": group_id, "name": "Selling"}))["errcode"] == 0
    answer = await people.get("extensiongroup/query", ids=f"{group_id},1")
    assert [(g["name"], len(g["members"])) for g in answer["data"]] == [("Selling", 2), ("Default_All_Extensions", 3)]
    answer = await people.get("extensiongroup/list", sort_by="name")
    assert [(g["name"], g["total_extensions"]) for g in answer["data"]] == [
        ("Default_All_Extensions", 3), ("Selling", 2),
    ]  # fmt: skip
    answer = await people.get("extensiongroup/search", search_value="SELL")
    assert [g["id"] for g in answer["data"]] == [group_id]
    assert (await people.get("extensiongroup/delete", id=group_id))["errcode"] == 0
    assert bad_fields(await people.get("extensiongroup/get", id=group_id)) == {"id": "exist"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"name": "required", "members": "required"}),
        ({"name": "x" * 128, "member_select": "all"}, {"name": "length", "member_select": "enum"}),
        ({"name": "g", "members": [{"value": "5"}]}, {"members[0].value": "exist"}),
        ({"name": "g", "members": [{"value": "3071"}, {"value": "1", "type": "ext_group"}, "x"]},
         {"members[1].type": "enum", "members[1].value": "exist", "members[2]": "type"}),
        ({"name": "g", "member_select": "sel_specific"}, {"members": "required"}),
    ],
)  # fmt: skip
async def test_bogus_extension_groups(people: Api, body: dict[str, Any], expected: dict[str, str]) -> None:
    assert bad_fields(await people.post("extensiongroup/create", body)) == expected


async def test_a_group_of_everybody_needs_no_members(people: Api) -> None:
    body = {"name": "All of us", "member_select": "sel_all_ext", "members": "ignored"}
    group_id = (await people.post("extensiongroup/create", body))["id"]
    assert len((await people.get("extensiongroup/get", id=group_id))["data"]["members"]) == 3


async def test_the_name_of_an_extension_group_is_its_own(people: Api) -> None:
    answer = await people.post("extensiongroup/create", {"name": "Default_All_Extensions", "members": []})
    assert answer["errcode"] == 40003
    assert answer["duplicate_field_list"][0]["external_source"] == "ext_group"


async def test_the_built_in_group_cannot_be_changed_or_deleted(people: Api) -> None:
    assert bad_fields(await people.get("extensiongroup/delete", id=1)) == {"id": "builtin"}
    changes = {"id": 1, "name": "Mine"}
    assert bad_fields(await people.post("extensiongroup/update", changes)) == {"id": "builtin"}
