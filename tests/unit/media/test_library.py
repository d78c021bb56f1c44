"""The library: what is added is there as a whole or not at all, and stays as it is."""

import asyncio
import hashlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringdove.media.codecs import FRAME_BYTES, SOUND_FORMATS
from ringdove.media.files.process import AT_ONCE, ProcessFailed
from ringdove.media.library import BrokenAudio, Kept, Library
from support.processes import children
from support.tone import sound_file

TRACK = {"original.wav", "pcmu", "pcma", "g722"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "data" / "audio")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    return sound_file(tmp_path / "uploads" / "demo.wav", [(440, 0.5)])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def of_content(sound: bytes, seconds: float, suffix: str) -> Kept:
    return Kept(hashlib.sha256(sound).hexdigest(), seconds, len(sound), suffix)


async def first_child(pid: int | str = "self") -> int:
    """The process id of the first child that appears, of this process or another."""
    async with asyncio.timeout(30):
        while True:
            if found := children(pid):
                return found[0]
            await asyncio.sleep(0.005)


def nothing_is_left(library: Library) -> bool:
    return names(library.incoming) == set() and names(library.incoming.parent) == {"incoming"}


async def test_what_is_added_is_kept_under_its_digest(library: Library, source: Path) -> None:
    kept = await library.add(source, "demo.wav")
    before = content(source.parent)["demo.wav"]
    assert kept == of_content(before, 0.5, ".wav")
    assert names(library.track(kept.digest)) == TRACK
    assert content(library.track(kept.digest))[library.original(kept.digest).name] == before
    assert names(library.incoming) == set()


async def test_the_same_content_again_is_found_and_not_made_anew(library: Library, source: Path) -> None:
    kept = await library.add(source, "demo.wav")
    before = library.track(kept.digest).stat()
    other = source.with_name("other.mp3")
    shutil.copy(source, other)
    assert await library.add(other, "other.mp3") == kept
    assert library.track(kept.digest).stat() == before


async def test_two_adds_of_the_same_at_once_are_fine(library: Library, source: Path) -> None:
    one, other = await asyncio.gather(library.add(source, "a.wav"), library.add(source, "b.wav"))
    assert one == other
    assert names(library.track(one.digest)) == TRACK
    assert names(library.incoming) == set()


