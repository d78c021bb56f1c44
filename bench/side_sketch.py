"""The floor: the least that a Python process can do which makes such calls (bench/sketch.py)."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from .process import running
from .rows import Row, caller_numbers
from .sides import Phones, Up
from .words import Login

name = "Floor"


def version() -> str:
    """That of the interpreter."""
    return f"Python {sys.version.partition(' ')[0]}"


def rows(rows: Sequence[Row]) -> list[Row]:
    """Where all ring."""
    return [row for row in rows if row.strategy == "ring_all" and not row.music]


@asynccontextmanager
async def up(folder: Path, load: Phones, rows: Sequence[Row]) -> AsyncIterator[Up]:
    """Have it run."""
    with running(["-m", "bench.sketch", str(load.port)], folder / "log-sketch", {}) as process:
        callers = [Login(number, number, "which it does not check") for number in caller_numbers()]
        yield Up(process, process.address("ready at "), callers)
