"""`custom_ringtone/…`: built-in and uploaded ring tones."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ringdove.api.audio_form import MAX_RINGTONE
from ringdove.model.audio import Ringtone
from support.silence import silence
from unit.api.api_client import BASE, Api, bad_fields
from unit.api.sound_files import kept, left_over, tone


@pytest.fixture
async def built_in(people: Api) -> Api:
    """A system with its ring tones, as after its first start."""
    data = people.services.settings.data
    tones = [Ringtone(**silence(data, f"Ring{i}.mp3").model_dump()) for i in range(11)]
    await people.store.sounds.keep_built_ins(tones, [silence(data, "music.mp3")])
    return people


@pytest.fixture
def data(api: Api) -> Path:
    return api.services.settings.data


async def upload(api: Api, name: str, content: bytes | None = None, **texts: str) -> int:
    answer = await api.upload("custom_ringtone/upload", name, tone() if content is None else content, **texts)
    assert answer["errcode"] == 0, answer
    return int(answer["id"])


async def rows(api: Api, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get("custom_ringtone/list", **params)
    found: list[dict[str, Any]] = answer["ringtone_list"]
    return found


async def test_built_in_ring_tones_come_first_and_uploaded_ones_go_on_from_12(built_in: Api) -> None:
    assert await upload(built_in, "DawnChime.wav", type="backend") == 12
    assert await upload(built_in, "Bell.MP3", tone(".mp3")) == 13
    answer = await built_in.get("custom_ringtone/list", page=1, page_size=1)
    assert answer["total_number"] == 13
    assert answer["ringtone_list"] == [{"id": 1, "file": "Ring0.mp3", "suffix": ".mp3", "type": "built-in"}]
    assert (await rows(built_in, page=7, page_size=2))[0] == {
        "id": 13, "file": "Bell.MP3", "suffix": ".mp3", "type": "backend",
    }  # fmt: skip
    answer = await built_in.get("custom_ringtone/search", search_value="chime")
    assert [row["file"] for row in answer["ringtone_list"]] == ["DawnChime.wav"]
    assert [row["id"] for row in await rows(built_in, sort_by="type", order_by="desc", page_size=2)] == [11, 10]


@pytest.mark.parametrize(
    ("name", "texts", "bad"),
    [
        ("a.ogg", {}, {"file": "pattern"}),
        ("a.flac", {}, {"file": "pattern"}),
        ("../a.wav", {}, {"file": "pattern"}),
        ("a.wav", {"type": "built-in"}, {"type": "enum"}),
        ("a.wav", {"is_check": "maybe"}, {"is_check": "enum"}),
        ("a.wav", {"new_file": "b.wav"}, {"old_file": "required"}),
        ("a.wav", {"old_file": "../c.wav"}, {"old_file": "pattern"}),
        ("a.wav", {"old_file": "c.mp3"}, {"file": "pattern"}),
        ("a.wav", {"old_file": "c.wav", "new_file": "b.mp3"}, {"new_file": "pattern"}),
        ("a.wav", {"old_file": "none.wav"}, {"old_file": "exist"}),
        ("a.mp3", {"old_file": "Ring1.mp3"}, {"old_file": "builtin"}),
        ("Ring1.mp3", {"is_check": "force"}, {"file": "builtin"}),
        (None, {"is_check": "force"}, {"file": "required"}),
        (None, {"is_check": "ask"}, {"file": "required"}),
        (None, {"old_file": "c.wav"}, {"file": "required"}),
        (None, {"new_file": "c.wav"}, {"file": "required", "old_file": "required"}),
        (None, {"old_file": "none.wav", "new_file": "c.wav"}, {"old_file": "exist"}),
    ],
)
async def test_bogus_uploads_are_named(
    built_in: Api, data: Path, name: str | None, texts: dict[str, str], bad: dict[str, str]
) -> None:
    before = kept(data)
    answer = await built_in.upload("custom_ringtone/upload", name, tone(), **texts)
    assert bad_fields(answer) == bad
    assert len(await rows(built_in)) == 11
    assert kept(data) == before
    assert left_over(data) == []


async def test_a_ring_tone_above_4_mib_is_refused(api: Api) -> None:
    answer = await api.upload("custom_ringtone/upload", "a.wav", bytes(MAX_RINGTONE + 1))
    assert bad_fields(answer) == {"file": "length"}
    assert "4 MiB" in answer["submsg"]


async def test_ask_and_force_are_as_with_prompts(built_in: Api) -> None:
    for name in ("Ring1.mp3", "mine.wav"):
        answer = await built_in.upload("custom_ringtone/upload", name, is_check="ask")
        assert answer["errcode"] == (40003 if name == "Ring1.mp3" else 0)
    tone_id = await upload(built_in, "mine.wav")
    assert (await built_in.upload("custom_ringtone/upload", "mine.wav", tone()))["errcode"] == 40003
    assert await upload(built_in, "mine.wav", tone(hz=880), is_check="force") == tone_id


async def test_old_file_gets_another_content_another_name_or_both(people: Api, data: Path) -> None:
    tone_id = await upload(people, "one.wav")
    first = kept(data)
    group = {
        "number": "6300", "name": "Support", "ring_strategy": "ring_all", "ring_timeout": 20, "fail_dest": "end_call",
        "member_list": [{"value": "3071", "type": "extension"}], "client_unique_ringtone": "one.wav",
    }  # fmt: skip
    group_id = (await people.post("ringgroup/create", group))["id"]

    async def ringtone_of_group() -> str:
        return str((await people.get("ringgroup/get", id=group_id))["data"]["client_unique_ringtone"])

    # The name of the file that comes does not count: old_file keeps its own.
    assert await upload(people, "other.wav", tone(hz=880), old_file="one.wav") == tone_id
    second = kept(data)
    assert second.isdisjoint(first)
    assert [row["file"] for row in await rows(people)] == ["one.wav"]

    answer = await people.upload("custom_ringtone/upload", old_file="one.wav", new_file="two.wav")
    assert (answer["file"], answer["id"]) == ("two.wav", tone_id)
    assert await ringtone_of_group() == "two.wav"
    assert kept(data) == second

    assert await upload(people, "x.wav", old_file="two.wav", new_file="three.wav", is_check="ask") == tone_id
    assert await ringtone_of_group() == "three.wav"
    assert kept(data) == first

    await upload(people, "taken.wav", tone(hz=660))
    for name, content in ((None, b""), ("x.wav", tone(hz=880))):
        texts = {"old_file": "three.wav", "new_file": "taken.wav"}
        answer = await people.upload("custom_ringtone/upload", name, content, **texts)
        assert answer["errcode"] == 40003
        assert answer["duplicate_field_list"][0]["field"] == "new_file"


async def test_broken_content_does_not_rename(api: Api) -> None:
    await upload(api, "one.wav")
    texts = {"old_file": "one.wav", "new_file": "two.wav"}
    assert bad_fields(await api.upload("custom_ringtone/upload", "x.wav", b"broken", **texts)) == {"file": "audio"}
    assert [row["file"] for row in await rows(api)] == ["one.wav"]


@pytest.mark.parametrize(
    ("name", "content"), [("a.wav", ".flac"), ("a.wav", ".mp3"), ("a.mp3", ".ogg"), ("a.mp3", ".wav")]
)
async def test_a_ring_tone_is_what_its_name_says(api: Api, data: Path, name: str, content: str) -> None:
    answer = await api.upload("custom_ringtone/upload", name, tone(content))
    assert bad_fields(answer) == {"file": "audio"}
    assert name[1:] in answer["submsg"]
    assert content in answer["submsg"]
    await upload(api, name, tone(name[1:]))
    before = kept(data)
    answer = await api.upload("custom_ringtone/upload", name, tone(content, hz=880), old_file=name)
    assert bad_fields(answer) == {"file": "audio"}
    assert kept(data) == before


@pytest.mark.parametrize("table", ["ringtone", "ring_group"])
async def test_another_name_and_content_come_both_or_not_at_all(people: Api, data: Path, table: str) -> None:
    tone_id = await upload(people, "one.wav")
    group = {
        "number": "6300", "name": "Support", "ring_strategy": "ring_all", "ring_timeout": 20, "fail_dest": "end_call",
        "member_list": [{"value": "3071", "type": "extension"}], "client_unique_ringtone": "one.wav",
    }  # fmt: skip
    group_id = (await people.post("ringgroup/create", group))["id"]
    before = kept(data)
    column = {"ringtone": "digest", "ring_group": "client_unique_ringtone"}[table]
    with closing(sqlite3.connect(data / "ringdove.db")) as conn, conn:
        conn.execute(
            f"CREATE TRIGGER broken BEFORE UPDATE OF {column} ON {table} WHEN NEW.{column} <> OLD.{column} "
            "BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END"
        )
    answer = await people.http.post(
        BASE + "custom_ringtone/upload",
        files={"file": ("x.wav", tone(hz=880))},
        data={"old_file": "one.wav", "new_file": "two.wav"},
        params={"access_token": people.token},
    )
    assert answer.status_code == 500
    assert [(row["id"], row["file"]) for row in await rows(people)] == [(tone_id, "one.wav")]
    assert (await people.get("ringgroup/get", id=group_id))["data"]["client_unique_ringtone"] == "one.wav"
    assert kept(data) == before


async def test_a_ring_tone_can_be_played_by_its_name(built_in: Api) -> None:
    await upload(built_in, "mine.wav", tone())
    for params in ({}, {"type": "backend"}):
        answer = await built_in.get("custom_ringtone/play", file="mine.wav", **params)
        assert answer.keys() == {"errcode", "errmsg", "file", "play_resource_url"}
        assert answer["file"] == "mine.wav"
    assert (await built_in.get("custom_ringtone/play", file="Ring3.mp3", type="built-in"))["errcode"] == 0
    for params, bad in (
        ({}, {"file": "required"}),
        ({"id": "12"}, {"file": "required"}),
        ({"file": "none.wav"}, {"file": "exist"}),
        ({"file": "mine.wav", "type": "built-in"}, {"file": "exist"}),
        ({"file": "../mine.wav", "type": "x"}, {"file": "pattern", "type": "enum"}),
    ):
        assert bad_fields(await built_in.get("custom_ringtone/play", **params)) == bad


async def test_delete(built_in: Api, data: Path) -> None:
    assert bad_fields(await built_in.get("custom_ringtone/delete", id=2)) == {"id": "builtin"}
    assert bad_fields(await built_in.get("custom_ringtone/delete", file="Ring1.mp3")) == {"file": "builtin"}
    assert bad_fields(await built_in.get("custom_ringtone/delete", file="none.mp3")) == {"file": "exist"}
    assert bad_fields(await built_in.get("custom_ringtone/delete")) == {"id": "required"}
    before = kept(data)
    await upload(built_in, "mine.wav")
    group = {
        "number": "6300", "name": "Support", "ring_strategy": "ring_all", "ring_timeout": 20, "fail_dest": "end_call",
        "member_list": [{"value": "3071", "type": "extension"}], "client_unique_ringtone": "mine.wav",
    }  # fmt: skip
    group_id = (await built_in.post("ringgroup/create", group))["id"]
    answer = await built_in.get("custom_ringtone/delete", file="mine.wav")
    assert (answer["errcode"], answer["used_by_list"][0]["field"]) == (40010, "client_unique_ringtone")
    await built_in.get("ringgroup/delete", id=group_id)
    assert await built_in.get("custom_ringtone/delete", file="mine.wav") == {"errcode": 0, "errmsg": "SUCCESS"}
    assert kept(data) == before
