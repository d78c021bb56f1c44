"""The summary: what is wanted of all parts, and what the README quotes of it."""

from pathlib import Path

import pytest
from bench import report, summary
from bench.report import Sheet

AROUND = Sheet("Where and when", ("what", "value"), [("date", "2026-01-02"), ("commit", "abc"), ("machine", "a box")])
CALLS = [
    Sheet(
        "CPU of a call at the same rate, ms",
        ("rung", "per s", "Ringdove", "Asterisk", "Ringdove / Asterisk", "wanted", "met"),
        [
            ("1 member", "20", "1.10 (1.00–1.20)", "3.40 (3.30–3.50)", "0.32", "a third; a quarter", "yes; no"),
            ("hunt", "20", "2.10 (2.00–2.20)", "7.90 (7.70–8.00)", "0.27", "", ""),
        ],
    ),
    Sheet(
        "Highest rate on time, calls a second",
        ("rung", "per s", "Ringdove", "Asterisk", "Ringdove / Asterisk", "wanted", "met"),
        [
            ("1 member", "20", "900 (880–920)", "280 (270–290)", "3.21", "", ""),
            ("hunt", "20", "–", "120 (110–130)", "–", "", ""),
        ],
    ),
]
HELD = Sheet("What is wanted", ("wanted", "found", "holds"), [("below 0.1 MB each", "0.05 MB", "yes")])
GROWTH = Sheet("What is wanted", ("wanted", "found", "holds"), [("flat", "2 times", "does not hold")])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    report.write(tmp_path / "calls.md", "calls", [*CALLS, AROUND])
    report.write(tmp_path / "held.md", "held", [HELD, AROUND])
    report.write(tmp_path / "growth.md", "growth", [GROWTH, AROUND])
    (tmp_path / "README.md").write_text(f"before\n{summary.BEGIN}\nold\n{summary.END}\nafter\n")
    return tmp_path


def test_every_goal_has_a_line_and_says_whether_it_is_met(results: Path) -> None:
    sheet = summary.write(results, results / "README.md")
    assert sheet.rows == [
        ("calls", "CPU of a call at the same rate, 1 member: a third", "0.32 times Asterisk's", "yes"),
        ("calls", "CPU of a call at the same rate, 1 member: a quarter", "0.32 times Asterisk's", "no"),
        ("held", "below 0.1 MB each", "0.05 MB", "yes"),
        ("growth", "flat", "2 times", "no"),
    ]


def test_the_readme_quotes_it(results: Path) -> None:
    summary.write(results, results / "README.md")
    readme, kept = (results / "README.md").read_text(), (results / summary.FILE).read_text()
    quoted = readme.partition(summary.BEGIN)[2].partition(summary.END)[0].strip()
    assert quoted in kept
    assert "| 1 member | 1.10 | 3.40 | – | 900 | 280 | – |" in quoted
    assert "2 of 4 goals are met; measured 2026-01-02, a box." in quoted
    assert readme.startswith("before\n")
    assert readme.endswith("\nafter\n")
    assert "old" not in readme


def test_the_readme_of_the_project_quotes_the_summary_that_is_kept() -> None:
    quoted = summary.README.read_text().partition(summary.BEGIN)[2].partition(summary.END)[0].strip()
    assert quoted
    assert quoted in (summary.RESULTS / summary.FILE).read_text()
