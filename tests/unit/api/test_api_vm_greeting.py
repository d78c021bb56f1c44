"""`vm_greeting/…`, and the voicemail of an extension."""

from typing import Any

import pytest

from unit.api.api_client import Api, bad_fields
from unit.api.sound_files import kept, left_over, tone

DONE = {"errcode": 0, "errmsg": "SUCCESS"}


@pytest.fixture
async def house(people: Api) -> Api:
    """Extension 1001 and group voicemail 6400, without greetings."""
    body = {"number": "6400", "name": "Sales", "member_list": [{"value": "3071", "type": "extension"}]}
    assert (await people.post("vm_group/create", body))["id"] == 1
    return people


async def upload(api: Api, owner: str = "1001", name: str = "away.wav", hz: float = 440.0, **texts: str) -> int:
    answer = await api.upload("vm_greeting/upload", name, tone(hz=hz), owner=owner, **texts)
    assert answer.keys() == {"errcode", "errmsg", "owner", "file", "id"}, answer
    assert (answer["owner"], answer["file"]) == (owner, name)
    return int(answer["id"])


async def names(api: Api, number: str, **params: Any) -> list[str]:
    return [row["file"] for row in (await api.get("vm_greeting/list", extension=number, **params))["data"]]


@pytest.mark.parametrize(
    ("number", "module", "update", "owner_id"),
    [("1001", "extension", "extension/update", 3071), ("6400", "groupvoicemail", "vm_group/update", 1)],
)
async def test_a_greeting_is_uploaded_used_and_let_go(
    house: Api, number: str, module: str, update: str, owner_id: int
) -> None:
    greeting_id = await upload(house, number)
    row = {
        "id": greeting_id, "module": module, "number": number, "file": "away.wav", "suffix": ".wav", "type": "record",
        "real_filename": "away.wav", "duration": 0.1, "size": len(tone()), "time": int(house.now), "in_use": 0,
    }  # fmt: skip
    listed = {"total_number": 1, "data": [row], "greeting_list": [row]}
    assert await house.get("vm_greeting/list", extension=number) == DONE | listed
    assert await house.post(update, {"id": owner_id, "vm_greeting": "away.wav"}) == DONE
    assert (await house.get("vm_greeting/list", extension=number))["data"] == [row | {"in_use": 1}]
    answer = await house.get("vm_greeting/delete", extension=number, file="away.wav")
    assert answer["errcode"] == 40010
    (user,) = answer["used_by_list"]
    assert (user["id"], user["number"], user["field"]) == (owner_id, number, "vm_greeting")
    assert await house.post(update, {"id": owner_id, "vm_greeting": "follow_system"}) == DONE
    assert await house.get("vm_greeting/delete", extension=number, file="away.wav") == DONE
    assert kept(house.services.settings.data) == set()


async def test_greetings_of_mailboxes_do_not_mix(house: Api) -> None:
    await upload(house, "1001", "b.wav")
    await upload(house, "1001", "a.wav", 500)
    await upload(house, "6400", "b.wav")
    assert await names(house, "1001", sort_by="file") == ["a.wav", "b.wav"]
    assert await names(house, "1001", page_size=1) == ["b.wav"]
    assert await names(house, "6400") == ["b.wav"]
    assert await names(house, "1002") == []
    assert await house.get("vm_greeting/delete", extension="1001", file="b.wav") == DONE
    assert len(kept(house.services.settings.data)) == 2
    wrong = await house.post("vm_group/update", {"id": 1, "vm_greeting": "a.wav"})
    assert bad_fields(wrong) == {"vm_greeting": "exist"}
    wrong = await house.post("extension/update", {"id": 3071, "vm_greeting": "b.wav", "enabled": 7})
    assert bad_fields(wrong) == {"vm_greeting": "exist", "enabled": "enum"}
    wrong = await house.post("extension/create", {"number": "1009", "vm_greeting": "a.wav"})
    assert bad_fields(wrong) == {"vm_greeting": "exist"}


async def test_a_name_is_asked_about_refused_and_replaced(house: Api) -> None:
    ask = await house.upload("vm_greeting/upload", "away.wav", owner="6400", is_check="ask")
    assert ask == DONE | {"owner": "6400", "file": "away.wav"}
    greeting_id = await upload(house, "6400")
    for texts in ({"is_check": "ask"}, {}):
        answer = await house.upload("vm_greeting/upload", "away.wav", tone(), extension="6400", **texts)
        assert answer["errcode"] == 40003
        assert answer["duplicate_field_list"][0]["external_source"] == "vm_greeting"
    await house.post("vm_group/update", {"id": 1, "vm_greeting": "away.wav"})
    assert await upload(house, "6400", hz=880, is_check="force") == greeting_id
    assert len(kept(house.services.settings.data)) == 1
    assert left_over(house.services.settings.data) == []


