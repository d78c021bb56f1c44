"""What holds for every answer: envelope, unknown paths, faults, the reference, menus and records of calls."""

import json
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
import structlog

from ringdove.api import errors
from ringdove.model.story import Disposition, Party, Story
from ringdove.store.calls import Entry
from unit.api.api_client import BASE, Api

NOT_EXISTED = {"errcode": 10001, "errmsg": "INTERFACE NOT EXISTED"}
DOCS = Path(__file__).parents[3] / "docs"


def story(call_id: str, started_at: float, **fields: Any) -> Story:
    plain = {"id": call_id, "started_at": started_at, "caller": Party(id=1, number="1001"), "dialled": "6300"}
    return Story.from_data(plain | fields)


@pytest.mark.parametrize(
    "path", ["/", "/nothing", BASE, BASE + "ringgroup", BASE + "ringgroup/list/", "/openapi/v2.0/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_10001(api: Api, path: str, method: str) -> None:
    answer = await api.http.request(method, path)
    assert (answer.status_code, answer.json()) == (200, NOT_EXISTED)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "ringgroup/list"), ("GET", "ringgroup/create"), ("PUT", "ringgroup/update"), ("GET", "get_token")],
)
async def test_a_wrong_method_is_10001(api: Api, method: str, path: str) -> None:
    answer = await api.http.request(method, BASE + path, params={"access_token": api.token})
    assert (answer.status_code, answer.json()) == (200, NOT_EXISTED)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"1", b"\xff\xfe", b"[" * 100_000, b'{"a":' + b"1" * 5000 + b"}"]
)
async def test_a_body_that_is_no_json_object_is_named(api: Api, body: bytes) -> None:
    answer = await api.http.post(BASE + "extension/create", content=body, params={"access_token": api.token})
    assert answer.json()["invalid_param_list"] == [{"field": "body", "validation_type": "json"}]


async def test_a_body_without_end_is_cut_short(api: Api) -> None:
    body = b'{"name": "' + b"x" * 2_000_000 + b'"}'
    answer = await api.http.post(BASE + "extension/create", content=body, params={"access_token": api.token})
    assert answer.json()["invalid_param_list"] == [{"field": "body", "validation_type": "length"}]


async def test_only_a_fault_of_ours_is_http_500_and_it_is_logged_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(api.store.extensions, "page", broken)
    with structlog.testing.capture_logs() as logged:
        answer = await api.http.get(BASE + "extension/list", params={"access_token": api.token})
    assert (answer.status_code, answer.json()) == (500, {"errcode": -1, "errmsg": "FAILURE"})
    assert len(logged) == 1
    assert logged[0]["path"] == BASE + "extension/list"
    assert api.token not in str(logged)


async def test_healthz_says_when_sip_is_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await api.http.get("/healthz")).status_code == 200
    object.__setattr__(api.services, "ready", lambda: False)
    answer = await api.http.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})


async def test_the_reference_needs_nothing_from_elsewhere(api: Api) -> None:
    page = (await api.http.get("/docs")).text
    assert "://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/assets/{asset}" in page
        assert (await api.http.get(f"/docs/assets/{asset}")).status_code == 200


async def test_the_schema_describes_every_interface_and_parameter(api: Api) -> None:
    schema = (await api.http.get("/openapi.json")).json()
    assert len(schema["paths"]) == 3 + 10 + 8 + 7 + 2 + 3 + 1 + 2 + 5 + 7 + 4 + 7 + 6 + 7 + 2 * 5
    body = schema["paths"][BASE + "ringgroup/create"]["post"]["requestBody"]["content"]["application/json"]
    assert [example["value"]["number"] for example in body["examples"].values()] == ["6300", "6301"]
    forms = ("RingGroupForm", "RingGroupFormChanges", "EntryForm", "MemberForm", "ExtensionForm", "LoginForm")
    uploads = ("PromptUpload", "MusicUpload", "RingtoneUpload", "GreetingUpload")
    voicemail = ("VmGroupForm", "VmMemberForm", "MessageForm", "OptionsForm")
    for form in (*forms, *uploads, *voicemail, "PlaylistForm"):
        for name, field in schema["components"]["schemas"][form]["properties"].items():
            assert field.get("description"), f"{form}.{name}"
    for path, family in schema["paths"].items():
        for operation in family.values():
            assert operation["description"], path
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (path, parameter)


async def test_the_reference_offers_files_for_upload(api: Api) -> None:
    schema = (await api.http.get("/openapi.json")).json()
    for family, form in (
        ("custom_prompt", "PromptUpload"),
        ("moh_files", "MusicUpload"),
        ("custom_ringtone", "RingtoneUpload"),
        ("vm_greeting", "GreetingUpload"),
    ):
        content = schema["paths"][f"{BASE}{family}/upload"]["post"]["requestBody"]["content"]
        assert content["multipart/form-data"]["schema"] == {"$ref": f"#/components/schemas/{form}"}
        part = schema["components"]["schemas"][form]["properties"]["file"]
        assert (part["type"], part["contentMediaType"]) == ("string", "application/octet-stream")


async def test_a_part_that_can_be_left_out_is_not_said_to_be_null(api: Api) -> None:
    schemas = (await api.http.get("/openapi.json")).json()["components"]["schemas"]
    for form in ("PromptUpload", "MusicUpload", "RingtoneUpload", "GreetingUpload"):
        for name, part in schemas[form]["properties"].items():
            assert part.get("default", "") is not None, (form, name)
            assert "anyOf" not in part, (form, name)


