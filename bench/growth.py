"""`python -m bench growth`: how cost, memory and times grow with members, calls, phones, groups and records.

About six minutes. Each size has a Ringdove of its own; those of one curve run side by side and are called in turn.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress

from . import growth_plots, growth_report, report
from .growth_curves import CURVES, Curve, Place
from .growth_pages import pages
from .growth_report import Found
from .process import on_core
from .report import Sheet
from .sides import Phones, phones

FULL, QUICK = (3, 2.0), (1, 1.5)
"""How many turns, and for how many seconds calls come in each."""
SHARE = 0.25
"""The part of a core that calls are to take."""
RATES = (2.0, 60.0)
"""The lowest and the highest rate, calls a second."""
WARM_UP = (5, 15)
"""Calls before the first turn."""
QUIET = 0.6
"""Seconds after which what calls have left behind, such as records to write, is done."""
LIMIT = 900
RESULTS = Path(__file__).with_name("results") / "growth.md"


async def main(console: Console, *, quick: bool = False) -> Sheet:
    """Measure, show, and keep what came out; returns what is wanted."""
    around, began = report.surroundings(), time.monotonic()
    found: dict[str, list[Found]] = {}
    seen: list[report.Row] = []
    with on_core(-1), Progress(console=console, transient=True, refresh_per_second=2) as progress:
        bar = progress.add_task("", total=len(CURVES))
        for curve in CURVES:
            progress.update(bar, description=curve.title)
            sizes, effort = (curve.few, QUICK) if quick else (curve.sizes, FULL)
            found[curve.name] = await _along(curve, sizes, effort, seen)
            progress.advance(bar)
    around.rows.append(("took", f"{time.monotonic() - began:.0f} s"))
    goals = Sheet("What is wanted", ("wanted", "found", "holds"), list(growth_report.wanted(found)))
    shown = [*growth_report.sheets(found), growth_report.pages(seen), goals, around]
    if not quick:
        report.write(RESULTS, "The latest run of `make bench`: growth", shown, pictures=growth_plots.draw(found))
    for sheet in shown:
        report.show(console, sheet)
    return goals


async def _along(curve: Curve, sizes: Sequence[int], effort: tuple[int, float], seen: list[report.Row]) -> list[Found]:
    """Measure all sizes of a curve; what pages took is added to `seen`."""
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
        load = await parts.enter_async_context(phones())
        places = [await parts.enter_async_context(curve.up(folder, load, size)) for size in sizes]
        found = [Found(place.size, place.server.started) for place in places]
        for place, one in zip(places, found, strict=True):
            one.idle = await _idle(place)
            one.rate = await _rate(place, load)
        if not curve.by_members:  # what differs between sizes is not to be how often calls come
            rate = min(one.rate for one in found)
            found = [Found(one.size, one.started, one.idle, rate) for one in found]
        turns, seconds = effort
        for _ in range(turns):
            for place, one in zip(places, found, strict=True):
                await _turn(place, one, load, seconds)
        for place, one in zip(places, found, strict=True):
            one.memory = place.server.process.memory()
        seen.extend([row async for row in pages(curve, places[-1], load)])
    return found


async def _idle(place: Place) -> float:
    """How many cores a server takes that nobody calls."""
    process = place.server.process
    await process.settled()
    before, began = process.cpu(), time.monotonic()
    await asyncio.sleep(1.0)
    return (process.cpu() - before) / (time.monotonic() - began)


async def _rate(place: Place, load: Phones) -> float:
    """At which rate calls take so much of a core: looked at twice, since calls are cheaper the more there are."""
    lowest, highest = RATES
    rate = 5 * lowest
    for count in WARM_UP:
        before = place.server.process.cpu()
        await load.do(place.task(rate, count))
        await asyncio.sleep(QUIET)
        rate = min(highest, max(lowest, SHARE * count / (place.server.process.cpu() - before)))
    return rate


async def _turn(place: Place, one: Found, load: Phones, seconds: float) -> None:
    process = place.server.process
    before, began = process.cpu(), time.monotonic()
    result = await load.do(place.task(one.rate, max(6, round(one.rate * seconds))))
    await asyncio.sleep(QUIET)
    idle = one.idle * (time.monotonic() - began)
    one.cpu.append((process.cpu() - before - idle) / result.calls)
    one.results.append(result)
