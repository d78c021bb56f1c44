"""`python -m bench media`: what media costs and how late it is, ours and rtpengine's in turn, about three minutes.

One process carries so many calls on one core; phones of `media_load`, on another, say what they heard.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress

from . import media_report, media_rtpengine, media_sides, report
from .media_load import Result, Task
from .media_report import MUSIC, OURS, THEIRS, Outcomes
from .media_sides import Phones, Sound, Up
from .process import on_core

CALLS = (100, 200, 400)
REPETITIONS = 3
WARM_UP, SECONDS = 0.5, 1.6
LIMIT = 300
"""Seconds after which it is given up."""
RESULTS = Path(__file__).with_name("results") / "media.md"

Side = Callable[[int, Phones], AbstractAsyncContextManager[Up]]
"""Has so many calls up, as long as it is entered."""


async def main(console: Console, numbers: Sequence[int] = CALLS) -> None:
    """Measure and show; keep what came out if it is about all numbers of calls."""
    around = report.surroundings()
    talks: Outcomes = {}
    music: Outcomes = {}
    with (
        TemporaryDirectory(prefix="ringdove-bench-") as folder,
        on_core(-1),
        Progress(console=console, transient=True, refresh_per_second=2) as progress,
    ):
        rounds = _rounds(media_sides.sound(Path(folder)), numbers, talks, music)
        bar = progress.add_task("", total=len(rounds))
        for title, side, calls, outcome in rounds:
            progress.update(bar, description=title)
            outcome.append(await _measure(side, calls))
            progress.advance(bar)
    shown = media_report.sheets(talks, music, around)
    if tuple(numbers) == CALLS:
        report.write(RESULTS, "The latest run of `make bench`: media", shown)
    for sheet in shown:
        report.show(console, sheet)


def _rounds(
    sound: Sound, numbers: Sequence[int], talks: Outcomes, music: Outcomes
) -> list[tuple[str, Side, int, list[Result]]]:
    """Who is measured with how many calls, one after the other, and where the results go."""
    relays: dict[str, Side] = {"straight": media_sides.straight, "floor": media_sides.floor}
    players: dict[str, Side] = {}
    if media_rtpengine.PROGRAM:
        relays[THEIRS] = media_rtpengine.talking
        players[THEIRS] = lambda calls, phones: media_rtpengine.playing(calls, phones, sound)
    relays[OURS] = media_sides.talking
    players[OURS] = lambda calls, phones: media_sides.playing(calls, phones, sound)
    return [
        (f"{turn} of {REPETITIONS}: {calls} calls {doing}, {name}", side, calls, outcomes.setdefault((calls, name), []))
        for turn in range(1, REPETITIONS + 1)
        for doing, outcomes, sides in (("talking", talks, relays), ("hearing music", music, players))
        for calls in numbers
        for name, side in sides.items()
    ]


async def _measure(side: Side, calls: int) -> Result:
    """One run. The phones are there before the calls, since calls want to know their ports."""
    phones = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.media_load"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert phones.stdin
    assert phones.stdout
    try:
        callers, members = json.loads(await phones.stdout.readline())
        async with side(calls, (callers, members)) as up:
            task = Task(up.ports, WARM_UP, SECONDS, up.pid)
            phones.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            said = await phones.stdout.readline()
        await phones.wait()
    finally:
        if phones.returncode is None:
            phones.kill()
            await phones.wait()
    if not said:
        raise RuntimeError("the phones gave up")
    result = Result(**json.loads(said))
    if not any(up.ports):  # a player that was never heard leaves no gap
        silent = calls - result.flows
        result = replace(result, lost=result.lost + round(silent * result.seconds * MUSIC))
    return result
