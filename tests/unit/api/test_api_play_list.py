"""`play_list/…` and `moh_files/…`: playlists and the music in them."""

from pathlib import Path
from typing import Any

import pytest

from ringdove.api.ringgroup_examples import EXAMPLES
from ringdove.model.audio import Audio, Playlist, PlayOrder
from support.silence import silence
from unit.api.api_client import Api, bad_fields
from unit.api.sound_files import kept, left_over, tone

BODY = {"list_name": "SoftBreeze", "list_type": 1, "play_order": "alphabetical"}


@pytest.fixture
def data(api: Api) -> Path:
    return api.services.settings.data


async def create(api: Api, **fields: Any) -> int:
    answer = await api.post("play_list/create", BODY | fields)
    assert answer.keys() == {"errcode", "errmsg", "id"}, answer
    return int(answer["id"])


async def upload(api: Api, name: str, content: bytes | None = None, **texts: str) -> None:
    content = tone() if content is None else content
    answer = await api.upload("moh_files/upload", name, content, **({"list_name": "SoftBreeze"} | texts))
    assert answer == {"errcode": 0, "errmsg": "SUCCESS", "file": name}


async def test_playlists_from_create_to_delete(api: Api, data: Path) -> None:
    list_id = await create(api)
    await upload(api, "b.wav")
    await upload(api, "A.mp3", tone(".mp3"))
    expected = {
        "id": list_id, "list_name": "SoftBreeze", "play_order": "alphabetical", "list_type": 1, "stream_url": "",
        "prompt_list": [{"file": "A.mp3"}, {"file": "b.wav"}],
    }  # fmt: skip
    assert (await api.get("play_list/get", id=list_id))["data"] == expected
    for params in ({"ids": list_id}, {"id": f"{list_id}"}):
        assert (await api.get("play_list/query", **params))["data"] == [expected]
    assert await api.get("play_list/list") == {
        "errcode": 0, "errmsg": "SUCCESS", "total_number": 1, "play_list": [expected],
    }  # fmt: skip
    changes = {"id": list_id, "play_order": "random", "list_name": "Gale"}
    assert await api.post("play_list/update", changes) == {"errcode": 0, "errmsg": "SUCCESS"}
    changed = expected | {"play_order": "random", "list_name": "Gale"}
    assert (await api.get("play_list/search", search_value="GAL"))["play_list"] == [changed]
    assert await api.get("play_list/delete", id=list_id) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert (await api.get("play_list/list"))["total_number"] == 0
    assert kept(data) == set()


BOGUS = [
    ("list_name", None, "required"),
    ("list_name", "", "required"),
    ("list_name", "x" * 64, "length"),
    ("list_name", "a\nb", "pattern"),
    ("list_name", "follow_system", "pattern"),
    ("list_name", "music.mp3", "pattern"),
    ("list_name", "a\u200db", "pattern"),
    ("list_name", ["x"], "type"),
    ("list_type", None, "required"),
    ("list_type", 0, "enum"),
    ("list_type", 2, "unsupported"),
    ("list_type", "2", "unsupported"),
    ("list_type", "local", "enum"),
    ("list_type", True, "type"),
    ("play_order", None, "required"),
    ("play_order", "backwards", "enum"),
    ("play_order", 1, "enum"),
]


@pytest.mark.parametrize(("field", "value", "rule"), BOGUS)
async def test_a_bogus_value_is_named_with_its_rule(api: Api, field: str, value: Any, rule: str) -> None:
    assert bad_fields(await api.post("play_list/create", BODY | {field: value})) == {field: rule}
    assert (await api.get("play_list/list"))["total_number"] == 0
    if rule != "required":
        list_id = await create(api)
        assert bad_fields(await api.post("play_list/update", {"id": list_id, field: value})) == {field: rule}
        assert bad_fields(await api.post("play_list/update", {"id": 99, field: value})) == {"id": "exist", field: rule}


async def test_every_bad_field_is_named_at_once_and_a_stream_has_no_order(api: Api) -> None:
    assert bad_fields(await api.post("play_list/create", {})) == {
        "list_name": "required", "list_type": "required", "play_order": "required",
    }  # fmt: skip
    body = {"list_name": "Radio", "list_type": 2, "stream_url": "http://example.org/radio"}
    assert bad_fields(await api.post("play_list/create", body)) == {"list_type": "unsupported"}


