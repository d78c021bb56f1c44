"""The tables of the calls: ratios to Asterisk, and what is wanted, met or not."""

from dataclasses import replace

import pytest
from bench.calls import Outcome, Outcomes, Run, shortcomings
from bench.calls_report import sheets
from bench.rows import ROWS
from bench.task import Result

RESULT = Result(100, 0, 0, 0, 2700, 0, [0.002] * 100, [0.001] * 100, 0.0, 0.1, [])
BOTH = ("ringdove", "asterisk")


def outcome(cpu: float = 0.001, rate: float = 100.0, ringing: float = 0.002, spread: float = 0.001) -> Outcome:
    result = replace(RESULT, ringing=[ringing] * 100, spread=[spread] * 100)
    runs = [Run(result, cpu * share, 0.0) for share in (1, 1.1, 0.9)]
    return Outcome(runs=runs, highest=[rate], cpu_at_highest=[cpu])


def line(title: str, name: str, outcomes: Outcomes, servers: tuple[str, ...] = BOTH) -> tuple[str, ...]:
    """The line of a row in the table whose title begins so."""
    row = next(row for row in ROWS if row.name == name)
    (told,) = (sheet for sheet in sheets(outcomes, [row], servers) if sheet.title.startswith(title))
    assert len(told.columns) == len(told.rows[0])
    return tuple(told.rows[0])


@pytest.mark.parametrize(("ours", "met"), [(1.5, "no; no"), (1.3, "yes; no"), (0.9, "yes; yes")])
def test_cpu_is_compared_with_a_third_and_a_quarter_of_asterisks(ours: float, met: str) -> None:
    told = line("CPU of a call at the same", "3", {("ringdove", "3"): outcome(ours), ("asterisk", "3"): outcome(4.0)})
    assert told[-2:] == ("a third; a quarter", met)


@pytest.mark.parametrize(("rate", "met"), [(299.0, "no"), (301.0, "yes")])
def test_the_highest_rate_has_to_be_three_times_asterisks(rate: float, met: str) -> None:
    told = line("Highest", "3", {("ringdove", "3"): outcome(rate=rate), ("asterisk", "3"): outcome(rate=100.0)})
    assert told[-1] == met


@pytest.mark.parametrize(("seconds", "met"), [(0.019, "yes"), (0.021, "no")])
def test_the_spread_to_fifty_members_is_judged_by_itself(seconds: float, met: str) -> None:
    told = line("First", "50", {("ringdove", "50"): outcome(spread=seconds), ("asterisk", "50"): outcome()})
    assert told[-2:] == ("below 20 ms", met)


def test_rows_without_a_goal_have_a_ratio_and_no_verdict() -> None:
    told = line("CPU of a call at the same", "hunt", {(name, "hunt"): outcome() for name in BOTH})
    assert told[-3:] == ("1.00", "", "")


def test_a_row_that_a_server_cannot_do_is_left_blank() -> None:
    outcomes = {("ringdove", "50"): outcome(0.060), ("asterisk", "50"): outcome(0.030)}
    told = line("CPU of a call at the same", "50", outcomes, (*BOTH, "kamailio"))
    assert told[:6] == ("50 members", "5", "60.0 (54.0–66.0)", "30.0 (27.0–33.0)", "–", "2.00")


def test_without_asterisk_there_is_nothing_to_compare() -> None:
    told = line("CPU of a call at the same", "3", {("ringdove", "3"): outcome(0.002)}, ("ringdove",))
    assert told == ("3 members", "20", "2.00 (1.80–2.20)")


def test_a_rate_that_was_never_borne_gives_no_ratio() -> None:
    told = line("Highest", "3", {("ringdove", "3"): outcome(), ("asterisk", "3"): outcome(rate=0.0)})
    assert told[3:] == ("–", "–", "3 times", "–")


def test_a_rate_is_too_much_where_anything_went_wrong_or_the_work_fits_into_no_core() -> None:
    assert shortcomings(RESULT, 0.9) == ""
    assert shortcomings(RESULT, 1.1) == "more than a core"
    assert shortcomings(replace(RESULT, late=2, repeats=1), 0.9) == "2 late, 1 repeated"
