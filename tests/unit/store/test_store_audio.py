"""Prompts, ring tones and playlists: kept under their names, built-ins beside uploads."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from ringdove.model.audio import Audio, Playlist, PlayOrder, Prompt, Ringtone, RingtoneType, Selection
from ringdove.model.reference import ObjectKind
from ringdove.store import Builtin, Clash, Duplicate, Full, Listing, Store

BUILT_INS = [f"Ring{i}.mp3" for i in range(11)]


def audio(file: str, content: str = "a") -> Audio:
    return Audio(file=file, digest=content * 64, seconds=1.5, size=4000)


def prompt(file: str, content: str = "a", at: float = 1_000_000.5) -> Prompt:
    return Prompt(**audio(file, content).model_dump(), uploaded_at=at)


def ringtone(file: str, content: str = "a") -> Ringtone:
    return Ringtone(**audio(file, content).model_dump())


def playlist(name: str, *files: str, order: PlayOrder = PlayOrder.ALPHABETICAL) -> Playlist:
    return Playlist(list_name=name, play_order=order, files=tuple(map(audio, files)))


async def test_files_come_back_as_they_were_saved(store: Store) -> None:
    saved = await store.prompts.save(prompt("demo.wav"))
    assert saved == prompt("demo.wav").model_copy(update={"id": saved.id})
    assert await store.prompts.get(saved.id) == await store.prompts.by_file("demo.wav") == saved
    tone = await store.ringtones.save(ringtone("Dawn.wav"))
    assert await store.ringtones.get(tone.id) == await store.ringtones.by_file("Dawn.wav") == tone
    assert await store.prompts.get(saved.id + 1) is None
    assert await store.prompts.by_file("Dawn.wav") is None


async def test_saving_under_a_taken_name_replaces_the_content_and_keeps_the_id(store: Store) -> None:
    first = await store.prompts.save(prompt("demo.wav"))
    second = await store.prompts.save(prompt("demo.wav", "b", at=2_000_000))
    assert second.id == first.id
    assert await store.prompts.page(Listing()) == (1, [second])


async def test_names_are_taken_exactly(store: Store) -> None:
    for name in ("demo.wav", "Demo.wav", "demo.WAV"):
        await store.prompts.save(prompt(name))
    assert (await store.prompts.page(Listing()))[0] == 3


def _instead(wanted: Prompt, _old: Prompt) -> Prompt:
    return wanted


async def test_a_file_gets_another_name_or_content_or_both_and_keeps_its_id(store: Store) -> None:
    saved = await store.prompts.save(prompt("demo.wav"))
    for wanted in (prompt("hello.wav"), prompt("hello.wav", "b"), prompt("Hello.wav", "c", at=2_000_000)):
        changed = await store.prompts.update(saved.id, partial(_instead, wanted))
        assert changed == wanted.model_copy(update={"id": saved.id})
        assert await store.prompts.page(Listing()) == (1, [changed])
    assert await store.prompts.update(saved.id + 1, lambda before: before) is None


async def test_a_file_that_would_take_the_name_of_another_stays_as_it_is(store: Store) -> None:
    saved = await store.prompts.save(prompt("hello.wav"))
    await store.prompts.save(prompt("demo.wav"))
    with pytest.raises(Duplicate) as refused:
        await store.prompts.update(saved.id, lambda _: prompt("demo.wav", "b"))
    assert refused.value.clashes == (Clash("file", "demo.wav", ObjectKind.PROMPT, "demo.wav"),)
    assert await store.prompts.get(saved.id) == saved


async def test_delete_returns_what_is_gone(store: Store) -> None:
    saved = await store.prompts.save(prompt("demo.wav"))
    assert await store.prompts.delete(saved.id) == saved
    assert await store.prompts.delete(saved.id) is None
    assert await store.prompts.get(saved.id) is None


async def test_lists_are_sorted_searched_and_cut(store: Store) -> None:
    for name, at in (("b.wav", 3), ("c.ogg", 1), ("a.wav", 2)):
        await store.prompts.save(prompt(name, at=at))

    async def found(listing: Listing) -> tuple[int, list[str]]:
        total, page = await store.prompts.page(listing)
        return total, [p.file for p in page]

    assert await found(Listing(sort_by="file")) == (3, ["a.wav", "b.wav", "c.ogg"])
    assert await found(Listing(sort_by="upload_time", descending=True, limit=1)) == (3, ["b.wav"])
    assert await found(Listing(sort_by="duration", offset=1)) == (3, ["c.ogg", "a.wav"])
    assert await found(Listing(sort_by="size", search=".WAV")) == (2, ["b.wav", "a.wav"])


async def test_playlists_come_back_in_alphabetical_order(store: Store) -> None:
    jazz = await store.playlists.create(playlist("Jazz", "b.wav", "C.wav", "a.wav", order=PlayOrder.RANDOM))
    soft = await store.playlists.create(playlist("SoftBreeze"))
    assert [a.file for a in jazz.files] == ["a.wav", "b.wav", "C.wav"]
    assert await store.playlists.get(jazz.id) == await store.playlists.by_name("Jazz") == jazz
    assert await store.playlists.many([soft.id, 99, jazz.id, soft.id]) == [soft, jazz]
    assert await store.playlists.page(Listing(sort_by="list_name", descending=True)) == (2, [soft, jazz])
    assert await store.playlists.page(Listing(search="jAZ")) == (1, [jazz])
    assert await store.playlists.by_name("jazz") is None


async def test_a_playlist_has_a_name_of_its_own(store: Store) -> None:
    jazz = await store.playlists.create(playlist("Jazz"))
    soft = await store.playlists.create(playlist("SoftBreeze"))
    renamed = soft.model_copy(update={"list_name": "Jazz"})
    for attempt in (store.playlists.create(playlist("Jazz")), store.playlists.update(soft.id, lambda _: renamed)):
        with pytest.raises(Duplicate) as refused:
            await attempt
        assert refused.value.clashes == (Clash("list_name", "Jazz", ObjectKind.PLAYLIST, "Jazz"),)
    assert await store.playlists.page(Listing()) == (2, [jazz, soft])


async def test_update_changes_name_and_order_and_leaves_the_files(store: Store) -> None:
    jazz = await store.playlists.create(playlist("Jazz", "a.wav"))
    wanted = playlist("Bossa", order=PlayOrder.RANDOM)
    changed = await store.playlists.update(jazz.id, lambda _: wanted)
    assert changed == wanted.model_copy(update={"id": jazz.id, "files": jazz.files})
    assert await store.playlists.get(jazz.id) == changed
    assert await store.playlists.update(99, lambda _: wanted) is None


async def test_music_is_added_replaced_and_taken_out(store: Store) -> None:
    await store.playlists.create(playlist("Jazz", "b.wav"))
    assert await store.playlists.add_file("Jazz", audio("a.wav"))
    assert await store.playlists.add_file("Jazz", audio("b.wav", "b"))
    found = await store.playlists.by_name("Jazz")
    assert found
    assert found.files == (audio("a.wav"), audio("b.wav", "b"))
    assert await store.playlists.remove_file("Jazz", "b.wav") == audio("b.wav", "b")
    assert await store.playlists.remove_file("Jazz", "b.wav") is None
    assert await store.playlists.remove_file("Blues", "a.wav") is None
    assert not await store.playlists.add_file("Blues", audio("a.wav"))
    found = await store.playlists.by_name("Jazz")
    assert found
    assert found.files == (audio("a.wav"),)


async def test_a_playlist_takes_500_files_and_replaces_them_still(store: Store) -> None:
    await store.playlists.create(playlist("Jazz", *(f"{i}.wav" for i in range(499))))
    assert await store.playlists.add_file("Jazz", audio("last.wav"))
    with pytest.raises(Full):
        await store.playlists.add_file("Jazz", audio("one more.wav"))
    assert await store.playlists.add_file("Jazz", audio("last.wav", "b"))
    found = await store.playlists.by_name("Jazz")
    assert found
    assert len(found.files) == 500
    assert audio("last.wav", "b") in found.files


async def test_a_deleted_playlist_takes_its_files_along(store: Store) -> None:
    jazz = await store.playlists.create(playlist("Jazz", "a.wav"))
    assert await store.playlists.delete(jazz.id) == jazz
    assert await store.playlists.delete(jazz.id) is None
    assert await store.sounds.digests() == set()
    again = await store.playlists.create(playlist("Jazz"))
    assert await store.playlists.get(again.id) == again


async def test_a_name_is_found_whether_it_is_a_prompt_or_a_playlist(store: Store) -> None:
    await store.prompts.save(prompt("demo.wav", "b"))
    await store.ringtones.save(ringtone("Dawn.wav"))
    await store.playlists.create(playlist("Jazz", "b.wav", "a.wav", order=PlayOrder.RANDOM))
    await store.playlists.create(playlist("Silence"))
    assert await store.sounds.find("demo.wav") == Selection((audio("demo.wav", "b"),), PlayOrder.ALPHABETICAL)
    assert await store.sounds.find("Jazz") == Selection((audio("a.wav"), audio("b.wav")), PlayOrder.RANDOM)
    assert await store.sounds.find("Silence") == Selection((), PlayOrder.ALPHABETICAL)
    for nothing in ("Dawn.wav", "a.wav", "jazz", "", "follow_system"):
        assert await store.sounds.find(nothing) is None


async def test_digests_are_those_of_everything_that_has_a_name(store: Store) -> None:
    assert await store.sounds.digests() == frozenset()
    await store.prompts.save(prompt("a.wav", "a"))
    await store.prompts.save(prompt("b.wav", "a"))
    await store.ringtones.save(ringtone("c.wav", "c"))
    await store.playlists.create(playlist("Jazz"))
    await store.playlists.add_file("Jazz", audio("d.wav", "d"))
    assert await store.sounds.digests() == {"a" * 64, "c" * 64, "d" * 64}


async def test_built_in_ring_tones_have_ids_1_to_11_and_uploads_go_on_from_12(store: Store) -> None:
    early = await store.ringtones.save(ringtone("Dawn.wav"))
    await store.sounds.keep_built_ins([ringtone(name) for name in BUILT_INS], [])
    late = await store.ringtones.save(ringtone("Dusk.wav"))
    total, found = await store.ringtones.page(Listing())
    assert total == 13
    assert [(tone.id, tone.file) for tone in found[:11]] == list(enumerate(BUILT_INS, start=1))
    assert {tone.type for tone in found[:11]} == {RingtoneType.BUILT_IN}
    assert found[11:] == [early, late]
    assert (early.id, late.id) == (12, 13)


async def test_built_ins_are_kept_at_every_start_and_renewed_by_a_release(store: Store) -> None:
    for content in ("a", "a", "b"):
        await store.sounds.keep_built_ins([ringtone(name, content) for name in BUILT_INS], [audio("calm.ogg", content)])
        total, found = await store.ringtones.page(Listing())
        assert (total, {tone.digest for tone in found}) == (11, {content * 64})
    system = await store.playlists.by_name("default")
    assert system
    assert system.files == (audio("calm.ogg", "a"),)


async def test_a_built_in_takes_its_name_from_an_upload(store: Store) -> None:
    await store.ringtones.save(ringtone("Ring3.mp3", "b"))
    await store.sounds.keep_built_ins([ringtone(name) for name in BUILT_INS], [])
    found = await store.ringtones.by_file("Ring3.mp3")
    assert found
    assert (found.id, found.type, found.digest) == (4, RingtoneType.BUILT_IN, "a" * 64)


async def test_the_music_of_the_system_is_the_administrators(store: Store) -> None:
    await store.sounds.keep_built_ins([], [audio("calm.ogg")])
    await store.playlists.remove_file("default", "calm.ogg")
    await store.playlists.add_file("default", audio("own.wav"))
    system = await store.playlists.by_name("default")
    assert system
    shuffled = system.model_copy(update={"play_order": PlayOrder.RANDOM})
    await store.playlists.update(system.id, lambda _: shuffled)
    await store.sounds.keep_built_ins([], [audio("calm.ogg")])
    found = await store.playlists.by_name("default")
    assert found == shuffled
    assert found.files == (audio("own.wav"),)
    assert found.builtin


async def test_what_is_built_in_is_not_renamed_replaced_or_deleted(store: Store) -> None:
    await store.sounds.keep_built_ins([ringtone("Ring0.mp3")], [])
    dawn = await store.ringtones.save(ringtone("Dawn.mp3"))
    system = await store.playlists.by_name("default")
    assert system
    renamed = system.model_copy(update={"list_name": "Jazz"})
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: store.ringtones.save(ringtone("Ring0.mp3", "b")),
        lambda: store.ringtones.update(1, lambda _: ringtone("Else.mp3")),
        lambda: store.ringtones.delete(1),
        lambda: store.playlists.update(system.id, lambda _: renamed),
        lambda: store.playlists.delete(system.id),
    ]
    for attempt in attempts:
        with pytest.raises(Builtin):
            await attempt()
    with pytest.raises(Duplicate):
        await store.ringtones.update(dawn.id, lambda _: ringtone("Ring0.mp3"))
    assert await store.playlists.get(system.id) == system
    found = await store.ringtones.get(1)
    assert found
    assert (found.file, found.digest) == ("Ring0.mp3", "a" * 64)
