"""Looking for the highest rate that a server bears, with a bounded number of tries."""

from collections.abc import Awaitable, Callable
from math import sqrt

CLOSE = 1.08
"""Tries end when what was borne and what was not are no further apart than by this factor."""


async def highest(bears: Callable[[float], Awaitable[bool]], guess: float, tries: int, step: float) -> float:
    """The highest of the rates tried that was borne; 0.0 where none was. Rates are tried from `guess` on, by factors of
    `step` up to the first that is too much or down to the first that is not, then halfway between by ratio.
    """
    borne, too_much, rate = 0.0, 0.0, guess
    for _ in range(tries):
        if await bears(rate):
            borne = rate
        else:
            too_much = rate
        if not too_much:
            rate = borne * step
        elif not borne:
            rate = too_much / step
        elif too_much / borne <= CLOSE:
            break
        else:
            rate = sqrt(borne * too_much)
    return borne
