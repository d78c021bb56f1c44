"""A real store in a temporary file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    yield store
    await store.close()
