"""A store in a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.model.extension import Extension
from ringdove.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'ringdove.db'}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
async def people(store: Store) -> list[Extension]:
    """Five extensions, 1001 to 1005."""
    return [await store.extensions.create(Extension(number=f"100{i}", first_name=f"P{i}")) for i in range(1, 6)]
