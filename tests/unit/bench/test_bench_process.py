"""Who belongs to a process that is measured."""

import os
from pathlib import Path

import pytest
from bench.process import DidNotStart, core_seconds, descendants, running


def test_children_of_children_count(tmp_path: Path) -> None:
    for pid, children in ((1, "2 3 "), (2, ""), (3, "4 "), (4, "")):
        (tmp_path / f"{pid}/task/{pid}").mkdir(parents=True)
        (tmp_path / f"{pid}/task/{pid}/children").write_text(children)
    assert sorted(descendants(1, tmp_path)) == [2, 3, 4]


def test_a_child_that_has_just_ended_has_no_children(tmp_path: Path) -> None:
    (tmp_path / "1/task/1").mkdir(parents=True)
    (tmp_path / "1/task/1/children").write_text("2 ")
    assert descendants(1, tmp_path) == [2]


def test_a_core_is_busy_whoever_uses_it_and_not_while_it_is_idle_or_waits_for_disks() -> None:
    cores = sorted(os.sched_getaffinity(0))
    stat = f"cpu  1 1 1 1 1 1 1 1 0 0\ncpu{cores[0]} 100 20 30 9999 888 4 5 1 0 0\n"
    assert core_seconds(stat) == 160 / os.sysconf("SC_CLK_TCK")


def test_a_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(DidNotStart, match=r"-c .* did not start: no port$"),
        running(["-c", "raise SystemExit('no port')"], tmp_path / "log", {}),
    ):
        pytest.fail("it runs")


_SILENT = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"


def test_a_program_that_never_gets_ready_is_ended_with_those_that_it_started(tmp_path: Path) -> None:
    """Either keeps the pipe open on which it would say that it is ready."""
    with pytest.raises(DidNotStart, match=r"got 0.5 s"), running(["-c", _SILENT], tmp_path / "log", {}, 0.5):
        pytest.fail("it runs")