async def test_a_name_belongs_to_one_playlist(api: Api) -> None:
    await create(api)
    other = await create(api, list_name="Other")
    for path, body in (("create", BODY), ("update", {"id": other, "list_name": "SoftBreeze"})):
        answer = await api.post(f"play_list/{path}", body)
        assert answer["errcode"] == 40003
        assert answer["duplicate_field_list"][0]["field"] == "list_name"


async def test_what_ring_groups_play_is_renamed_with_them_and_not_deleted(people: Api) -> None:
    list_id = await create(people)
    group = {
        "number": "6300", "name": "Support", "ring_strategy": "ring_all", "ring_timeout": 20, "fail_dest": "end_call",
        "member_list": [{"value": "3071", "type": "extension"}], "moh": "SoftBreeze", "welcome_prompt": "SoftBreeze",
    }  # fmt: skip
    group_id = (await people.post("ringgroup/create", group))["id"]
    for params in ({"id": list_id}, {"list_name": "SoftBreeze"}):
        answer = await people.get("play_list/delete", **params)
        assert answer["errcode"] == 40010
        assert [user["field"] for user in answer["used_by_list"]] == ["welcome_prompt", "moh"]
    await people.post("play_list/update", {"id": list_id, "list_name": "Gale"})
    detail = (await people.get("ringgroup/get", id=group_id))["data"]
    assert (detail["moh"], detail["welcome_prompt"]) == ("Gale", "Gale")


async def test_the_playlist_of_the_system_keeps_its_name(api: Api, data: Path) -> None:
    await api.store.sounds.keep_built_ins([], [silence(data, "music.mp3")])
    default = (await api.get("play_list/list"))["play_list"][0]
    assert default["list_name"] == "default"
    changes = {"id": default["id"], "list_name": "mine"}
    assert bad_fields(await api.post("play_list/update", changes)) == {"list_name": "builtin"}
    assert bad_fields(await api.get("play_list/delete", id=default["id"])) == {"id": "builtin"}
    assert bad_fields(await api.get("play_list/delete", list_name="default")) == {"list_name": "builtin"}
    order = {"id": default["id"], "play_order": "alphabetical"}
    assert (await api.post("play_list/update", order))["errcode"] == 0
    await upload(api, "mine.wav", list_name="default")
    assert (await api.get("moh_files/delete", list_name="default", file="music.mp3"))["errcode"] == 0


@pytest.mark.parametrize(
    ("params", "bad"),
    [
        ({}, {"id": "required"}),
        ({"id": 99}, {"id": "exist"}),
        ({"list_name": "none"}, {"list_name": "exist"}),
        ({"list_name": "x" * 128}, {"list_name": "length"}),
        ({"list_name": "a\x00"}, {"list_name": "pattern"}),
    ],
)
async def test_a_playlist_that_is_not_there_is_named(api: Api, params: dict[str, Any], bad: dict[str, str]) -> None:
    assert bad_fields(await api.get("play_list/delete", **params)) == bad


async def test_files_of_a_playlist_are_listed_in_pages(api: Api) -> None:
    await create(api)
    for name in ("b.wav", "C.wav", "a.wav"):
        await upload(api, name)
    assert await api.get("moh_files/list", list_name="SoftBreeze") == {
        "errcode": 0, "errmsg": "SUCCESS", "total_number": 3,
        "prompt_list": [{"file": "a.wav"}, {"file": "b.wav"}, {"file": "C.wav"}],
    }  # fmt: skip
    answer = await api.get("moh_files/list", owner="SoftBreeze", order_by="desc", page=2, page_size=2)
    assert (answer["total_number"], answer["prompt_list"]) == (3, [{"file": "a.wav"}])
    assert bad_fields(await api.get("moh_files/list")) == {"list_name": "required"}
    assert bad_fields(await api.get("moh_files/list", list_name="none")) == {"list_name": "exist"}


