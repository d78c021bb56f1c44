"""Pictures of the calls: the same figures make the same octets, and no date is in them."""

from pathlib import Path

from bench.calls import Outcome, Outcomes, Run
from bench.calls_plots import COST, RATE, draw
from bench.rows import ROWS
from bench.task import Result

RESULT = Result(1, 0, 0, 0, 9, 0, [], [], 0.0, 0.0, [])

OUTCOMES: Outcomes = {
    (server, row.name): Outcome(
        runs=[Run(RESULT, cpu * row.members, 0.0) for cpu in (0.001, 0.002)], highest=[100 / row.members]
    )
    for server in ("ringdove", "asterisk")
    for row in ROWS
}


def test_the_same_figures_make_the_same_file(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        draw(OUTCOMES, ROWS, tmp_path / folder)
    for name in (COST, RATE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_servers_are_named_and_those_not_measured_are_not(tmp_path: Path) -> None:
    draw(OUTCOMES, ROWS, tmp_path)
    for name in (COST, RATE):
        drawn = (tmp_path / name).read_text()
        assert "Ringdove" in drawn
        assert "Asterisk" in drawn
        assert "Kamailio" not in drawn
        assert "dc:date" not in drawn
