"""Processes that others have started."""

from pathlib import Path


def children(pid: int | str = "self") -> list[int]:
    """The processes that one has started, this one by default, and that still run."""
    return [int(child) for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()]
