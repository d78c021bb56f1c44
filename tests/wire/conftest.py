"""What the wire tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.exchange import Exchange
from support.house import House
from support.scene import Scene, open_house
from wire.media_child import ONE, OTHER, Media, media_process
from wire.media_phone import Phone, phones


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A server of its own for each test; test files that share one over all their tests say so themselves."""
    async with open_house(tmp_path) as house:
        yield house


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    """People, phones and groups in it."""
    async with Scene(house) as scene:
        yield scene


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


@pytest.fixture
async def media() -> AsyncIterator[Media]:
    """The media process alone, told in the words of its wire."""
    async with media_process() as media:
        yield media


@pytest.fixture
def pair() -> Iterator[list[Phone]]:
    """Two bare phones for it."""
    with phones(2) as pair:
        yield pair


@pytest.fixture
async def bridged(media: Media, pair: list[Phone]) -> Media:
    """Two parties who hear each other."""
    media.stream(ONE, pair[0], peer=OTHER)
    media.stream(OTHER, pair[1], peer=ONE)
    await media.obeyed()
    return media
