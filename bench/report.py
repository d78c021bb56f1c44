"""What was measured, as tables: for the terminal, and for `bench/results/`."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Row = Sequence[str]


class Sheet(NamedTuple):
    """A table."""

    title: str
    columns: Row
    rows: list[Row]


def spread(values: Sequence[float]) -> str:
    """The median, and between which values all are."""
    return f"{three(median(values))} ({three(min(values))}–{three(max(values))})"


def three(value: float) -> str:
    """Three digits that count."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def ranks(seconds: Sequence[float]) -> Row:
    """p50 and p99, in ms."""
    return [f"{1000 * rank(seconds, share):.1f}" for share in (0.5, 0.99)]


def rank(values: Sequence[float], share: float) -> float:
    """The smallest of the values that is not below this share of all (nearest rank)."""
    return sorted(values)[ceil(share * len(values)) - 1]


def surroundings() -> Sheet:
    """What the figures hold for; to be asked before the run, since the load of the machine counts other programs."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    shared = load > 0.1 * cores
    rows: list[Row] = [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("commit", _commit()),
        ("machine", f"{_processor()}, {cores} cores"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python, uvloop", f"{platform.python_version()}, {version('uvloop')}"),
        ("load before", f"{load:.2f}{': the machine was not idle, so the figures are rough' if shared else ''}"),
    ]
    return Sheet("Where and when", ("what", "value"), rows)


def show(console: Console, sheet: Sheet) -> None:
    """A table in the terminal."""
    console.print(f"\n[bold]{escape(sheet.title)}[/]")
    if not sheet.rows:
        return
    shown = Table()
    for column in sheet.columns:
        shown.add_column(column, justify="left" if sheet.columns[0] == "what" else "right")
    for row in sheet.rows:
        shown.add_row(*map(escape, row))
    console.print(shown)


def table(sheet: Sheet) -> str:
    """A table as Markdown."""
    lines = (sheet.columns, ["---"] * len(sheet.columns), *sheet.rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(
    path: Path,
    title: str,
    shown: Iterable[Sheet],
    preface: str = "Median (range) of the repetitions.",
    pictures: Iterable[tuple[str, str]] = (),
) -> None:
    """The file that is kept; the README beside it says how to read it. `pictures`: what is seen, and the file."""
    parts = [f"# {title}\n\n{preface} [How to read it](../README.md)\n"]
    parts += [f"![{seen}]({name})\n" for seen, name in pictures]
    for sheet in shown:
        parts.append(f"## {sheet.title}\n\n{table(sheet)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts))


def _commit() -> str:
    def git(*arguments: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "../src", ".", ":!results")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
