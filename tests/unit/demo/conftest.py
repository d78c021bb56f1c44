"""What the tests of the demo share."""

from collections.abc import AsyncIterator

import pytest

from unit.demo.demo_phones import Phones


@pytest.fixture
async def phones() -> AsyncIterator[Phones]:
    """Phones that are switched off with the test."""
    phones = Phones()
    yield phones
    await phones.off()
