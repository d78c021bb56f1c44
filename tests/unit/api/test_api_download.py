"""Links to files: who may follow them, for how long, and what comes."""

import re
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from ringdove.api.credentials import new_secret, token_hash
from unit.api.api_client import BASE, Api, bad_fields, pair
from unit.api.sound_files import kept, tone

EXPIRED = {"errcode": 10004, "errmsg": "TOKEN EXPIRED"}


async def link(api: Api, name: str = "a.wav", family: str = "custom_prompt", **params: str) -> str:
    answer = await api.get(f"{family}/download", file=name, **params)
    assert answer.keys() == {"errcode", "errmsg", "file", "download_resource_url"}, answer
    assert answer["file"] == name
    return str(answer["download_resource_url"])


async def fetch(api: Api, url: str, **headers: str) -> httpx.Response:
    return await api.http.get(url, params={"access_token": api.token}, headers=headers)


@pytest.fixture
async def uploaded(api: Api) -> Api:
    assert (await api.upload("custom_prompt/upload", "a.wav", tone()))["errcode"] == 0
    return api


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.wav", "audio/wav"), ("b c.mp3", "audio/mpeg"), ("世界.flac", "audio/flac"), ('"ö";x=1.ogg', "audio/ogg")],
)
async def test_a_file_comes_back_as_it_was_uploaded_under_its_name(api: Api, name: str, media_type: str) -> None:
    content = tone(Path(name).suffix)
    await api.upload("custom_prompt/upload", name.replace('"', "%22"), content)
    name = name.replace('"', "%22")  # as clients write it into a form
    answer = await fetch(api, await link(api, name))
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    disposition = re.fullmatch(
        r"""attachment; filename(?:="(.*)"|\*=utf-8''(.*))""", answer.headers["content-disposition"]
    )
    assert disposition
    assert unquote(disposition[1] or disposition[2]) == name


async def test_what_the_content_is_counts_not_the_ending_of_the_name(api: Api) -> None:
    await api.upload("custom_prompt/upload", "a.wav", tone(".mp3"))
    answer = await fetch(api, await link(api))
    assert answer.headers["content-type"] == "audio/mpeg"


async def test_music_and_ring_tones_have_links_too(api: Api) -> None:
    await api.post("play_list/create", {"list_name": "Music", "list_type": 1, "play_order": "random"})
    await api.upload("moh_files/upload", "a.wav", tone(), list_name="Music")
    await api.upload("custom_ringtone/upload", "a.wav", tone(hz=880))
    for url, content in (
        (await link(api, family="moh_files", list_name="Music"), tone()),
        (await link(api, family="custom_ringtone", type="backend"), tone(hz=880)),
    ):
        assert (await fetch(api, url)).content == content


async def test_a_part_of_a_file_can_be_fetched(uploaded: Api) -> None:
    url = await link(uploaded)
    answer = await fetch(uploaded, url, Range="bytes=4-11")
    assert (answer.status_code, answer.content) == (206, tone()[4:12])
    assert answer.headers["content-range"] == f"bytes 4-11/{len(tone())}"
    assert (await fetch(uploaded, url, Range="bytes=9999999-")).status_code == 416


async def test_a_link_is_good_for_30_minutes_even_if_its_token_is_for_longer(uploaded: Api) -> None:
    url = await link(uploaded)
    uploaded.now += 30 * 60 - 1
    assert (await fetch(uploaded, url)).status_code == 200
    uploaded.now += 1
    await uploaded.store.tokens.revoke(token_hash(uploaded.token))
    await uploaded.store.tokens.issue(1, pair(uploaded.token, uploaded.now), now=uploaded.now, limit=8)
    assert (await uploaded.get("custom_prompt/list"))["errcode"] == 0
    assert (await fetch(uploaded, url)).json() == EXPIRED


async def test_a_link_is_of_no_use_without_its_token(uploaded: Api) -> None:
    url = await link(uploaded)
    other = new_secret()
    await uploaded.store.tokens.issue(1, pair(other, uploaded.now), now=uploaded.now, limit=8)
    assert uploaded.token not in url
    for params in ({}, {"access_token": "x"}, {"access_token": other}):
        assert (await uploaded.http.get(url, params=params)).json() == EXPIRED


async def test_a_link_that_was_changed_is_of_no_use(uploaded: Api) -> None:
    await uploaded.upload("custom_prompt/upload", "b.wav", tone(hz=880))
    good, other = (await link(uploaded)).split("/"), (await link(uploaded, "b.wav")).split("/")
    assert (await fetch(uploaded, "/".join(good))).status_code == 200
    for place in range(len(good) - 4, len(good)):  # expires, signature, digest, name
        for wrong in (other[place], "9" * 20, "é", "%00", "0" * 64):
            changed = [*good[:place], wrong, *good[place + 1 :]]
            if changed != good:
                answer = await fetch(uploaded, "/".join(changed))
                assert (answer.status_code, answer.json()) == (200, EXPIRED)


async def test_what_is_played_comes_inline_and_in_parts(api: Api) -> None:
    await api.upload("custom_ringtone/upload", "a.wav", tone())
    url = (await api.get("custom_ringtone/play", file="a.wav"))["play_resource_url"]
    answer = await fetch(api, url)
    assert (answer.status_code, answer.content) == (200, tone())
    assert answer.headers["content-disposition"] == 'inline; filename="a.wav"'
    assert answer.headers["content-type"] == "audio/wav"
    assert (await fetch(api, url, Range="bytes=0-3")).content == b"RIFF"
    assert (await api.http.get(url)).json() == EXPIRED
    api.now += 30 * 60
    await api.store.tokens.revoke(token_hash(api.token))
    await api.store.tokens.issue(1, pair(api.token, api.now), now=api.now, limit=8)
    assert (await fetch(api, url)).json() == EXPIRED


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=4-11"}])
async def test_what_is_deleted_while_it_is_sent_comes_whole(uploaded: Api, headers: dict[str, str]) -> None:
    url = await link(uploaded)

    async def deleting(scope: Scope, receive: Receive, send: Send) -> None:
        async def delete_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                await uploaded.get("custom_prompt/delete", file="a.wav")
            await send(message)

        await uploaded.app(scope, receive, delete_and_send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(deleting), base_url="http://test") as http:
        answer = await http.get(url, params={"access_token": uploaded.token}, headers=headers)
    assert kept(uploaded.services.settings.data) == set()
    assert answer.content == (tone()[4:12] if headers else tone())


async def test_what_was_deleted_since_is_gone(uploaded: Api) -> None:
    url = await link(uploaded)
    await uploaded.get("custom_prompt/delete", file="a.wav")
    assert bad_fields((await fetch(uploaded, url)).json()) == {"file": "exist"}


async def test_a_link_is_an_absolute_path_without_a_query(uploaded: Api) -> None:
    """Clients put it behind the base URL, and the token behind it."""
    url = await link(uploaded)
    assert url.startswith(BASE + "download/")
    assert "?" not in url
    answer = await uploaded.http.get(f"{url}?access_token={uploaded.token}")
    assert answer.content == tone()
