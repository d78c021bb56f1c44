"""What the wire tests share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.exchange import Exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    """One server for the SIPp tests of a module."""
    async with Exchange.open(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest_asyncio.fixture(loop_scope="module")
async def exchange(running_exchange: Exchange) -> AsyncIterator[Exchange]:
    """The module's server, with no phones left over from another test."""
    yield running_exchange
    await running_exchange.clear()
