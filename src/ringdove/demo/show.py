"""`ringdove demo`: ring groups made over HTTP, called by phones; who rang when, and who heard what.

Exit status 0: as described.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import httpx
import structlog
from rich.console import Console
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ringdove.client import ServerSaysNo
from ringdove.media.sounds import DEMO_GREETING
from ringdove.model.simulation import Simulation
from ringdove.terminal.lists import SimulationChart
from ringdove.terminal.scale import seconds
from ringdove.terminal.timeline import Timeline

from . import checks
from .board import Board
from .check import Check
from .data import number_of
from .phone import RegistrationRefused
from .scenes import AFTER_A_DELAY, AFTER_HOURS, ALL_AT_ONCE, NOBODY_ANSWERS, OWN_TIMES, PRINTED, SCENES
from .stage import Performance, Stage, StageFailure, set_up
from .tables import phones_heard, phones_saw

_FRAME = 0.1
"""Seconds between two pictures of the live board."""
_A_MOMENT = 0.5
"""Seconds between two calls, for the eye."""
_LOG_WIDTH = 100
"""Columns where the output is no terminal."""


async def show(out: Console) -> int:
    """Play everything on `out`; returns the exit status."""
    began = time.monotonic()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if not out.is_terminal:
        out.width = _LOG_WIDTH
    out.print(Rule("Ringdove demo: ring groups made over HTTP ring real SIP phones"))
    try:
        async with set_up() as stage:
            verdicts = await _play(stage, out)
    except (StageFailure, ServerSaysNo, RegistrationRefused, httpx.HTTPError, OSError) as why:
        out.print(Text(f"The demo cannot go on: {why or type(why).__name__}", style="bold red"))
        return 1
    return conclude(verdicts, time.monotonic() - began, out)


async def _play(stage: Stage, out: Console) -> list[Check]:
    """The groups, the calls, their timelines; returns what came of it."""
    foretold = await _introduce(stage, out)
    out.print(Rule("Four calls"))
    board = Board(stage.phones.values())
    async with _live(board, out):
        delayed, (at_once, nobody, closed) = await asyncio.gather(stage.play(AFTER_A_DELAY), _meanwhile(stage))
    for played in (at_once, delayed, nobody, closed):
        _tell(played, out)
    delay = float(OWN_TIMES["member_list"][0]["delay_time"])
    return [
        *checks.all_at_once(at_once),
        *checks.after_a_delay(delayed, delay),
        *checks.nobody_answers(nobody, foretold),
        *checks.after_hours(closed),
    ]


async def _meanwhile(stage: Stage) -> tuple[Performance, Performance, Performance]:
    """What there is time for before the custom group begins to ring: the same phones take part."""
    await asyncio.sleep(_A_MOMENT)
    at_once = await stage.play(ALL_AT_ONCE)
    await asyncio.sleep(_A_MOMENT)
    nobody, closed = await asyncio.gather(stage.play(NOBODY_ANSWERS), stage.play(AFTER_HOURS))
    return at_once, nobody, closed


async def _introduce(stage: Stage, out: Console) -> Simulation:
    """Say who is there and make the groups; returns what the server says of the one that nobody will answer."""
    _say(out, "server", f"API and /docs at http://{stage.node.http}, SIP at {stage.node.sip}")
    people = ", ".join(f"{number} {phone.account.name.split()[0]}" for number, phone in stage.phones.items())
    _say(out, "phones", f"{people}; registered over UDP")
    ids = {}
    for scene in SCENES:
        group = scene.request
        ids[scene.number] = await stage.create(group)
        origin = ", as printed on the page" if group in PRINTED else ""
        made = f"POST ringgroup/create {group['number']} {group['name']}, {group['ring_strategy']}{origin}"
        _say(out, "group", f"{made} → id {ids[scene.number]}")
        if scene.mailbox is not None:
            await stage.greet(scene.mailbox, DEMO_GREETING)
            _say(out, "mailbox", f"POST vm_greeting/upload {DEMO_GREETING.name} for {number_of(scene.mailbox)}")
    foretold = await stage.simulate(ids[NOBODY_ANSWERS.number])
    out.print()
    out.print(SimulationChart(NOBODY_ANSWERS.number, NOBODY_ANSWERS.request["name"], foretold))
    return foretold


@asynccontextmanager
async def _live(board: Board, out: Console) -> AsyncIterator[None]:
    """Print what happens; below it the board keeps moving, or where there is no terminal, is shown once at the end."""
    picture = Live(board, console=out, auto_refresh=False) if out.is_terminal else None

    def draw() -> None:
        if (news := board.news()) is not None:
            out.print(news, no_wrap=True, overflow="ellipsis")
        elif picture is not None:
            picture.refresh()

    async def move() -> None:
        while True:
            await asyncio.sleep(_FRAME)
            draw()

    with picture or nullcontext():
        moving = asyncio.create_task(move())
        try:
            yield
        finally:
            moving.cancel()
            draw()
    if picture is None:
        out.print(board)


def _tell(played: Performance, out: Console) -> None:
    """One call: what the server wrote down, and what the phones saw and heard of it."""
    out.print(Rule(f"{played.scene.number}: {played.scene.title}"))
    out.print(Timeline(played.story, dated=False))
    out.print(phones_saw(played))
    out.print(phones_heard(played))


def conclude(verdicts: list[Check], took: float, out: Console) -> int:
    """The table of checks; returns the exit status."""
    out.print(Rule("As described?"))
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    table.add_column(" ", no_wrap=True)
    table.add_column("what was to happen", ratio=45)
    table.add_column("what was seen", ratio=50)
    for check in verdicts:
        mark, style = ("✓", "green") if check.holds else ("✗", "bold red")
        table.add_row(
            Text(mark, style=style), Text(check.rule, style="" if check.holds else style), Text(check.seen, style=style)
        )
    out.print(table)
    failed = sum(not check.holds for check in verdicts)
    if failed:
        out.print(Text(f"{failed} of {len(verdicts)} did not go as described ({seconds(took)}).", style="bold red"))
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
        if load > cores:
            out.print(f"This machine is busy (load {load:.1f} on {cores} cores), which may be why.")
        return 1
    out.print(Text(f"All {len(verdicts)} went as described, in {seconds(took)}.", style="bold green"))
    return 0


def _say(out: Console, what: str, text: str) -> None:
    out.print(Text.assemble((f"{what:<8}", "dim"), text), no_wrap=True, overflow="ellipsis")
