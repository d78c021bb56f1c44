"""What the tests with real phones share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.office import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A server of this test's own."""
    async with Office.open(tmp_path) as office:
        yield office
