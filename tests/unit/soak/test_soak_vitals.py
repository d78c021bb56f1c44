"""Growth of memory: medians of windows, so that neither a warm-up nor a peak is taken for a leak."""

import pytest
from soak.vitals import Sample, growth, spark


def samples(*sizes: float, apart: float = 10.0) -> list[Sample]:
    return [Sample(at * apart, {"server": size}, 0) for at, size in enumerate(sizes)]


def test_a_warm_up_is_no_growth() -> None:
    grown = growth(samples(*(50.0 + at for at in range(10)), *[60.0] * 60), "server")
    assert (grown.share, grown.judged, grown.is_too_much) == (0.0, True, False)


def test_a_peak_is_no_growth() -> None:
    grown = growth(samples(*[60.0] * 60, 90.0, *[60.0] * 5, 90.0), "server")
    assert grown.share == 0.0


def test_a_leak_is_growth() -> None:
    grown = growth(samples(*(60.0 + at / 5 for at in range(70))), "server")
    assert grown.share == pytest.approx(0.095, abs=0.01)
    assert grown.is_too_much


def test_a_piece_of_memory_more_is_no_growth() -> None:
    grown = growth(samples(*[13.0] * 40, *[14.0] * 30), "server")
    assert grown.share > 0.05
    assert not grown.is_too_much


def test_a_short_time_tells_nothing() -> None:
    grown = growth(samples(*(60.0 + at for at in range(29))), "server")
    assert grown.share > 0.05
    assert not grown.is_too_much


def test_a_line_of_bars_goes_from_least_to_most() -> None:
    assert spark([]) == ""
    assert spark([1, 1]) == "▁▁"
    assert spark([0, 7, 3.5]) == "▁█▅"
    assert len(spark(list(range(1000)))) <= 60
