"""What was measured, as tables: for the terminal, and for `bench/results/latest.md`."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .load import Batch
from .phones import Call

Row = Sequence[str]


class Sheet(NamedTuple):
    """A table."""

    title: str
    columns: Row
    rows: list[Row]


@dataclass
class Outcome:
    """All about one kind of load; `server` and `floor` have one entry per repetition."""

    server: list[Batch] = field(default_factory=list)
    floor: list[Batch] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    repeats: int = 0

    def costs(self, unit: float) -> Row:
        """CPU of server and floor, in this part of a second, and their ratio in each repetition."""
        ours, least = ([batch.cpu / unit for batch in side] for side in (self.server, self.floor))
        return spread(ours), spread(least), spread([a / b for a, b in zip(ours, least, strict=True)])

    @property
    def datagrams(self) -> str:
        """Datagrams per call, in and out, of server and floor."""
        return " / ".join(f"{median(batch.datagrams for batch in side):.0f}" for side in (self.server, self.floor))


def sheets(by_members: Mapping[int, Outcome], rates: Mapping[int, float], relayed: Outcome) -> list[Sheet]:
    """What was measured; `rates` are calls per second."""
    cost: list[Row] = [(str(n), one.datagrams, *one.costs(1e-3)) for n, one in by_members.items()]
    times: list[Row] = []
    for members, one in by_members.items():
        ringing = _ranks([call.ringing_at - call.dialled_at for call in one.calls])
        apart = _ranks([call.invites_at[-1] - call.invites_at[0] for call in one.calls])
        times.append((str(members), str(len(one.calls)), f"{rates[members]:.0f}", *ringing, *apart, str(one.repeats)))
    count, lost = (sum(numbers) for numbers in zip(*((b.count, b.lost) for b in relayed.server), strict=True))
    cpu = ("Ringdove", "floor", "ratio")
    return [
        Sheet("A ring_all call, answered after 100 ms: CPU, ms", ("members", "datagrams", *cpu), cost),
        Sheet(
            "The same calls: INVITE to 180, first to last INVITE, ms",
            ("members", "calls", "per s", "180 p50", "180 p99", "last p50", "last p99", "repeats"),
            times,
        ),
        Sheet(
            "Relaying an RTP packet: CPU, µs",
            ("packets", "lost", *cpu),
            [(str(count), str(lost), *relayed.costs(1e-6))],
        ),
    ]


def spread(values: Sequence[float]) -> str:
    """The median, and between which values all are."""
    return f"{_three(median(values))} ({_three(min(values))}–{_three(max(values))})"


def _three(value: float) -> str:
    """Three digits that count."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def _ranks(seconds: Sequence[float]) -> Row:
    """p50 and p99 in ms: the smallest value that is not below this share of all (nearest rank)."""
    ranked = sorted(seconds)
    return [f"{1000 * ranked[ceil(share * len(ranked)) - 1]:.1f}" for share in (0.5, 0.99)]


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
    table = Table()
    for column in sheet.columns:
        table.add_column(column, justify="left" if sheet.columns[0] == "what" else "right")
    for row in sheet.rows:
        table.add_row(*map(escape, row))
    console.print(table)


def write(path: Path, title: str, shown: Iterable[Sheet], preface: str = "Median (range) of the repetitions.") -> None:
    """The file that is kept; the README beside it says how to read it."""
    parts = [f"# {title}\n\n{preface} [How to read it](../README.md)\n"]
    for sheet in shown:
        lines = (sheet.columns, ["---"] * len(sheet.columns), *sheet.rows)
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"## {sheet.title}\n\n{table}\n")
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