async def test_broken_audio_leaves_nothing(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("not at all")
    with pytest.raises(BrokenAudio, match="is not an audio file"):
        await library.add(tmp_path / "a.wav", "a.wav")
    assert nothing_is_left(library)


async def test_a_decoder_that_fails_is_the_files_fault_and_leaves_nothing(library: Library, tmp_path: Path) -> None:
    source = sound_file(tmp_path / "long.wav", [(440, 120)])
    adding = asyncio.create_task(library.add(source, "long.wav"))
    os.kill(await first_child(await first_child()), signal.SIGSEGV)
    with pytest.raises(BrokenAudio, match="makes the decoder fail"):
        await adding
    assert nothing_is_left(library)


async def test_a_process_that_is_killed_is_not_the_files_fault(library: Library, source: Path) -> None:
    adding = asyncio.create_task(library.add(source, "demo.wav"))
    os.kill(await first_child(), signal.SIGKILL)
    with pytest.raises(ProcessFailed, match="ended with -9"):
        await adding
    assert nothing_is_left(library)


async def test_whoever_gives_up_leaves_nothing_and_nobody(library: Library, source: Path) -> None:
    adding = asyncio.create_task(library.add(source, "demo.wav"))
    await first_child()
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    assert children() == []
    assert nothing_is_left(library)


async def test_only_so_many_are_made_at_once_by_processes_that_stay_for_who_waits(
    library: Library, tmp_path: Path
) -> None:
    sources = [sound_file(tmp_path / f"{hz}.wav", [(hz, 1)]) for hz in range(300, 300 + 4 * AT_ONCE + 1)]
    adding = [asyncio.create_task(library.add(path, path.name)) for path in sources]
    seen = set[int]()
    while not all(task.done() for task in adding):
        seen.update(children())
        await asyncio.sleep(0.005)
    assert len(seen) == AT_ONCE
    assert children() == [], "nobody waits any more"
    assert len({(await task).digest for task in adding}) == len(sources)


async def test_everything_is_for_its_owner_only(library: Library, source: Path) -> None:
    kept = await library.add(source, "demo.wav")
    track = library.track(kept.digest)
    copied = await Library(source.parent / "other" / "audio").adopt(track)
    other = Library(source.parent / "other" / "audio").track(copied.digest)
    for folder in (track, other):
        assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent, library.incoming)} == {0o700}
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A track that was made elsewhere."""
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "original.mp3").write_bytes(b"the music")
    for name in SOUND_FORMATS.values():
        (folder / name).write_bytes(name[:1].encode() * FRAME_BYTES * 3)
    return folder


class TestAdopting:
    async def test_a_track_made_elsewhere_is_copied(self, library: Library, made: Path) -> None:
        kept = await library.adopt(made)
        assert kept == of_content(b"the music", 0.06, ".mp3")
        assert content(library.track(kept.digest)) == content(made)
        assert await library.adopt(made) == kept
        assert names(library.incoming) == set()

    @pytest.mark.parametrize("content", [None, b"", b"x" * FRAME_BYTES, b"x" * (3 * FRAME_BYTES - 1)])
    async def test_half_a_track_is_not(self, library: Library, made: Path, content: bytes | None) -> None:
        (made / "g722").unlink() if content is None else (made / "g722").write_bytes(content)
        with pytest.raises(BrokenAudio, match="is not a complete track"):
            await library.adopt(made)
        assert nothing_is_left(library)


class TestRemoving:
    async def test_what_is_removed_is_gone_and_can_come_again(self, library: Library, made: Path) -> None:
        kept = await library.adopt(made)
        await library.remove(kept.digest)
        assert nothing_is_left(library)
        with pytest.raises(FileNotFoundError):
            library.original(kept.digest)
        assert await library.adopt(made) == kept

    async def test_whoever_listens_hears_it_to_the_end(self, library: Library, made: Path) -> None:
        kept = await library.adopt(made)
        with (library.track(kept.digest) / "pcma").open("rb") as listener:
            await library.remove(kept.digest)
            assert len(listener.read()) == 3 * FRAME_BYTES

    async def test_what_is_removed_while_it_is_looked_for_comes_anew(self, library: Library, made: Path) -> None:
        kept = await library.adopt(made)
        for _ in range(200):
            adopted, _ = await asyncio.gather(library.adopt(made), library.remove(kept.digest))
            assert adopted == kept

    async def test_unknown_ones_are_fine(self, library: Library) -> None:
        await library.remove("0" * 64)

    @pytest.mark.parametrize("digest", ["", "..", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0" * 64 + "\n"])
    async def test_a_digest_is_never_a_path(self, library: Library, digest: str) -> None:
        for use in (library.track, library.original):
            with pytest.raises(ValueError, match="64 hex digits"):
                use(digest)
        with pytest.raises(ValueError, match="64 hex digits"):
            await library.remove(digest)


class TestSweeping:
    @pytest.fixture
    def strays(self, library: Library) -> Iterator[Path]:
        """What somebody else put there."""
        stray = library.incoming.parent / "notes.txt"
        stray.write_text("mine")
        yield stray
        assert stray.exists()

    async def test_what_nobody_refers_to_and_what_a_crash_left_goes(
        self, library: Library, made: Path, strays: Path
    ) -> None:
        wanted = await library.adopt(made)
        (made / "original.mp3").write_bytes(b"other music")
        unwanted = await library.adopt(made)
        shutil.copytree(made, library.incoming / "half")
        (library.incoming / "upload").write_bytes(b"some")
        assert await library.sweep({wanted.digest, "0" * 64}) == 1
        assert names(library.track(wanted.digest)) == {"original.mp3", *SOUND_FORMATS.values()}
        assert not library.track(unwanted.digest).exists()
        assert names(library.incoming) == set()
        assert await library.sweep({wanted.digest}) == 0

    async def test_what_cannot_be_removed_stops_nobody(self, library: Library, made: Path) -> None:
        library.incoming.rmdir()
        library.incoming.symlink_to(made)  # nothing removes a folder through a link to it
        assert await library.sweep(set()) == 0
        assert (await library.adopt(made)).digest


async def test_what_was_only_referred_to_can_be_had_and_later_added_as_anything_else(
    library: Library, source: Path
) -> None:
    digest = await library.refer(source)
    assert library.original(digest) == source
    assert nothing_is_left(library)
    kept = await library.add(source, "the same.wav")
    assert kept.digest == digest
    assert names(library.track(digest)) == TRACK
    await library.remove(digest)
    assert nothing_is_left(library)
    assert library.original(digest) == source
