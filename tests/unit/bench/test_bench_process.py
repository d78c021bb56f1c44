"""Who belongs to a process that is measured."""

from pathlib import Path

from bench.process import descendants


def test_children_of_children_count(tmp_path: Path) -> None:
    for pid, children in ((1, "2 3 "), (2, ""), (3, "4 "), (4, "")):
        (tmp_path / f"{pid}/task/{pid}").mkdir(parents=True)
        (tmp_path / f"{pid}/task/{pid}/children").write_text(children)
    assert sorted(descendants(1, tmp_path)) == [2, 3, 4]


def test_a_child_that_has_just_ended_has_no_children(tmp_path: Path) -> None:
    (tmp_path / "1/task/1").mkdir(parents=True)
    (tmp_path / "1/task/1/children").write_text("2 ")
    assert descendants(1, tmp_path) == [2]
