"""`python -m bench calls`: the same calls to Ringdove, Asterisk and Kamailio in turn, on one core each.

First at a rate that all can bear, several times, interleaved; then the highest rate of each is looked for.
"""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress

from . import calls_plots, calls_report, report, side_asterisk, side_kamailio, side_ringdove, side_sketch
from .process import core_seconds, on_core
from .rows import Row
from .search import highest
from .sides import Phones, Side, Up, phones
from .task import Result, Task

SIDES: dict[str, Side] = {
    "ringdove": side_ringdove,
    "asterisk": side_asterisk,
    "kamailio": side_kamailio,
    "floor": side_sketch,
}
RESULTS = Path(__file__).with_name("results") / "calls.md"
LIMIT = 1500
"""Seconds after which it is given up."""
WARM_UP = 5
GUESS = 0.8
"""The share of a core at which the search begins, by what a call costs at the fixed rate."""
BEHIND = 0.05
"""Seconds that the load itself may be late."""
OTHERS = 0.1
"""The share of a server's core that other programs may use in a try that is too much for it."""


@dataclass(frozen=True)
class Effort:
    """How much is done: runs at the fixed rate, seconds of each; tries of each search for the highest rate, and by what
    factor the first ones differ; seconds of a try. A search begins where the one before ended.
    """

    turns: int = 3
    seconds: float = 3.0
    searches: Sequence[tuple[int, float]] = ((4, 1.5), (2, 1.12))
    trying: float = 3.0


FULL, QUICK = Effort(), Effort(turns=1, seconds=2.0, searches=((2, 1.4),), trying=1.5)


class Run(NamedTuple):
    """What came of some calls, CPU seconds of each, and what share of its core the server did not get."""

    result: Result
    cpu: float
    others: float


@dataclass
class Outcome:
    """One row of one server: runs at the fixed rate, and the search for the highest; CPU in seconds of a call."""

    runs: list[Run] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    cpu_at_highest: list[float] = field(default_factory=list)
    tries: list[Run] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)
    """Rates that were not borne, and why."""


Outcomes = dict[tuple[str, str], Outcome]
"""By name of server and row."""


async def main(console: Console, names: Sequence[str], rows: Sequence[Row], effort: Effort, keep: bool) -> None:
    """Measure, show, and keep what came out."""
    around = report.surroundings()
    outcomes: Outcomes = {}
    began = time.monotonic()
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
        parts.enter_context(on_core(-1))
        progress = parts.enter_context(Progress(console=console, transient=True, refresh_per_second=2))
        bar = progress.add_task("setting servers up", total=None)
        load = await parts.enter_async_context(phones())
        ups = await set_up(parts, folder, load, names, rows, console)
        todo = [(row, name) for row in rows for name in ups if row in SIDES[name].rows(rows)]
        progress.update(bar, total=len(todo) * (effort.turns + len(effort.searches)))
        for row, name in todo:
            outcomes[name, row.name] = Outcome()
            await run(load, ups[name], row, row.rate, WARM_UP)
        for turn in range(effort.turns):
            for row, name in todo:
                progress.update(bar, description=f"{turn + 1} of {effort.turns}: {row.title}, {SIDES[name].name}")
                one = await run(load, ups[name], row, row.rate, round(row.rate * effort.seconds))
                outcomes[name, row.name].runs.append(one)
                progress.advance(bar)
        for tries, step in effort.searches:
            for row, name in todo:
                progress.update(bar, description=f"highest rate: {row.title}, {SIDES[name].name}")
                await _search(load, ups[name], row, outcomes[name, row.name], effort.trying, tries, step)
                progress.advance(bar)
    around.rows.extend(
        [(SIDES[name].name, SIDES[name].version()) for name in ups if name != "ringdove"]
        + [*_disturbances(outcomes), ("took", f"{time.monotonic() - began:.0f} s")]
    )
    shown = [*calls_report.sheets(outcomes, rows, list(ups)), around]
    if keep:
        report.write(RESULTS, "The latest run of `make bench`: calls", shown, pictures=calls_plots.draw(outcomes, rows))
    for sheet in shown:
        report.show(console, sheet)


def _disturbances(outcomes: Outcomes) -> list[tuple[str, str]]:
    """Whether load and machine had to do with what was measured."""
    steady = [one for outcome in outcomes.values() for one in outcome.runs]
    tried = [one for outcome in outcomes.values() for one in outcome.tries]
    told = []
    for rate, runs in (("at the same rate", steady), ("near the highest", tried)):
        if runs:
            busy, behind = (max(getattr(one.result, what) for one in runs) for what in ("busy", "behind"))
            others = sorted(100 * one.others for one in runs)
            told += [
                (f"phones, {rate}", f"at most {100 * busy:.0f} % of their core, {1000 * behind:.0f} ms late"),
                (f"other programs, {rate}", f"{median(others):.0f} % of the servers' core, at most {others[-1]:.0f} %"),
            ]
    return told


async def set_up(
    parts: AsyncExitStack, folder: Path, load: Phones, names: Sequence[str], rows: Sequence[Row], console: Console
) -> dict[str, Up]:
    """Have those of the servers run that are there; they end with `parts`."""
    ups = {}
    for name in names:
        side = SIDES[name]
        if side.version():
            ups[name] = await parts.enter_async_context(side.up(folder, load, side.rows(rows)))
        else:
            console.print(f"{side.name} is left out: it is not there (scripts/bench_peers.sh sets it up, as root)")
    return ups


async def run(load: Phones, up: Up, row: Row, rate: float, count: int, *, stop: bool = False) -> Run:
    """Make so many calls. Where the load itself was late, or the server was and had not its core for itself, they are
    made again, once.
    """
    task = Task(
        *(up.address, [], list(up.callers), row.number),
        members=row.members,
        count=count,
        every=1 / rate,
        refusing=row.refusing,
        stop=stop,
    )
    for _ in range(2):
        before, core, began = up.process.cpu(), core_seconds(), time.monotonic()  # it had settled after its last run
        result = await load.do(task)
        used = await up.process.settled() - before
        others = max(0.0, core_seconds() - core - used) / (time.monotonic() - began)
        if result.behind < BEHIND and (result.clean or others < OTHERS):
            break
    return Run(result, used / max(1, result.calls), others)


def shortcomings(result: Result, core: float) -> str:
    """Why a rate was not borne, empty where it was; `core`: of how many cores it was the work.

    More work than one core does in the time is too much even where calls are too few to be late by half a second yet.
    """
    mishaps = {"failed": result.failed, "late": result.late, "repeated": result.repeats}
    told = [f"{number} {what}" for what, number in mishaps.items() if number]
    return ", ".join(told) or ("more than a core" if core > 1 else "")


async def _search(load: Phones, up: Up, row: Row, outcome: Outcome, seconds: float, tries: int, step: float) -> None:
    """Look for the highest rate of a row."""
    borne: dict[float, float] = {}

    async def bears(rate: float) -> bool:
        one = await run(load, up, row, rate, max(5, round(rate * seconds)), stop=True)
        outcome.tries.append(one)
        if too_much := shortcomings(one.result, one.cpu * rate):
            outcome.spoilt.append(f"{rate:.0f}: {too_much}")
        else:
            borne[rate] = one.cpu
        return not too_much

    guess = max(row.rate, outcome.highest[-1] if outcome.highest else GUESS / min(one.cpu for one in outcome.runs))
    found = await highest(bears, guess, tries, step, least=row.rate)
    outcome.highest.append(found)
    if found:
        outcome.cpu_at_highest.append(borne[found])
