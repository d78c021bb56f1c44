"""`custom_prompt/…`, and what holds for every upload."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ringdove.api.audio_form import MAX_AUDIO
from unit.api.api_client import BASE, Api, bad_fields
from unit.api.sound_files import kept, left_over, tone


@pytest.fixture
def data(api: Api) -> Path:
    return api.services.settings.data


async def upload(api: Api, name: str, content: bytes | None = None, **texts: str) -> int:
    answer = await api.upload("custom_prompt/upload", name, tone() if content is None else content, **texts)
    assert answer.keys() == {"errcode", "errmsg", "file", "id"}, answer
    assert (answer["errcode"], answer["file"]) == (0, name)
    return int(answer["id"])


async def names(api: Api, **params: Any) -> list[str]:
    answer = await api.get("custom_prompt/list", **params)
    return [row["file"] for row in answer["data"]]


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".flac", ".ogg"])
async def test_every_format_is_taken_and_told_of(api: Api, data: Path, suffix: str) -> None:
    content = tone(suffix, seconds=1.0)
    prompt_id = await upload(api, f"Welcome home{suffix}", content)
    answer = await api.get("custom_prompt/list")
    assert answer["total_number"] == 1
    assert answer["prompt_list"] == answer["data"]
    row = answer["data"][0]
    assert row.pop("duration") == pytest.approx(1.0, abs=0.1)
    assert row == {
        "id": prompt_id, "file": f"Welcome home{suffix}", "suffix": suffix, "type": "record", "size": len(content),
        "upload_time": int(api.now),
    }  # fmt: skip
    assert len(kept(data)) == 1
    assert left_over(data) == []


async def test_a_name_may_be_in_any_script(api: Api) -> None:
    await upload(api, "Grüße, 世界 (2).WAV")
    assert await names(api) == ["Grüße, 世界 (2).WAV"]
    assert (await api.get("custom_prompt/delete", file="Grüße, 世界 (2).WAV"))["errcode"] == 0


async def test_a_name_is_the_same_however_its_accents_are_written(api: Api) -> None:
    composed, decomposed = "\u00e9.wav", "e\u0301.wav"
    answer = await api.upload("custom_prompt/upload", decomposed, tone())
    assert (answer["errcode"], answer["file"]) == (0, composed)
    assert (await api.upload("custom_prompt/upload", composed, tone()))["errcode"] == 40003
    for name in (composed, decomposed):
        assert (await api.get("custom_prompt/search", search_value=name))["total_number"] == 1
        assert (await api.get("custom_prompt/download", file=name))["file"] == composed
    assert (await api.get("custom_prompt/delete", file=decomposed))["errcode"] == 0


BOGUS_NAMES = [
    ("../a.wav", "pattern"),
    ("/D:/prompt/demo.wav", "pattern"),
    ("C:\\music\\a.wav", "pattern"),
    ("..\\a.wav", "pattern"),
    (".wav", "pattern"),
    (".hidden.wav", "pattern"),
    ("a.exe", "pattern"),
    ("a", "pattern"),
    ("a.wav.", "pattern"),
    ("a\tb.wav", "pattern"),
    ("a\u2028.wav", "pattern"),
    ("a\u202egnp.wav", "pattern"),
    ("a\u200b.wav", "pattern"),
    ("x" * 124 + ".wav", "length"),
    ("", "required"),
]


@pytest.mark.parametrize(("name", "rule"), BOGUS_NAMES)
async def test_a_name_that_is_none_is_refused_not_cut(api: Api, data: Path, name: str, rule: str) -> None:
    disposition = f'form-data; name="file"; filename="{name}"'.replace("\\", "\\\\")
    body = f"--x\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + tone() + b"\r\n--x--\r\n"
    answer = await api.http.post(
        BASE + "custom_prompt/upload",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
        params={"access_token": api.token},
    )
    assert bad_fields(answer.json()) == {"file": rule}
    assert await names(api) == []
    assert kept(data) == set()
    assert left_over(data) == []


BOGUS_CONTENT = [
    (b"", "length"),
    (b"not audio at all", "audio"),
    (b"RIFF\xff\xff\xff\x7fWAVE", "audio"),
    (tone()[:40], "audio"),
    (b"<?php echo 1; ?>" * 100, "audio"),
]


@pytest.mark.parametrize(("content", "rule"), BOGUS_CONTENT)
async def test_content_that_is_no_audio_is_refused_with_the_reason(
    api: Api, data: Path, content: bytes, rule: str
) -> None:
    answer = await api.upload("custom_prompt/upload", "a.wav", content)
    assert bad_fields(answer) == {"file": rule}
    assert bool(answer.get("submsg")) == (rule == "audio")
    assert await names(api) == []
    assert kept(data) == set()
    assert left_over(data) == []


async def test_every_bad_part_is_named_at_once(api: Api) -> None:
    assert bad_fields(await api.upload("custom_prompt/upload", is_check="perhaps")) == {
        "is_check": "enum", "file": "required",
    }  # fmt: skip
    assert bad_fields(await api.upload("custom_prompt/upload", "a/b.wav", b"x", is_check="1")) == {
        "is_check": "enum", "file": "pattern",
    }  # fmt: skip


async def test_a_body_that_is_no_form_is_named(api: Api) -> None:
    assert bad_fields(await api.post("custom_prompt/upload", {"file": "a.wav"})) == {"body": "multipart"}


async def test_a_file_above_50_mib_is_refused(api: Api, data: Path) -> None:
    answer = await api.upload("custom_prompt/upload", "a.wav", bytes(MAX_AUDIO + 1))
    assert bad_fields(answer) == {"file": "length"}
    assert "50 MiB" in answer["submsg"]
    assert left_over(data) == []


async def test_without_a_token_an_upload_is_not_even_read(api: Api, data: Path) -> None:
    answer = await api.http.post(BASE + "custom_prompt/upload", files={"file": ("a.wav", tone())})
    assert answer.json()["errcode"] == 10004
    assert left_over(data) == []


async def test_ask_only_says_whether_the_name_is_taken(sounds: Api, data: Path) -> None:
    before = kept(data)
    free = {"errcode": 0, "errmsg": "SUCCESS", "file": "new.wav"}
    assert await sounds.upload("custom_prompt/upload", "new.wav", tone(), is_check="ask") == free
    assert await sounds.upload("custom_prompt/upload", "new.wav", b"", is_check="ask") == free
    assert await sounds.upload("custom_prompt/upload", file="new.wav", is_check="ask") == free
    answer = await sounds.upload("custom_prompt/upload", "demo.wav", is_check="ask")
    assert answer["errcode"] == 40003
    assert answer["duplicate_field_list"] == [
        {
            "field": "file",
            "value": "demo.wav",
            "external_source": "custom_prompt",
            "external_source_name": "demo.wav",
        }
    ]
    assert await names(sounds) == ["demo.wav"]
    assert kept(data) == before


async def test_a_taken_name_is_refused_unless_forced_and_the_old_content_goes(api: Api, data: Path) -> None:
    prompt_id = await upload(api, "a.wav", tone(hz=440))
    first = kept(data)
    answer = await api.upload("custom_prompt/upload", "a.wav", tone(hz=880))
    assert answer["errcode"] == 40003
    assert kept(data) == first
    assert await upload(api, "a.wav", tone(hz=880), is_check="force") == prompt_id
    assert len(kept(data) - first) == len(kept(data)) == 1
    assert await upload(api, "A.wav", tone(hz=880), is_check="force") != prompt_id
    assert await upload(api, "a.wav", tone(hz=880), is_check="force") == prompt_id
    assert len(kept(data)) == 1
    answer = await api.upload("custom_prompt/upload", "a.wav", b"broken", is_check="force")
    assert bad_fields(answer) == {"file": "audio"}
    assert len(kept(data)) == 1


async def test_content_goes_with_its_last_name(api: Api, data: Path) -> None:
    first, second = await upload(api, "a.wav"), await upload(api, "b.wav")
    await api.post("play_list/create", {"list_name": "Music", "list_type": 1, "play_order": "random"})
    assert (await api.upload("moh_files/upload", "c.wav", tone(), list_name="Music"))["errcode"] == 0
    assert len(kept(data)) == 1
    for path, params in (
        ("custom_prompt/delete", {"id": first}),
        ("custom_prompt/delete", {"file": "b.wav"}),
        ("play_list/delete", {"list_name": "Music"}),
    ):
        assert len(kept(data)) == 1
        assert await api.get(path, **params) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert kept(data) == set()
    assert bad_fields(await api.get("custom_prompt/delete", id=second)) == {"id": "exist"}


async def test_of_two_uploads_under_one_name_at_once_one_is_refused(api: Api, data: Path) -> None:
    answers = await asyncio.gather(
        *(api.upload("custom_prompt/upload", "a.wav", tone(hz=hz)) for hz in (440.0, 880.0, 660.0))
    )
    assert sorted(answer["errcode"] for answer in answers) == [0, 40003, 40003]
    assert len(kept(data)) == 1


async def test_no_name_is_left_without_content_however_uploads_and_deletions_meet(api: Api, data: Path) -> None:
    await upload(api, "0.wav")
    for i in range(6):
        deleted, uploaded = await asyncio.gather(
            api.get("custom_prompt/delete", file=f"{i}.wav"), api.upload("custom_prompt/upload", f"{i + 1}.wav", tone())
        )
        assert (deleted["errcode"], uploaded["errcode"]) == (0, 0)
        assert kept(data) == await api.store.sounds.digests()


async def test_a_row_that_cannot_be_saved_leaves_no_content(
    api: Api, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(api.store.prompts, "save", broken)
    parts = {"file": ("a.wav", tone())}
    answer = await api.http.post(BASE + "custom_prompt/upload", files=parts, params={"access_token": api.token})
    assert (answer.status_code, answer.json()["errcode"]) == (500, -1)
    assert kept(data) == set()
    assert left_over(data) == []


async def test_what_ring_groups_play_is_not_deleted(sounds: Api, data: Path) -> None:
    group = {
        "number": "6300", "name": "Support", "ring_strategy": "ring_all", "ring_timeout": 20, "fail_dest": "end_call",
        "member_list": [{"value": "3071", "type": "extension"}], "join_prompt": "demo.wav",
    }  # fmt: skip
    group_id = (await sounds.post("ringgroup/create", group))["id"]
    before = kept(data)
    answer = await sounds.get("custom_prompt/delete", file="demo.wav")
    assert answer["errcode"] == 40010
    assert answer["used_by_list"] == [
        {"source": "ring_group", "id": group_id, "number": "6300", "name": "Support", "field": "join_prompt"}
    ]
    assert kept(data) == before


async def test_lists_are_sorted_paged_and_searched(api: Api) -> None:
    for name, hz in (("b.wav", 440.0), ("a.wav", 880.0), ("loud c.mp3", 220.0)):
        await upload(api, name, tone(name[-4:], hz=hz))
        api.now += 1
    assert await names(api) == ["b.wav", "a.wav", "loud c.mp3"]
    assert await names(api, sort_by="file") == ["a.wav", "b.wav", "loud c.mp3"]
    assert await names(api, sort_by="upload_time", order_by="desc", page=2, page_size=2) == ["b.wav"]
    answer = await api.get("custom_prompt/search", search_value="WAV", sort_by="file", page_size=1)
    assert (answer["total_number"], [row["file"] for row in answer["data"]]) == (2, ["a.wav"])
    assert bad_fields(await api.get("custom_prompt/list", sort_by="digest", order_by="up", page=0)) == {
        "sort_by": "enum", "order_by": "enum", "page": "range",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["custom_prompt/delete", "custom_prompt/download"])
@pytest.mark.parametrize(
    ("params", "bad"),
    [
        ({}, {"id": "required"}),
        ({"id": ""}, {"id": "required"}),
        ({"id": 99}, {"id": "exist"}),
        ({"id": "a"}, {"id": "type"}),
        ({"id": 0}, {"id": "range"}),
        ({"file": "no.wav"}, {"file": "exist"}),
        ({"file": "../demo.wav"}, {"file": "pattern"}),
        ({"file": "x" * 128}, {"file": "length"}),
    ],
)
async def test_a_file_that_is_not_there_is_named(
    sounds: Api, path: str, params: dict[str, Any], bad: dict[str, str]
) -> None:
    assert bad_fields(await sounds.get(path, **params)) == bad
