"""Calls held: whose memory counts, and what is wanted."""

from dataclasses import replace

import pytest
from bench.held import Held, wanted
from bench.task import Result

RESULT = Result(1000, 0, 0, 0, 14_000, 0, [0.002], [0.0], 0.0, 0.1, [])
OURS = Held(1000, (80.0, 7.0), (130.0, 17.0), (130.0, 17.0), (0.0, 0.0), (0.002, 0.03), RESULT)


def says(ours: Held, theirs: Held | None = None) -> list[str]:
    return [row[-1] for row in wanted({"Ringdove": ours} | ({"Asterisk": theirs} if theirs else {}))]


def test_memory_of_a_call_is_what_all_processes_took_more() -> None:
    assert OURS.of_a_call == pytest.approx(0.06)


def test_all_is_well() -> None:
    assert says(OURS, replace(OURS, during=(380.0, 7.0))) == ["yes", "yes", "yes"]


@pytest.mark.parametrize(("more", "holds"), [(99.0, "yes"), (101.0, "no")])
def test_a_call_takes_less_than_a_tenth_of_a_megabyte(more: float, holds: str) -> None:
    assert says(replace(OURS, during=(80.0 + more, 7.0)))[1] == holds


def test_a_call_that_failed_is_not_held() -> None:
    assert says(replace(OURS, result=replace(RESULT, failed=1)))[0] == "no"


def test_asterisk_takes_less() -> None:
    assert says(OURS, replace(OURS, during=(81.0, 7.0)))[2] == "no"