async def test_bad_uploads_are_named_and_leave_nothing(house: Api) -> None:
    for name, content, texts, problems in (
        ("a.wav", b"no audio", {"owner": "1001"}, {"file": "audio"}),
        ("a.exe", tone(), {}, {"file": "pattern", "owner": "required"}),
        ("a.wav", tone(), {"owner": "6300"}, {"owner": "exist"}),
        ("a.wav", b"", {"owner": "x"}, {"owner": "pattern", "file": "length"}),
    ):
        answer = await house.upload("vm_greeting/upload", name, content, **texts)
        assert bad_fields(answer) == problems
    assert kept(house.services.settings.data) == set()
    assert left_over(house.services.settings.data) == []


@pytest.mark.parametrize(("interface", "url"), [("download", "download_resource_url"), ("play", "play_resource_url")])
async def test_a_greeting_is_fetched_by_id_or_by_number_and_name(house: Api, interface: str, url: str) -> None:
    greeting_id = await upload(house)
    for family, params in (
        ("vm_greeting", {"id": greeting_id}),
        ("vm_greeting", {"extension": "1001", "file": "away.wav"}),
        ("extension_vm_greeting", {"extension": "1001", "file": "away.wav"}),
    ):
        answer = await house.get(f"{family}/{interface}", **params)
        assert answer["file"] == "away.wav"
        fetched = await house.http.get(answer[url], params={"access_token": house.token})
        assert fetched.content == tone()
    for params, problems in (
        ({}, {"id": "required"}),
        ({"id": 99}, {"id": "exist"}),
        ({"extension": "1001"}, {"file": "required"}),
        ({"extension": "1002", "file": "away.wav"}, {"file": "exist"}),
        ({"extension": "9", "file": "away.wav"}, {"extension": "exist"}),
    ):
        assert bad_fields(await house.get(f"vm_greeting/{interface}", **params)) == problems


async def test_the_voicemail_of_an_extension_is_set_up(people: Api) -> None:
    body: dict[str, str | int] = {
        "number": "1010", "enb_vm": "1", "enb_vm_pin": 1, "vm_pin": 4711, "new_vm_notify": "email_with_attachment",
        "after_vm_notify": "delete", "enb_vm_play_datetime": "0", "enb_vm_play_caller_id": 0, "enb_vm_play_duration": 1,
    }  # fmt: skip
    extension_id = (await people.post("extension/create", body))["id"]
    detail = (await people.get("extension/get", id=extension_id))["data"]
    assert "vm_pin" not in detail
    expected = {name: int(value) if str(value).isdecimal() else value for name, value in body.items()}
    del expected["vm_pin"]
    assert detail | expected | {"number": "1010"} == detail
    assert (await people.get("extension/getpassword", id=extension_id))["data"]["vm_pin"] == "4711"
    assert await people.post("extension/update", {"id": extension_id, "enb_vm": 0, "vm_pin": "0815"}) == DONE
    assert (await people.get("extension/getpassword", id=extension_id))["data"]["vm_pin"] == "0815"
    assert (await people.get("extension/get", id=extension_id))["data"] == detail | {"enb_vm": 0}


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"enb_vm_pin": "1"}, {"vm_pin": "required"}),
        ({"enb_vm_pin": 1, "vm_pin": ""}, {"vm_pin": "required"}),
        ({"vm_pin": "12"}, {"vm_pin": "length"}),
        ({"vm_pin": "1" * 16}, {"vm_pin": "length"}),
        ({"vm_pin": "12*4"}, {"vm_pin": "pattern"}),
        ({"enb_vm": 2, "new_vm_notify": "sms", "after_vm_notify": "burn"},
         {"enb_vm": "enum", "new_vm_notify": "enum", "after_vm_notify": "enum"}),
    ],
)  # fmt: skip
async def test_voicemail_that_cannot_be_is_refused(
    people: Api, fields: dict[str, Any], problems: dict[str, str]
) -> None:
    assert bad_fields(await people.post("extension/create", {"number": "1010"} | fields)) == problems
    assert bad_fields(await people.post("extension/update", {"id": 3071} | fields)) == problems
