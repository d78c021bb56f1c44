"""What the tests of the endpoint share."""

from collections.abc import AsyncIterator

import pytest

from support.peer import Peer
from wire.endpoint.desk import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """An endpoint that listens on UDP."""
    desk = await Desk.open()
    yield desk
    await desk.endpoint.close()


@pytest.fixture
async def phone() -> AsyncIterator[Peer]:
    """A phone that knows no server yet."""
    async with await Peer.udp(user="bob") as peer:
        yield peer
