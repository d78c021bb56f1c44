"""`python -m bench calls --with sipp`: the calls made by SIPp instead of our phones, to see that these tell no tales.

SIPp tells calls apart by their Call-ID, which all forks of a proxy share: Kamailio is called with one member only.
"""

import asyncio
import csv
import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, which
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress

from . import report
from .calls import SIDES, WARM_UP, Effort, set_up
from .process import on_core
from .report import Sheet, ranks, spread
from .rows import Row
from .sides import Up, answers, free_port, phones

SCENARIOS = Path(__file__).with_name("sipp")
RESULTS = Path(__file__).with_name("results") / "calls-sipp.md"
LONGEST = 5
"""Seconds that the phones wait for a message."""


@dataclass(frozen=True)
class Said:
    """What SIPp says of a run; response times in seconds."""

    made: int
    failed: int
    ringing: list[float]


async def main(console: Console, names: Sequence[str], rows: Sequence[Row], effort: Effort, keep: bool) -> None:
    """Measure, show, and keep what came out. Raises RuntimeError where SIPp is not there."""
    if not version():
        raise RuntimeError("SIPp is not installed: apt install sip-tester")
    rows = [row for row in rows if row.strategy == "ring_all" and not row.music]
    costs: dict[tuple[str, str], list[float]] = {}
    said: dict[tuple[str, str], list[Said]] = {}
    around = report.surroundings()
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
        parts.enter_context(on_core(-1))
        async with phones() as load:  # they only register: then the port is SIPp's
            port = load.port
            ups = await set_up(parts, folder, load, names, rows, console)
        for name in ("caller.xml", "members.xml"):
            copyfile(SCENARIOS / name, folder / name)
        await parts.enter_async_context(_sipp(folder, "members.xml", port))
        await answers(("127.0.0.1", port))
        todo = [
            (row, name)
            for row in rows
            for name in ups
            if row in SIDES[name].rows(rows) and (name != "kamailio" or row.members == 1)
        ]
        progress = parts.enter_context(Progress(console=console, transient=True, refresh_per_second=2))
        bar = progress.add_task("", total=len(todo) * (effort.turns + 1))
        for turn in range(-1, effort.turns):
            for row, name in todo:
                progress.update(bar, description=f"{row.title}, {SIDES[name].name}, by SIPp", advance=1)
                count = WARM_UP if turn < 0 else round(row.rate * effort.seconds)
                before = ups[name].process.cpu()
                one = await _run(folder, ups[name], row, count)
                if turn >= 0:
                    cpu = (await ups[name].process.settled() - before) / count
                    costs.setdefault((name, row.name), []).append(cpu)
                    said.setdefault((name, row.name), []).append(one)
    lines: list[report.Row] = []
    for row, name in todo:
        runs = said[name, row.name]
        mishaps = [sum(getattr(one, what) for one in runs) for what in ("made", "failed")]
        times = ranks([time for one in runs for time in one.ringing])
        cost = spread([1000 * seconds for seconds in costs[name, row.name]])
        lines.append((row.title, SIDES[name].name, f"{row.rate:.0f}", cost, *times, *map(str, mishaps)))
    columns = ("rung", "server", "per s", "CPU of a call, ms", "180 p50, ms", "180 p99, ms", "calls", "failed")
    around.rows.append(("SIPp", version()))
    shown = [Sheet("The same calls made by SIPp", columns, lines), around]
    if keep:
        report.write(RESULTS, "The latest run of `python -m bench calls --with sipp`", shown)
    for sheet in shown:
        report.show(console, sheet)


async def _run(folder: Path, up: Up, row: Row, count: int) -> Said:
    """Make so many calls. Raises TimeoutError where they do not end."""
    lines = [f"{one.name};[authentication username={one.name} password={one.password}]\n" for one in up.callers]
    (folder / "callers.csv").write_text("SEQUENTIAL\n" + "".join(lines))
    (folder / "stat.csv").unlink(missing_ok=True)
    whom = ("-s", row.number, "-auth_uri", f"{row.number}@127.0.0.1", f"{up.address[0]}:{up.address[1]}")
    load = ("-inf", "callers.csv", "-r", f"{row.rate:g}", "-m", str(count), "-l", "1000", "-nr")
    patience = ("-recv_timeout", str(1000 * LONGEST), "-deadcall_wait", "0")
    noted = ("-trace_stat", "-stf", "stat.csv", "-fd", "600", "-trace_rtt", "-rtt_freq", "1", "-timer_resol", "1")
    async with _sipp(folder, "caller.xml", free_port(), *load, *patience, *noted, *whom) as caller:
        async with asyncio.timeout(count / row.rate + 2 * LONGEST):
            await caller.wait()
        times = folder / f"caller_{caller.pid}_rtt.csv"
    return read((folder / "stat.csv").read_text(), times.read_text() if times.exists() else "")


def version() -> str:
    """Its own; empty where it is not there."""
    if which("sipp") is None:
        return ""
    said = subprocess.run(["sipp", "-v"], capture_output=True, text=True, check=False).stdout  # its exit status is 99
    return said.strip().partition("\n")[0].strip(" .").removeprefix("SIPp ")


@asynccontextmanager
async def _sipp(folder: Path, scenario: str, port: int, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """SIPp at this port for a while."""
    with (folder / "log-sipp").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *("sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", str(port), "-nostdin", *arguments),
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb"},
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def read(statistics: str, times: str) -> Said:
    """What stands in the last line of SIPp's statistics, and its response times (ms)."""
    *_, last = csv.DictReader(statistics.splitlines(), delimiter=";")
    made, failed = (int(last[name]) for name in ("TotalCallCreated", "FailedCall(C)"))
    rows: list[Mapping[str, str]] = list(csv.DictReader(times.splitlines(), delimiter=";"))
    return Said(made, failed, [float(row["response_time_ms"]) / 1000 for row in rows])
