"""How things grow: exponents, and what holds."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench.growth_curves import CURVES
from bench.growth_plots import draw
from bench.growth_report import Found, exponent, memory, sheets, wanted
from bench.task import Result

SIZES = {curve.name: curve.sizes for curve in CURVES}
RESULT = Result(10, 0, 0, 0, 270, 0, [0.002] * 10, [0.001] * 10, 0.0, 0.1, [])


def found(size: int, cpu: float = 0.004, mb: float = 80.0, start: float = 1.0, ringing: float = 0.002) -> Found:
    """What was measured at a size; CPU in seconds of a call, of the turn least disturbed."""
    return Found(size, start, 0.0, 10.0, (mb, 7.0), [2 * cpu, cpu], [replace(RESULT, ringing=[ringing] * 10)])


def says(name: str, points: list[Found]) -> dict[str, str]:
    """What holds, by the beginning of what is wanted."""
    return {row[0].partition(" by ")[0]: row[2] for row in wanted({name: points})}


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_what_is_added(power: float) -> None:
    points = [found(size, mb=80.0 + 0.01 * size**power) for size in (0, 100, 300, 1000)]
    assert exponent(points, memory, 0.0) == pytest.approx(power)


def test_what_is_not_seen_above_the_noise_does_not_grow() -> None:
    assert exponent([found(1, mb=80.0), found(10, mb=80.3), found(100, mb=80.9)], memory, 1.0) == 0.0


@pytest.mark.parametrize(("power", "holds"), [(1.0, "holds"), (1.3, "does not hold")])
@pytest.mark.parametrize("name", ["members", "refusals"])
def test_members_may_cost_no_more_the_more_there_are(name: str, power: float, holds: str) -> None:
    points = [found(size, cpu=0.003 + 0.0002 * size**power) for size in SIZES[name]]
    told = says(name, points)
    assert told["CPU of one more is flat"] == told["CPU of a call"] == holds


@pytest.mark.parametrize(("times", "holds"), [(1.2, "holds"), (1.3, "does not hold")])
@pytest.mark.parametrize("name", ["calls", "phones", "groups", "records"])
def test_a_call_costs_the_same_whatever_is_beside_it(name: str, times: float, holds: str) -> None:
    *others, last = SIZES[name]
    told = says(name, [*map(found, others), found(last, cpu=0.004 * times, ringing=0.002 * times)])
    assert told["CPU of a call is flat"] == told["INVITE to 18x is flat"] == holds


@pytest.mark.parametrize(("power", "holds"), [(1.0, "holds"), (1.5, "does not hold")])
def test_memory_and_start_may_grow_with_what_is_there(power: float, holds: str) -> None:
    points = [found(size, mb=80 + (size / 100) ** power, start=1 + (size / 1000) ** power) for size in SIZES["phones"]]
    told = says("phones", points)
    assert told["memory"] == told["start"] == holds


def test_every_size_has_a_line() -> None:
    everything = {curve.name: list(map(found, curve.sizes)) for curve in CURVES}
    (sheet,) = sheets(everything)
    assert [row[1] for row in sheet.rows] == [str(size) for curve in CURVES for size in curve.sizes]
    assert {len(row) for row in sheet.rows} == {len(sheet.columns)}


def test_the_same_figures_make_the_same_pictures(tmp_path: Path) -> None:
    everything = {curve.name: list(map(found, curve.sizes)) for curve in CURVES}
    drawn = [draw(everything, tmp_path / turn) for turn in "ab"]
    assert drawn[0] == drawn[1]
    for _, file in drawn[0]:
        text = (tmp_path / "a" / file).read_text()
        assert all(curve.title in text for curve in CURVES)
        assert text == (tmp_path / "b" / file).read_text()
