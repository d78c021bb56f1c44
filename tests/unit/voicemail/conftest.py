"""What the tests here share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.post_office import Office


@pytest.fixture
async def office(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """A post office; parametrized with settings."""
    async with Office.open(tmp_path, **getattr(request, "param", {})) as office:
        yield office