def test_the_page_of_error_codes_is_generated_from_the_table() -> None:
    assert (DOCS / "error-codes.md").read_text() == errors.markdown()


def test_every_code_has_its_row() -> None:
    assert [row.code for row in errors.TABLE] == list(errors.Code)


async def test_menus_tell_what_can_be_chosen(people: Api) -> None:
    answer = await people.get("system/get_menuoptions", menu="Extension")
    assert answer["data"][0] == {"text": "1001 Person 1001", "value": "3071", "type": "extension"}
    answer = await people.get("system/get_menuoptions", menu="ext_group")
    assert answer["data"] == [{"text": "Default_All_Extensions", "value": "1", "type": "ext_group"}]
    assert (await people.get("system/get_menuoptions", menu="RING_GROUP"))["data"] == []


@pytest.mark.parametrize(
    ("menu", "name"), [("custom_prompt", "demo.wav"), ("Play_List", "SoftBreeze"), ("CUSTOM_RINGTONE", "Chime.mp3")]
)
async def test_menus_of_audio_tell_names(sounds: Api, menu: str, name: str) -> None:
    answer = await sounds.get("system/get_menuoptions", menu=menu)
    assert answer["data"] == [{"text": name, "value": name, "type": menu.lower()}]


@pytest.mark.parametrize(("menu", "rule"), [("ivr", "enum"), ("x", "enum"), ("", "required")])
async def test_an_unknown_menu_is_named(api: Api, menu: str, rule: str) -> None:
    answer = await api.get("system/get_menuoptions", menu=menu)
    assert answer["invalid_param_list"] == [{"field": "menu", "validation_type": rule}]


async def test_calls_of_this_node_stand_among_the_stored_ones_each_once(api: Api) -> None:
    for i in range(3):
        finished = story(f"old{i}", 1000.0 + i, ended_at=5.0004, answered_at=2.0, disposition=Disposition.ANSWERED)
        await api.store.calls.save([Entry(finished)])
    long, new = story("long", 1001.5), story("new", 2001.0)
    unwritten = story("over", 2000.0, ended_at=7.0, disposition=Disposition.BUSY)
    for each in (long, unwritten):  # the third has not come to the store at all yet
        await api.store.calls.save([Entry(story(each.id, each.started_at), "here")])
    await api.store.calls.save([Entry(story("elsewhere", 1500.0), "there")])
    api.live = [unwritten, long, new]

    async def ids(**params: Any) -> list[str]:
        answer = await api.get("calls/list", **params)
        assert answer["total_number"] == 7
        return [row["id"] for row in answer["data"]]

    assert await ids() == ["new", "over", "elsewhere", "old2", "long", "old1", "old0"]
    assert await ids(order_by="asc") == (await ids())[::-1]
    for order, size in product(("asc", "desc"), (1, 2, 3)):
        pages = [await ids(page=page, page_size=size, order_by=order) for page in range(1, 8)]
        assert [len(page) for page in pages if page][:-1] == [size] * ((7 - 1) // size)
        assert list(chain(*pages)) == await ids(order_by=order)
    rows = {row["id"]: row for row in (await api.get("calls/list"))["data"]}
    assert {name for name, row in rows.items() if row["live"]} == {"new", "long", "elsewhere"}
    assert (rows["over"]["duration"], rows["over"]["disposition"]) == (7.0, "BUSY")
    assert (rows["old0"]["duration"], rows["old0"]["talk_duration"]) == (5.0, 3.0)


async def test_calls_are_filtered(api: Api) -> None:
    await api.store.calls.save([Entry(story("a", 1000.0, ended_at=1.0, disposition=Disposition.BUSY))])
    await api.store.calls.save([Entry(story("b", 2000.0, ended_at=1.0, caller=Party(number="9"), dialled="1001"))])
    api.live = [story("c", 3000.0)]
    for params, expected in (
        ({"caller": "9"}, ["b"]),
        ({"dialled": "6300"}, ["c", "a"]),
        ({"extension_id": "1"}, ["c", "a"]),
        ({"ring_group_id": 7}, []),
        ({"disposition": "BUSY"}, ["a"]),
        ({"start_time": 1500, "end_time": 3000}, ["b"]),
    ):
        answer = await api.get("calls/list", **params)
        assert [row["id"] for row in answer["data"]] == expected
        assert answer["total_number"] == len(expected)
    answer = await api.get("calls/list", disposition="LOST", start_time="noon", extension_id=0, page=0)
    assert {p["field"]: p["validation_type"] for p in answer["invalid_param_list"]} == {
        "disposition": "enum", "start_time": "type", "extension_id": "range", "page": "range",
    }  # fmt: skip


async def test_a_call_tells_its_story_while_it_runs_and_after(api: Api) -> None:
    api.live = [story("c", 3000.0)]
    assert (await api.get("calls/get", id="c"))["data"] == json.loads(story("c", 3000.0).to_json())
    done = story("c", 3000.0, ended_at=2.0, disposition=Disposition.ABANDONED)
    await api.store.calls.save([Entry(done)])
    api.live = []
    assert (await api.get("calls/get", id="c"))["data"] == json.loads(done.to_json())
    answer = await api.get("calls/get", id="zzz")
    assert answer["invalid_param_list"] == [{"field": "id", "validation_type": "exist"}]
