"""`python -m bench held`: calls that are answered and go on, without a packet of audio: memory and CPU of each.

About a minute for each server. The same load to Asterisk: calls to one member, by callers who are asked for a password.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from . import report, side_asterisk
from .lodge import lodge
from .process import on_core
from .report import Sheet, three
from .rows import Row, caller_numbers, member_numbers
from .sides import Phones, Up, phones
from .task import Result, Task

CALLS, QUICK_CALLS = 1_000, 300
RATE = 100.0
"""Calls a second while they come up, and while they end."""
STILL, QUICK_STILL = 10.0, 4.0
"""Seconds for which nothing happens, over which CPU is measured."""
SLACK = 2.0
"""Seconds between the last call and the first look, and from the last look to the first BYE."""
WARM_UP = 20
WANTED = 0.1
"""MB of a call."""
NUMBERS = 20
"""Groups of one member each that are called in turn: no extension may be in more than 100 calls."""
FIRST_GROUP = 6101
LIMIT = 300
RESULTS = Path(__file__).with_name("results") / "held.md"
_ROW = Row("1", "1 member", 1, RATE)
Parts = tuple[float, float]


@dataclass(frozen=True)
class Held:
    """What holding calls took, of the server's first process and of those that it started. MB; CPU in cores."""

    calls: int
    before: Parts
    during: Parts
    after: Parts
    idle: Parts
    busy: Parts
    result: Result

    @property
    def of_a_call(self) -> float:
        """MB."""
        return (sum(self.during) - sum(self.before)) / self.calls


async def main(console: Console, *, quick: bool = False) -> Sheet:
    """Measure, show, and keep what came out; returns what is wanted."""
    around = report.surroundings()
    count, still = (QUICK_CALLS, QUICK_STILL) if quick else (CALLS, STILL)
    found: dict[str, Held] = {}
    with TemporaryDirectory(prefix="ringdove-bench-") as folder, on_core(-1):
        for name, up in (("Ringdove", _ringdove), (side_asterisk.name, _asterisk)):
            if name == side_asterisk.name and not side_asterisk.version():
                console.print(f"{name} is left out: it is not there (scripts/bench_peers.sh sets it up, as root)")
                continue
            async with AsyncExitStack() as parts:
                load = await parts.enter_async_context(phones())
                server, number, numbers = await parts.enter_async_context(up(Path(folder), load))
                found[name] = await _hold(server, load, number, numbers, count, still)
    if version := side_asterisk.version():
        around.rows.append((side_asterisk.name, version))
    goals = Sheet("What is wanted", ("wanted", "found", "holds"), wanted(found))
    shown = [_memory(found), _cpu(found), goals, around]
    if not quick:
        report.write(RESULTS, "The latest run of `python -m bench held`", shown, "One run.")
    for sheet in shown:
        report.show(console, sheet)
    return goals


@asynccontextmanager
async def _ringdove(folder: Path, load: Phones) -> AsyncIterator[tuple[Up, str, int]]:
    (data := folder / "ringdove").mkdir()
    groups = {str(FIRST_GROUP + turn): [number] for turn, number in enumerate(member_numbers(NUMBERS))}
    async with lodge(data, load, groups, caller_numbers()) as server:
        yield server, str(FIRST_GROUP), NUMBERS


@asynccontextmanager
async def _asterisk(folder: Path, load: Phones) -> AsyncIterator[tuple[Up, str, int]]:
    async with side_asterisk.up(folder, load, [_ROW]) as server:
        yield server, _ROW.number, 1


async def _hold(server: Up, load: Phones, number: str, numbers: int, count: int, still: float) -> Held:
    """Have so many calls come up, look, and have them end."""

    def task(calls: int, talk: float) -> Task:
        return Task(
            server.address,
            callers=list(server.callers),
            number=number,
            numbers=numbers,
            members=1,
            count=calls,
            every=1 / RATE,
            talk=talk,
        )

    await load.do(task(WARM_UP, 0.1))
    await server.process.settled()
    before = server.process.memory()
    idle = await _busy(server, still / 2)
    coming = count / RATE + SLACK
    calling = asyncio.create_task(load.do(task(count, coming + still + SLACK)))
    await asyncio.sleep(coming)
    during = server.process.memory()
    busy = await _busy(server, still)
    result = await calling
    await server.process.settled()
    return Held(count, before, during, server.process.memory(), idle, busy, result)


async def _busy(server: Up, seconds: float) -> Parts:
    """How many cores it uses."""
    before, began = server.process.cpu_parts(), time.monotonic()
    await asyncio.sleep(seconds)
    after, span = server.process.cpu_parts(), time.monotonic() - began
    own, others = ((late - early) / span for early, late in zip(before, after, strict=True))
    return own, others


def _parts(sizes: Parts, what: str) -> str:
    return " + ".join(format(size, what) for size in sizes if size)


def _memory(found: dict[str, Held]) -> Sheet:
    columns = ("server", "calls", "before, MB", "with all of them, MB", "after, MB", "of a call, MB")
    rows: list[report.Row] = []
    for name, held in found.items():
        looks = [_parts(sizes, ".1f") for sizes in (held.before, held.during, held.after)]
        rows.append((name, str(held.calls), *looks, f"{held.of_a_call:.3f}"))
    return Sheet("Memory of calls that are held (PSS; of Ringdove: SIP + media)", columns, rows)


def _cpu(found: dict[str, Held]) -> Sheet:
    columns = ("server", "without calls, %", "with all of them, %", "calls: made, failed, late, messages repeated")
    rows: list[report.Row] = []
    for name, held in found.items():
        made = held.result
        mishaps = ", ".join(map(str, (made.calls, made.failed, made.late, made.repeats)))
        shares = [_parts((100 * own, 100 * others), ".2f") for own, others in (held.idle, held.busy)]
        rows.append((name, *shares, mishaps))
    return Sheet("CPU of holding them, of a core (of Ringdove: SIP + media)", columns, rows)


def wanted(found: dict[str, Held]) -> list[report.Row]:
    """What is wanted, what was found, and whether it holds."""
    ours = found["Ringdove"]
    bad = ours.result.failed
    rows: list[report.Row] = [
        (f"{ours.calls} calls held at once, by default settings", f"{bad} failed", "no" if bad else "yes"),
        (f"below {WANTED:g} MB each", f"{ours.of_a_call:.3f} MB", _says(ours.of_a_call < WANTED)),
    ]
    if theirs := found.get(side_asterisk.name):
        ratio = ours.of_a_call / theirs.of_a_call
        rows.append((f"less than {side_asterisk.name}'s", f"{three(ratio)} times", _says(ratio < 1)))
    return rows


def _says(holds: bool) -> str:
    return "yes" if holds else "no"
