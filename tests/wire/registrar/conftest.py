"""What the tests of the registrar share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.model.extension import Extension
from wire.registrar.registrar_server import PASSWORD, Server
from wire.registrar.scripted_phone import ScriptedPhone


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A registrar with sockets."""
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def extension(server: Server) -> int:
    """Its extension 1000, which may have two phones; the id."""
    new = Extension(number="1000", reg_password=PASSWORD, concurrent_registrations=2)
    extension = await server.store.extensions.create(new)
    assert extension.id
    return extension.id


@pytest.fixture(params=["udp", "tcp"])
async def phone(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[ScriptedPhone]:
    """A phone that has not registered, over UDP and over TCP."""
    async with await server.phone(request.param) as phone:
        yield phone
