"""Looking for the highest rate that a server bears, with a bounded number of tries."""

from collections.abc import Awaitable, Callable
from math import sqrt

CLOSE = 1.08
"""Tries end when what was borne and what was not are no further apart than by this factor."""


async def highest(
    bears: Callable[[float], Awaitable[bool]], guess: float, tries: int, step: float, least: float
) -> float:
    """The highest of the rates tried that was borne; 0.0 where not even `least` was. Rates are tried from `guess` on,
    by factors of `step` up to the first that is too much or down to the first that is not, then halfway between by
    ratio. Where nothing was borne in so many tries, it goes on downwards: "none" would be no answer.
    """
    borne, too_much, rate = 0.0, 0.0, guess
    while tries > 0 or not borne:
        tries -= 1
        if await bears(rate):
            borne = rate
        elif rate <= least:
            return 0.0
        else:
            too_much = rate
        if not too_much:
            rate = borne * step
        elif not borne:
            rate = max(least, too_much / step)
        elif too_much / borne <= CLOSE:
            break
        else:
            rate = sqrt(borne * too_much)
    return borne
