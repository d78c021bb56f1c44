"""G.711's two laws."""

import pytest

from ringdove.media.g711 import ALAW, ALAW_TO_ULAW, ULAW, ULAW_TO_ALAW


def ulaw(number: int) -> int:
    """Octet of the positive decoder output value of this number, counted from 0 as in the standard."""
    return 0xFF - number


def alaw(number: int) -> int:
    """The same, counted from 1."""
    return (0x80 | number - 1) ^ 0x55


@pytest.mark.parametrize(
    ("octet", "sample"),
    [(0x80, 32124), (0x00, -32124), (0xFF, 0), (0x7F, 0), (0xFE, 8), (0x7E, -8), (0xEF, 132), (0x8F, 16764)],
)
def test_ulaw_values(octet: int, sample: int) -> None:
    assert ULAW[octet] == sample


@pytest.mark.parametrize(
    ("octet", "sample"),
    [(0xAA, 32256), (0x2A, -32256), (0xD5, 8), (0x55, -8), (0xD4, 24), (0xC5, 264), (0xA5, 16896)],
)
def test_alaw_values(octet: int, sample: int) -> None:
    assert ALAW[octet] == sample


def test_values_grow_with_their_numbers_and_signs_are_alike() -> None:
    for law, octet, first in ((ULAW, ulaw, 0), (ALAW, alaw, 1)):
        upwards = [law[octet(number)] for number in range(first, first + 128)]
        assert upwards == sorted(set(upwards))
        assert [-law[octet(number) ^ 0x80] for number in range(first, first + 128)] == upwards


@pytest.mark.parametrize(
    ("ulaw_number", "alaw_number"),
    [(0, 1), (1, 1), (2, 2), (15, 8), (32, 25), (33, 27), (36, 33), (47, 44), (48, 46), (49, 48), (64, 64), (127, 128)],
)
def test_ulaw_becomes_alaw_as_in_table_3(ulaw_number: int, alaw_number: int) -> None:
    assert ULAW_TO_ALAW[ulaw(ulaw_number)] == alaw(alaw_number)
    assert ULAW_TO_ALAW[ulaw(ulaw_number) ^ 0x80] == alaw(alaw_number) ^ 0x80


@pytest.mark.parametrize(
    ("alaw_number", "ulaw_number"),
    [
        (1, 1),
        (2, 3),
        (8, 15),
        (9, 16),
        (25, 32),
        (26, 32),
        (32, 35),
        (33, 36),
        (45, 48),
        (46, 48),
        (64, 64),
        (128, 127),
    ],
)
def test_alaw_becomes_ulaw_as_in_table_4(alaw_number: int, ulaw_number: int) -> None:
    assert ALAW_TO_ULAW[alaw(alaw_number)] == ulaw(ulaw_number)
    assert ALAW_TO_ULAW[alaw(alaw_number) ^ 0x80] == ulaw(ulaw_number) ^ 0x80


def test_there_and_back_changes_only_what_the_standard_says() -> None:
    every = bytes(range(256))
    there = every.translate(ULAW_TO_ALAW).translate(ALAW_TO_ULAW)
    changed = {number for number in range(128) if there[ulaw(number)] != ulaw(number)}
    assert changed == {0, 2, 4, 6, 8, 10, 12, 14}
    assert all(there[ulaw(number)] == ulaw(number + 1) for number in changed)
    back = every.translate(ALAW_TO_ULAW).translate(ULAW_TO_ALAW)
    changed = {number for number in range(1, 129) if back[alaw(number)] != alaw(number)}
    assert changed == {26, 28, 30, 32, 45, 47, 63, 81}  # 80 for 81 where ULAW 80 is printed as ALAW 81
    assert all(back[alaw(number)] in (alaw(number - 1), alaw(number + 1)) for number in changed)


def test_a_second_time_changes_nothing_more() -> None:
    once = bytes(range(256)).translate(ULAW_TO_ALAW).translate(ALAW_TO_ULAW)
    assert once.translate(ULAW_TO_ALAW).translate(ALAW_TO_ULAW) == once
