"""An input costs in proportion to its length: nothing that a stranger repeats makes it grow with the square."""

import gc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import thread_time

import pytest

from fuzz.oracle import Check, judge
from fuzz.targets import NAMES, load

SHORT, LONG = 768, 6_144
"""Octets of what is repeated; a header line may be 8 KiB long, and longer ones are refused for that alone."""
COMMON = (b"a", b"0", b" ", b"\t", b'"', b"\\", b".", b"-", b"%41", b"a.", b"a;", b"a,")
PLACES = 11
LITTLE = 0.01
"""Seconds that do not matter, however they grew."""
STEEP = 3 * LONG // SHORT
"""How many times as much the long input may take: its length explains 8, the square of it would be 64."""


@pytest.mark.parametrize("name", NAMES)
def test_costs_grow_no_faster_than_the_input(name: str) -> None:
    target = load(name)
    for make in _growing(target.SEEDS, target.WORDS):
        if _seconds(target.check, make(LONG), 1) > LITTLE:
            assert _growth(target.check, make) < STEEP, make(100)


def test_a_square_is_noticed() -> None:
    def square(data: bytes) -> None:
        for at in range(len(data)):
            data[:at].count(b"a")

    assert _growth(square, lambda length: b"a" * length) > STEEP


def _growing(seeds: Sequence[bytes], words: Sequence[bytes]) -> Iterator[Callable[[int], bytes]]:
    """Each word again and again, somewhere in a seed."""
    for number, word in enumerate((*words, *COMMON * 3)):
        seed = seeds[number % len(seeds)]
        at = len(seed) * (number * 7 % PLACES) // PLACES
        yield partial(_with_many, seed[:at], word, seed[at:])


def _with_many(before: bytes, word: bytes, after: bytes, length: int) -> bytes:
    return before + word * (length // len(word)) + after


def _growth(check: Check, make: Callable[[int], bytes]) -> float:
    return _seconds(check, make(LONG), 3) / _seconds(check, make(SHORT), 5)


def _seconds(check: Check, data: bytes, times: int) -> float:
    """CPU time of the quickest of several times, which other work on the machine disturbs least."""
    gc.disable()
    try:
        return min(_once(check, data) for _ in range(times))
    finally:
        gc.enable()


def _once(check: Check, data: bytes) -> float:
    begun = thread_time()
    judge(check, data)
    return thread_time() - begun