async def test_music_is_replaced_only_by_force_and_goes_with_its_last_name(api: Api, data: Path) -> None:
    await create(api)
    await create(api, list_name="Other")
    await upload(api, "a.wav")
    await upload(api, "a.wav", list_name="", owner="Other")
    assert len(kept(data)) == 1
    answer = await api.upload("moh_files/upload", "a.wav", tone(hz=880), list_name="Other")
    assert answer["errcode"] == 40003
    assert answer["duplicate_field_list"][0]["external_source"] == "play_list"
    asked = await api.upload("moh_files/upload", "b.wav", list_name="Other", is_check="ask")
    assert asked == {"errcode": 0, "errmsg": "SUCCESS", "file": "b.wav"}
    await upload(api, "a.wav", tone(hz=880), list_name="Other", is_check="force")
    assert len(kept(data)) == 2
    await upload(api, "a.wav", tone(hz=880), is_check="force")
    assert len(kept(data)) == 1
    for name in ("SoftBreeze", "Other"):
        assert (await api.get("moh_files/delete", list_name=name, file="a.wav"))["errcode"] == 0
    assert kept(data) == set()
    assert left_over(data) == []


async def test_a_playlist_takes_500_files(api: Api, data: Path) -> None:
    files = tuple(Audio(file=f"{i}.wav", digest=f"{i:064x}", seconds=1, size=1) for i in range(500))
    await api.store.playlists.create(Playlist(list_name="SoftBreeze", play_order=PlayOrder.RANDOM, files=files))
    answer = await api.upload("moh_files/upload", "one more.wav", tone(), list_name="SoftBreeze")
    assert answer == {"errcode": 60002, "errmsg": "MAX LIMITATION EXCEEDED"}
    assert kept(data) == set()
    assert left_over(data) == []
    await upload(api, "7.wav", is_check="force")
    assert (await api.get("moh_files/delete", list_name="SoftBreeze", file="8.wav"))["errcode"] == 0
    await upload(api, "one more.wav")


@pytest.mark.parametrize(
    ("name", "content", "texts", "bad"),
    [
        ("a.wav", b"x", {}, {"list_name": "required"}),
        ("a.wav", b"x", {"list_name": "none"}, {"list_name": "exist"}),
        ("a/b.wav", b"", {"list_name": "none", "is_check": "x"},
         {"file": "pattern", "list_name": "exist", "is_check": "enum"}),
        (None, b"", {"list_name": "SoftBreeze"}, {"file": "required"}),
        ("a.wav", b"", {"list_name": "SoftBreeze"}, {"file": "length"}),
        ("a.wav", b"x", {"list_name": "SoftBreeze"}, {"file": "audio"}),
    ],
)  # fmt: skip
async def test_bogus_music_is_named(
    api: Api, data: Path, name: str | None, content: bytes, texts: dict[str, str], bad: dict[str, str]
) -> None:
    await create(api)
    assert bad_fields(await api.upload("moh_files/upload", name, content, **texts)) == bad
    assert kept(data) == set()
    assert left_over(data) == []


@pytest.mark.parametrize("path", ["moh_files/delete", "moh_files/download"])
async def test_music_that_is_not_there_is_named(api: Api, path: str) -> None:
    await create(api)
    assert bad_fields(await api.get(path)) == {"list_name": "required", "file": "required"}
    assert bad_fields(await api.get(path, list_name="none", file="a.wav")) == {"list_name": "exist"}
    assert bad_fields(await api.get(path, list_name="SoftBreeze", file="a.wav")) == {"file": "exist"}
    assert bad_fields(await api.get(path, list_name="SoftBreeze", file="../a.wav")) == {"file": "pattern"}


async def test_the_examples_of_the_page_work_after_their_sounds_were_uploaded(people: Api) -> None:
    for example in EXAMPLES.values():
        assert bad_fields(await people.post("ringgroup/create", example)) == {
            "join_prompt": "exist", "welcome_prompt": "exist", "moh": "exist",
        }  # fmt: skip
    assert (await people.upload("custom_prompt/upload", "demo.wav", tone()))["errcode"] == 0
    await create(people)
    await upload(people, "breeze.mp3", tone(".mp3"))
    for example in EXAMPLES.values():
        assert (await people.post("ringgroup/create", example))["errcode"] == 0
