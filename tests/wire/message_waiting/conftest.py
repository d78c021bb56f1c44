"""What the tests of message waiting share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.store import Store
from support.phones import Phone
from wire.message_waiting.waiting_server import NEVER, Server


@pytest.fixture
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server that says nothing of itself when a phone registers, unless its parameter says after how long."""
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    server = Server(store, getattr(request, "param", NEVER))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["udp", "tcp"])
async def alice(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Phone]:
    """Her phone; `server` is told which transport it uses by its parameter."""
    phone = await server.phone("2001", request.param)
    yield phone
    await phone.close()


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[Phone]:
    """His phone."""
    phone = await server.phone("2002")
    yield phone
    await phone.close()
