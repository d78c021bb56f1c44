"""`ringgroup/…`: every field of the page, its limits and its conditions; what is told of groups. For changes see
`test_api_ringgroup_update.py`.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ringdove.api.ringgroup_examples import EXAMPLES
from unit.api.api_client import Api, bad_fields
from unit.api.ringgroup_requests import CUSTOM, MEMBERS, SIMPLE, create, detail

PAGE = (Path(__file__).parent / "page_examples.txt").read_text()
"""The request examples of the page as printed."""
PRINTED = [json.loads(body) for body in re.findall(r"^    \{$.*?^    \}$", PAGE, re.DOTALL | re.MULTILINE)]

DEFAULTS = {
    "join_prompt": "",
    "play_full_join_prompt": 0,
    "welcome_prompt": "",
    "moh": "",
    "alert_info": "",
    "client_unique_ringtone": "",
    "fail_dest_prefix": "",
    "fail_dest_value": "",
    "enb_miss_call": 0,
    "no_agent_online_dest": "",
    "no_agent_online_prefix": "",
    "no_agent_online_value": "",
}


def test_the_reference_shows_the_examples_of_the_page() -> None:
    assert list(EXAMPLES.values()) == PRINTED
    assert len(PRINTED) == 2


@pytest.mark.parametrize("example", PRINTED, ids=["ring_all", "custom"])
async def test_the_examples_of_the_page_work_as_printed(sounds: Api, example: dict[str, Any]) -> None:
    found = await detail(sounds, await create(sounds, example))
    custom = example["ring_strategy"] == "custom"
    texts = [
        {"value": value, "type": "extension", "text": f"Person {number}", "text2": number}
        for value, number in (("3071", "1001"), ("3074", "1002"), ("3075", "1003"))
    ]
    members = [{"sub_option": texts, "delay_time": 20, "timeout": 20}] if custom else texts
    assert "ring_timeout" not in found if custom else found["ring_timeout"] == 60
    ignored = {"ring_timeout"} if custom else set()
    expected = DEFAULTS | {k: v for k, v in example.items() if k not in ignored} | {"member_list": members}
    assert {k: v for k, v in found.items() if k != "id"} == expected


BOGUS = [
    ("number", None, "required"),
    ("number", "", "required"),
    ("number", "12345678", "length"),
    ("number", "63a", "pattern"),
    ("number", "+630", "pattern"),
    ("number", "６３００", "pattern"),
    ("number", ["6300"], "type"),
    ("number", True, "type"),
    ("name", None, "required"),
    ("name", "x" * 128, "length"),
    ("name", "a\nb", "pattern"),
    ("name", "\ud800", "pattern"),
    ("name", {}, "type"),
    ("ring_strategy", None, "required"),
    ("ring_strategy", "all", "enum"),
    ("ring_strategy", "RING_ALL", "enum"),
    ("ring_strategy", 1, "enum"),
    ("ring_timeout", None, "required"),
    ("ring_timeout", "", "required"),
    ("ring_timeout", 0, "range"),
    ("ring_timeout", -1, "range"),
    ("ring_timeout", 601, "range"),
    ("ring_timeout", 10**30, "range"),
    ("ring_timeout", "soon", "type"),
    ("ring_timeout", 1.5, "type"),
    ("ring_timeout", True, "type"),
    ("ring_timeout", [20], "type"),
    ("join_prompt", "../demo.wav", "pattern"),
    ("join_prompt", "x" * 128, "length"),
    ("join_prompt", ["demo.wav"], "type"),
    ("play_full_join_prompt", 2, "enum"),
    ("play_full_join_prompt", "yes", "enum"),
    ("play_full_join_prompt", True, "type"),
    ("welcome_prompt", "a/b.wav", "pattern"),
    ("moh", "a\\b", "pattern"),
    ("alert_info", "x" * 32, "length"),
    ("alert_info", "a;b", "pattern"),
    ("alert_info", "ü", "pattern"),
    ("client_unique_ringtone", "..", "pattern"),
    ("join_prompt", "no.wav", "exist"),
    ("join_prompt", "SoftBreeze", "exist"),
    ("join_prompt", "\ud800", "pattern"),
    ("welcome_prompt", "no.wav", "exist"),
    ("welcome_prompt", "Chime.mp3", "exist"),
    ("welcome_prompt", "Silence", "exist"),
    ("welcome_prompt", "softbreeze", "exist"),
    ("welcome_prompt", "follow_system", "exist"),
    ("moh", "Silence", "exist"),
    ("moh", "demo.wav", "exist"),
    ("client_unique_ringtone", "Ring99.mp3", "exist"),
    ("client_unique_ringtone", "demo.wav", "exist"),
    ("member_list", None, "required"),
    ("member_list", [], "length"),
    ("member_list", MEMBERS * 501, "length"),
    ("member_list", "3071", "type"),
    ("member_list", {"value": "3071"}, "type"),
    ("fail_dest", None, "required"),
    ("fail_dest", "voicemail", "enum"),
    ("fail_dest", 1, "enum"),
    ("no_agent_online_dest", "nowhere", "enum"),
]


@pytest.mark.parametrize(("field", "value", "rule"), BOGUS)
async def test_a_bogus_value_is_named_with_its_rule(sounds: Api, field: str, value: Any, rule: str) -> None:
    body = json.dumps(SIMPLE | {field: value})
    answer = await sounds.http.post(
        "/openapi/v1.0/ringgroup/create", content=body, params={"access_token": sounds.token}
    )
    assert bad_fields(answer.json()) == {field: rule}
    assert (await sounds.get("ringgroup/list"))["total_number"] == 0


@pytest.mark.parametrize("field", SIMPLE)
async def test_required_fields_are_named_when_they_are_missing(people: Api, field: str) -> None:
    body = {name: value for name, value in SIMPLE.items() if name != field}
    assert bad_fields(await people.post("ringgroup/create", body)) == {field: "required"}


BOGUS_MEMBERS = [
    ("ring_all", "3071", {"member_list[0]": "type"}),
    ("ring_all", {}, {"member_list[0].value": "required", "member_list[0].type": "required"}),
    ("sequentially", {"value": "", "type": None},
     {"member_list[0].value": "required", "member_list[0].type": "required"}),
    ("memory_hunt", {"value": "x", "type": "person"},
     {"member_list[0].value": "pattern", "member_list[0].type": "enum"}),
    ("ring_all", {"value": "3099", "type": "extension"}, {"member_list[0].value": "exist"}),
    ("ring_all", {"value": "3071", "type": "ext_group"}, {"member_list[0].value": "exist"}),
    ("ring_all", {"value": "9999999999", "type": "ext_group"}, {"member_list[0].value": "exist"}),
    ("ring_all", {"value": "99999999999", "type": "ext_group"}, {"member_list[0].value": "pattern"}),
    ("custom", {"value": "3071", "type": "extension"},
     {"member_list[0].sub_option": "required", "member_list[0].delay_time": "required",
      "member_list[0].timeout": "required"}),
    ("custom", {"sub_option": [], "delay_time": 601, "timeout": -1},
     {"member_list[0].sub_option": "length", "member_list[0].delay_time": "range", "member_list[0].timeout": "range"}),
    ("custom", {"sub_option": [MEMBERS[0], {"value": "7"}], "delay_time": "x", "timeout": 1.5},
     {"member_list[0].sub_option[1].type": "required", "member_list[0].delay_time": "type",
      "member_list[0].timeout": "type"}),
    ("custom", {"sub_option": [{"value": "3099", "type": "extension"}], "delay_time": 0, "timeout": 0},
     {"member_list[0].sub_option[0].value": "exist"}),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "entry", "expected"), BOGUS_MEMBERS)
async def test_a_bogus_member_is_named_by_its_path(
    people: Api, strategy: str, entry: Any, expected: dict[str, str]
) -> None:
    body = SIMPLE | {"ring_strategy": strategy, "member_list": [entry]}
    assert bad_fields(await people.post("ringgroup/create", body)) == expected


async def test_the_third_member_is_named_as_the_third(people: Api) -> None:
    body = SIMPLE | {"member_list": [*MEMBERS, *MEMBERS, {"value": "1", "type": "extension"}]}
    assert bad_fields(await people.post("ringgroup/create", body)) == {"member_list[2].value": "exist"}


BOGUS_DESTINATIONS = [
    ({"fail_dest": "extension"}, {"fail_dest_value": "required"}),
    ({"fail_dest": "extension", "fail_dest_value": ""}, {"fail_dest_value": "required"}),
    ({"fail_dest": "extension", "fail_dest_value": "1001"}, {"fail_dest_value": "exist"}),
    ({"fail_dest": "extension", "fail_dest_value": "Ann"}, {"fail_dest_value": "pattern"}),
    ({"fail_dest": "ring_group", "fail_dest_value": "3071"}, {"fail_dest_value": "exist"}),
    ({"fail_dest": "extension", "fail_dest_value": ["3071"]}, {"fail_dest_value": "type"}),
    ({"fail_dest": "queue", "fail_dest_value": "1"}, {"fail_dest": "unsupported"}),
    ({"fail_dest": "ivr"}, {"fail_dest": "unsupported", "fail_dest_value": "required"}),
    ({"fail_dest": "external_num"},
     {"fail_dest": "unsupported", "fail_dest_prefix": "required", "fail_dest_value": "required"}),
    ({"fail_dest": "external_num", "fail_dest_prefix": "", "fail_dest_value": "0301234"}, {"fail_dest": "unsupported"}),
    ({"fail_dest": "external_num", "fail_dest_prefix": "12345678", "fail_dest_value": "x"},
     {"fail_dest": "unsupported", "fail_dest_prefix": "length", "fail_dest_value": "pattern"}),
    ({"fail_dest": "play_greeting", "fail_dest_prefix": "6", "fail_dest_value": "../a"},
     {"fail_dest_prefix": "range", "fail_dest_value": "pattern"}),
    ({"fail_dest": "play_greeting", "fail_dest_prefix": "-1", "fail_dest_value": "demo.wav"},
     {"fail_dest_prefix": "range"}),
    ({"fail_dest": "play_greeting", "fail_dest_prefix": 2.0, "fail_dest_value": "demo.wav"},
     {"fail_dest_prefix": "range"}),
    ({"fail_dest": "play_greeting", "fail_dest_prefix": 5, "fail_dest_value": "no.wav"}, {"fail_dest_value": "exist"}),
    ({"no_agent_online_dest": "play_greeting", "no_agent_online_prefix": 5, "no_agent_online_value": "SoftBreeze"},
     {"no_agent_online_value": "exist"}),
    ({"no_agent_online_dest": "extension"}, {"no_agent_online_value": "required"}),
    ({"no_agent_online_dest": "ext_vm", "no_agent_online_value": "1"}, {"no_agent_online_value": "exist"}),
    ({"no_agent_online_dest": "group_vm", "no_agent_online_value": "3071"}, {"no_agent_online_value": "exist"}),
    ({"no_agent_online_dest": "play_greeting"},
     {"no_agent_online_prefix": "required", "no_agent_online_value": "required"}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), BOGUS_DESTINATIONS)
async def test_a_bogus_destination_is_named_field_by_field(
    sounds: Api, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    assert bad_fields(await sounds.post("ringgroup/create", SIMPLE | fields)) == expected


async def test_every_bad_field_is_named_at_once_and_nothing_is_saved(people: Api) -> None:
    body = {
        "number": "12345678",
        "ring_strategy": "sequentially",
        "welcome_prompt": "no.wav",
        "moh": "../x",
        "alert_info": "!",
        "member_list": [{"value": "x", "type": "extension"}, {"value": "7", "type": "ext_group"}, {}],
        "fail_dest": "extension",
        "fail_dest_value": "8",
        "no_agent_online_dest": "queue",
        "no_agent_online_value": "1",
    }
    assert bad_fields(await people.post("ringgroup/create", body)) == {
        "number": "length",
        "name": "required",
        "ring_timeout": "required",
        "welcome_prompt": "exist",
        "moh": "pattern",
        "alert_info": "pattern",
        "member_list[0].value": "pattern",
        "member_list[1].value": "exist",
        "member_list[2].value": "required",
        "member_list[2].type": "required",
        "fail_dest_value": "exist",
        "no_agent_online_dest": "unsupported",
    }
    assert (await people.get("ringgroup/list"))["total_number"] == 0


LIBERAL = [
    {"ring_timeout": "20"},
    {"ring_timeout": " 20 "},
    {"play_full_join_prompt": "1"},
    {"number": 6300},
    {"member_list": [{"value": 3071, "type": "extension"}]},
    {"fail_dest": "extension", "fail_dest_value": 3074},
    {"moh": None, "join_prompt": "", "no_agent_online_dest": "", "enb_miss_call": None},
    {"no_such_field": {"a": [1]}},
    {"no_agent_online_value": "77", "no_agent_online_prefix": 5},
    {"fail_dest_value": "77", "fail_dest_prefix": "x" * 99},
    {"fail_dest": "extension", "fail_dest_value": "3074", "fail_dest_prefix": "12345678"},
    {"ring_strategy": "sequentially", "enb_miss_call": "perhaps"},
    {"member_list": [MEMBERS[0] | {"sub_option": "x", "delay_time": 9999, "timeout": "x"}]},
]


@pytest.mark.parametrize("fields", LIBERAL)
async def test_liberal_where_the_page_is_liberal(people: Api, fields: dict[str, Any]) -> None:
    found = await detail(people, await create(people, SIMPLE | fields))
    assert found["number"] == "6300"
    assert found["ring_timeout"] == 20


async def test_a_play_count_may_be_a_number(sounds: Api) -> None:
    greeting = {"fail_dest": "play_greeting", "fail_dest_prefix": 5, "fail_dest_value": "demo.wav"}
    found = await detail(sounds, await create(sounds, SIMPLE | greeting))
    assert found["fail_dest_prefix"] == "5"


async def test_custom_ignores_ring_timeout_value_and_type(people: Api) -> None:
    entry = CUSTOM["member_list"][0] | {"value": "77", "type": "person"}
    found = await detail(people, await create(people, CUSTOM | {"ring_timeout": "whatever", "member_list": [entry]}))
    assert "ring_timeout" not in found
    assert found["member_list"][0].keys() == {"sub_option", "delay_time", "timeout"}


async def test_a_missing_content_type_does_no_harm(people: Api) -> None:
    answer = await people.http.post(
        "/openapi/v1.0/ringgroup/create",
        content=json.dumps(SIMPLE),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        params={"access_token": people.token},
    )
    assert answer.json()["errcode"] == 0


async def test_enb_miss_call_counts_where_it_applies(people: Api) -> None:
    fields = {"fail_dest": "extension", "fail_dest_value": "3071", "enb_miss_call": 1}
    assert (await detail(people, await create(people, SIMPLE | fields)))["enb_miss_call"] == 1
    fields |= {"number": "6301", "ring_strategy": "sequentially"}
    assert (await detail(people, await create(people, SIMPLE | fields)))["enb_miss_call"] == 0


async def test_a_taken_number_is_answered_with_its_holder(people: Api) -> None:
    assert await people.post("ringgroup/create", SIMPLE | {"number": "1001"}) == {
        "errcode": 40003,
        "errmsg": "DUPLICATE KEY VALUE",
        "submsg": "Failed to create ring group.",
        "duplicate_field_list": [
            {"field": "number", "value": "1001", "external_source": "extension", "external_source_name": "1001"}
        ],
    }


async def test_get_and_query_tell_members_by_name(people: Api) -> None:
    members = [*MEMBERS, {"value": "1", "type": "ext_group"}]
    first = await create(people, SIMPLE | {"member_list": members})
    second = await create(people, SIMPLE | {"number": "6301"})
    assert (await detail(people, first))["member_list"] == [
        {"value": "3071", "type": "extension", "text": "Person 1001", "text2": "1001"},
        {"value": "1", "type": "ext_group", "text": "Default_All_Extensions", "text2": "Default_All_Extensions"},
    ]
    for name in ("ids", "id"):
        answer = await people.get("ringgroup/query", **{name: f"{second},{first}"})
        assert [group["id"] for group in answer["data"]] == [second, first]
    assert bad_fields(await people.get("ringgroup/query", ids=f"{first},99")) == {"ids": "exist"}
    assert bad_fields(await people.get("ringgroup/query", ids="1,,2")) == {"ids": "pattern"}
    assert bad_fields(await people.get("ringgroup/query")) == {"ids": "required"}


async def test_list_and_search(people: Api) -> None:
    first = await create(people, SIMPLE)
    second = await create(people, CUSTOM | {"number": "631", "name": "Sales"})
    row = {"id": first, "number": "6300", "name": "Support", "ring_strategy": "ring_all", "member_count": 1}
    answer = await people.get("ringgroup/list", page=1, page_size=1)
    assert answer == {"errcode": 0, "errmsg": "SUCCESS", "total_number": 2, "data": [row]}
    answer = await people.get("ringgroup/list", page="2", page_size="1", sort_by="number", order_by="desc")
    assert [group["id"] for group in answer["data"]] == [second]
    assert (await people.get("ringgroup/list", page=9))["data"] == []
    for text, expected in (("RING_ALL", [first]), ("sales", [second]), ("63", [first, second]), ("zzz", [])):
        answer = await people.get("ringgroup/search", search_value=text)
        assert [group["id"] for group in answer["data"]] == expected
        assert answer["total_number"] == len(expected)


async def test_impossible_pages_and_orders_are_named(people: Api) -> None:
    answer = await people.get("ringgroup/list", page=0, page_size=10_001, sort_by="moh", order_by="up")
    assert bad_fields(answer) == {"page": "range", "page_size": "range", "sort_by": "enum", "order_by": "enum"}
    assert (await people.get("ringgroup/list", page="", sort_by="", no_such=1))["errcode"] == 0


async def test_simulate_tells_the_plan(people: Api) -> None:
    group_id = await create(people, SIMPLE)
    answer = await people.get("ringgroup/simulate", id=group_id)
    window = {"member": {"id": 3071, "number": "1001", "name": "Person 1001"}, "start": 0.0, "stop": 20.0}
    onward = {"kind": "end_call", "number": "", "name": ""}
    assert answer["data"] == {"windows": [window], "skipped": [], "onward": onward}
    assert bad_fields(await people.get("ringgroup/simulate", id=99)) == {"id": "exist"}
