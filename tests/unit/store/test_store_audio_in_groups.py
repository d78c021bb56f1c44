"""Audio that ring groups name: it is there when they are saved, not deleted while they do, and renamed in them too."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from ringdove.model.audio import Prompt
from ringdove.model.destination import END_CALL, Destination
from ringdove.model.extension import Extension
from ringdove.model.reference import AudioRef, DestinationKind, ObjectKind
from ringdove.model.ring_group import Entry, MemberRef, MemberType, RingGroup
from ringdove.ring.plan import Strategy
from ringdove.store import BrokenReference, InUse, Store, Usage
from ringdove.store.audio_files import Prompts, Ringtones

HELLO, BYE, CHIME = "hello.wav", "bye.wav", "Chime.mp3"


def greeting(file: str) -> Destination:
    return Destination(kind=DestinationKind.PLAY_GREETING, prefix="2", value=file)


def prompt(file: str) -> Prompt:
    return Prompt(file=file, digest="3" * 64, seconds=1, size=1)


ALL_AUDIO: dict[str, Any] = {
    "join_prompt": HELLO,
    "welcome_prompt": "SoftBreeze",
    "moh": "Jazz",
    "client_unique_ringtone": CHIME,
    "fail_dest": greeting(BYE),
    "no_agent_online_dest": greeting(HELLO),
}


@pytest.fixture
def member(people: list[Extension]) -> Entry:
    return Entry(members=(MemberRef(type=MemberType.EXTENSION, id=people[0].id),))


def ring_group(member: Entry, number: str = "6300", **fields: Any) -> RingGroup:
    plain = {"name": "Group", "ring_strategy": Strategy.RING_ALL, "ring_timeout": 20, "fail_dest": END_CALL}
    return RingGroup.model_validate(plain | {"number": number, "member_list": (member,)} | fields)


async def prompt_id(store: Store, file: str) -> int:
    found = await store.prompts.by_file(file)
    assert found
    return found.id


async def renamed(files: Prompts | Ringtones, file: str, new_file: str) -> None:
    found = await files.by_file(file)
    assert found
    assert await files.update(found.id, lambda before: before.model_copy(update={"file": new_file}))


async def playlist_id(store: Store, name: str) -> int:
    found = await store.playlists.by_name(name)
    assert found
    return found.id


async def test_audio_that_does_not_exist_is_refused_and_nothing_is_saved(audio: Store, member: Entry) -> None:
    wrong = ring_group(
        member,
        join_prompt="SoftBreeze",
        welcome_prompt=CHIME,
        moh=HELLO,
        client_unique_ringtone=BYE,
        fail_dest=greeting("no.wav"),
    )
    with pytest.raises(BrokenReference) as refused:
        await audio.ring_groups.create(wrong)
    assert refused.value.missing == {
        AudioRef(ObjectKind.PROMPT, "SoftBreeze"),
        AudioRef(ObjectKind.PROMPT, CHIME),
        AudioRef(ObjectKind.PLAYLIST, HELLO),
        AudioRef(ObjectKind.RINGTONE, BYE),
        AudioRef(ObjectKind.PROMPT, "no.wav"),
    }
    assert await audio.numbers.find("6300") is None


async def test_names_are_looked_for_exactly_and_in_their_kind(audio: Store) -> None:
    there = {AudioRef(ObjectKind.PROMPT, HELLO), AudioRef(ObjectKind.PLAYLIST, "Jazz")}
    gone = {AudioRef(ObjectKind.PROMPT, "Hello.wav"), AudioRef(ObjectKind.RINGTONE, HELLO)}
    assert await audio.references.missing(there | gone) == gone


async def test_an_update_may_keep_audio_that_is_gone_but_not_name_it_anew(
    audio: Store, member: Entry, tmp_path: Path
) -> None:
    saved = await audio.ring_groups.create(ring_group(member, **ALL_AUDIO))
    with closing(sqlite3.connect(tmp_path / "ringdove.db")) as conn, conn:
        conn.execute("UPDATE ring_group SET join_prompt = 'gone.wav', moh = 'Gone', fail_dest_value = 'gone.wav'")
    kept = await audio.ring_groups.update(saved.id, lambda g: g.model_copy(update={"name": "New"}))
    gone = {"name": "New", "join_prompt": "gone.wav", "moh": "Gone", "fail_dest": greeting("gone.wav")}
    assert kept == saved.model_copy(update=gone)
    anew: dict[str, Any]
    for anew in ({"welcome_prompt": "gone.wav"}, {"no_agent_online_dest": greeting("gone.wav")}):
        with pytest.raises(BrokenReference) as refused:
            await audio.ring_groups.update(saved.id, methodcaller("model_copy", update=anew))
        assert refused.value.missing == {AudioRef(ObjectKind.PROMPT, "gone.wav")}
    assert await audio.ring_groups.get(saved.id) == kept


async def test_what_a_group_names_is_not_deleted_and_every_user_and_field_is_told(audio: Store, member: Entry) -> None:
    first = await audio.ring_groups.create(ring_group(member, **ALL_AUDIO))
    second = await audio.ring_groups.create(
        ring_group(member, "6301", welcome_prompt=HELLO, fail_dest=greeting(HELLO), no_agent_online_dest=greeting(BYE))
    )
    chime = await audio.ringtones.by_file(CHIME)
    assert chime

    def used(group: RingGroup, field: str) -> Usage:
        return Usage(group.id, group.number, "Group", field)

    expected = [
        (audio.prompts.delete(await prompt_id(audio, HELLO)),
         (used(first, "join_prompt"), used(first, "no_agent_online_value"),
          used(second, "welcome_prompt"), used(second, "fail_dest_value"))),
        (audio.prompts.delete(await prompt_id(audio, BYE)),
         (used(first, "fail_dest_value"), used(second, "no_agent_online_value"))),
        (audio.playlists.delete(await playlist_id(audio, "SoftBreeze")), (used(first, "welcome_prompt"),)),
        (audio.playlists.delete(await playlist_id(audio, "Jazz")), (used(first, "moh"),)),
        (audio.ringtones.delete(chime.id), (used(first, "client_unique_ringtone"),)),
    ]  # fmt: skip
    for attempt, users in expected:
        with pytest.raises(InUse) as refused:
            await attempt
        assert refused.value.users == users
    for group in (first, second):
        await audio.ring_groups.delete(group.id)
    assert await audio.prompts.delete(await prompt_id(audio, HELLO))
    assert await audio.playlists.delete(await playlist_id(audio, "Jazz"))
    assert await audio.ringtones.delete(chime.id)


async def test_a_new_name_goes_into_the_groups_and_only_where_it_means_the_same(audio: Store, member: Entry) -> None:
    await audio.prompts.save(prompt(CHIME))
    fields = ALL_AUDIO | {"join_prompt": CHIME, "fail_dest": greeting(CHIME)}
    saved = await audio.ring_groups.create(ring_group(member, **fields))
    other = await audio.ring_groups.create(ring_group(member, "6301", join_prompt=HELLO, welcome_prompt=CHIME))
    await renamed(audio.prompts, CHIME, "Gong.mp3")
    soft = await playlist_id(audio, "SoftBreeze")
    assert await audio.playlists.update(soft, lambda p: p.model_copy(update={"list_name": "Breeze"}))
    changed = {"join_prompt": "Gong.mp3", "fail_dest": greeting("Gong.mp3"), "welcome_prompt": "Breeze"}
    assert await audio.ring_groups.get(saved.id) == saved.model_copy(update=changed)
    assert await audio.ring_groups.get(other.id) == other.model_copy(update={"welcome_prompt": "Gong.mp3"})
    await renamed(audio.ringtones, CHIME, "Bell.mp3")
    changed["client_unique_ringtone"] = "Bell.mp3"
    assert await audio.ring_groups.get(saved.id) == saved.model_copy(update=changed)


async def test_no_group_ever_names_what_was_deleted_beside_it(audio: Store, url: str, member: Entry) -> None:
    other = await Store.open(url)
    try:
        for turn in range(10):
            saved = await audio.prompts.save(prompt(f"race{turn}.wav"))
            group = ring_group(member, f"70{turn}", join_prompt=f"race{turn}.wav")
            both: list[Awaitable[object]] = [audio.ring_groups.create(group), other.prompts.delete(saved.id)]
            results = await asyncio.gather(*(both if turn % 2 else reversed(both)), return_exceptions=True)
            assert sum(isinstance(result, BrokenReference | InUse) for result in results) == 1, results
            assert (await audio.prompts.get(saved.id) is None) == (await audio.numbers.find(group.number) is None)
    finally:
        await other.close()
