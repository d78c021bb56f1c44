"""A store in a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.model.audio import Playlist, PlayOrder, Prompt, Ringtone
from ringdove.model.extension import Extension
from ringdove.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ringdove.db'}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
async def people(store: Store) -> list[Extension]:
    """Five extensions, 1001 to 1005."""
    return [await store.extensions.create(Extension(number=f"100{i}", first_name=f"P{i}")) for i in range(1, 6)]


@pytest.fixture
async def audio(store: Store) -> Store:
    """The prompts hello.wav and bye.wav, the empty playlists SoftBreeze and Jazz, the ring tone Chime.mp3."""
    for file in ("hello.wav", "bye.wav"):
        await store.prompts.save(Prompt(file=file, digest="1" * 64, seconds=1, size=1))
    for name in ("SoftBreeze", "Jazz"):
        await store.playlists.create(Playlist(list_name=name, play_order=PlayOrder.RANDOM))
    await store.ringtones.save(Ringtone(file="Chime.mp3", digest="2" * 64, seconds=1, size=1))
    return store
