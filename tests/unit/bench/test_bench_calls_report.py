"""The tables of the calls: ratios to Asterisk, and what is wanted, met or not."""

from dataclasses import replace

import pytest
from bench.calls import Outcome, shortcomings
from bench.calls_report import sheets, wishes
from bench.rows import ROWS
from bench.task import Result

THREE = next(row for row in ROWS if row.name == "3")
FIFTY = next(row for row in ROWS if row.name == "50")
RESULT = Result(100, 0, 0, 0, 2700, 0, [0.002] * 100, [0.001] * 100, 0.0, 0.1, [])


def outcome(cpu: float, rate: float = 100.0, ringing: float = 0.002) -> Outcome:
    result = replace(RESULT, ringing=[ringing] * 100)
    return Outcome(cpu=[cpu, cpu * 1.1, cpu * 0.9], results=[result], highest=[rate], cpu_at_highest=[cpu])


@pytest.mark.parametrize(("ours", "third", "quarter"), [(1.5, False, False), (1.3, True, False), (0.9, True, True)])
def test_cpu_is_compared_with_a_third_and_a_quarter_of_asterisks(ours: float, third: bool, quarter: bool) -> None:
    told = wishes({("ringdove", "3"): outcome(ours), ("asterisk", "3"): outcome(4.0)}, [THREE])
    assert {wish.wanted.split(" of Asterisk")[0]: wish.met for wish in told if "CPU" in wish.wanted} == {
        "CPU of a call at most a third": third,
        "CPU of a call at most a quarter": quarter,
    }


@pytest.mark.parametrize(("rate", "met"), [(299.0, False), (301.0, True)])
def test_the_highest_rate_has_to_be_three_times_asterisks(rate: float, met: bool) -> None:
    told = wishes({("ringdove", "3"): outcome(1.0, rate), ("asterisk", "3"): outcome(1.0, 100.0)}, [THREE])
    assert [wish.met for wish in told if wish.wanted.startswith("Highest")] == [met]


def test_the_spread_needs_no_asterisk() -> None:
    assert [wish.wanted for wish in wishes({("ringdove", "50"): outcome(1.0)}, [FIFTY])] == [
        "First to last INVITE: p99 below 20 ms, 50 members"
    ]


def test_a_row_that_a_server_cannot_do_is_left_blank() -> None:
    outcomes = {("ringdove", "50"): outcome(0.060), ("asterisk", "50"): outcome(0.030)}
    cpu = sheets(outcomes, [FIFTY], ["ringdove", "asterisk", "kamailio"])[0]
    assert cpu.rows == [("50 members", "5", "60.0 (54.0–66.0)", "30.0 (27.0–33.0)", "–", "2.00")]


def test_a_rate_that_was_never_borne_gives_no_ratio() -> None:
    outcomes = {("ringdove", "3"): outcome(1.0), ("asterisk", "3"): outcome(1.0, 0.0)}
    highest = sheets(outcomes, [THREE], ["ringdove", "asterisk"])[1]
    assert highest.rows[0][-2:] == ("–", "–")


def test_a_rate_is_too_much_where_anything_went_wrong_or_the_work_fits_into_no_core() -> None:
    assert shortcomings(RESULT, 0.9) == ""
    assert shortcomings(RESULT, 1.1) == "more than a core"
    assert shortcomings(replace(RESULT, late=2, repeats=1), 0.9) == "2 late, 1 repeated"
