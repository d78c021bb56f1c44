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
    found = await highest(server.bears, guess, tries=20, step=1.5, least=1.0)
    assert found <= server.most < found * CLOSE


async def test_tries_are_no_more_than_allowed() -> None:
    server = Known(most=1000.0)
    assert await highest(server.bears, 10.0, tries=3, step=1.5, least=1.0) == pytest.approx(22.5)
    assert len(server.tried) == 3


async def test_nothing_is_found_where_not_even_the_least_was_borne() -> None:
    server = Known(most=0.0)
    assert await highest(server.bears, 10.0, tries=2, step=1.5, least=4.0) == 0.0
    assert server.tried[-1] == 4.0


async def test_where_the_guess_was_far_too_high_it_goes_on_down_until_something_is_borne() -> None:
    server = Known(most=20.0)
    found = await highest(server.bears, 340.0, tries=2, step=1.12, least=10.0)
    assert 20.0 / 1.12 < found <= 20.0
