"""The search for the highest rate, against servers whose highest rate is known."""

import pytest
from bench.search import CLOSE, highest


class Known:
    """A server that bears so many calls a second."""

    def __init__(self, most: float) -> None:
        self.most = most
        self.tried: list[float] = []

    async def bears(self, rate: float) -> bool:
        self.tried.append(rate)
        return rate <= self.most


@pytest.mark.parametrize("guess", [30.0, 100.0, 250.0])
async def test_what_is_found_was_borne_and_is_close_to_what_is_not(guess: float) -> None:
    server = Known(most=100.0)
    found = await highest(server.bears, guess, tries=20, step=1.5)
    assert found <= server.most < found * CLOSE


async def test_tries_are_no_more_than_allowed() -> None:
    server = Known(most=1000.0)
    assert await highest(server.bears, 10.0, tries=3, step=1.5) == pytest.approx(22.5)
    assert len(server.tried) == 3


async def test_nothing_is_found_where_nothing_was_borne() -> None:
    assert await highest(Known(most=0.0).bears, 10.0, tries=4, step=1.5) == 0.0
