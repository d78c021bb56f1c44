"""Who belongs to a process that is measured."""

import os
from pathlib import Path

from bench.process import core_seconds, descendants


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
