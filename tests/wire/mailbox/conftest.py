"""What the tests of the mailbox on the phone share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.house import House
from support.scene import Scene, open_house


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One server for all tests of a file."""
    async with open_house(tmp_path_factory.mktemp("mailbox"), vm_shortest=1, vm_silence=2) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    """People, phones and groups in it."""
    async with Scene(house) as scene:
        yield scene
