"""`python -m bench [calls|media|watch]`: over loopback, then the tables. Here are the calls, about 80 seconds."""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from rich.console import Console
from rich.progress import Progress

from . import load, media, report, watch
from .phones import Login, Phones, wide_socket
from .process import Measured, on_core, running
from .server import CALLERS, LOGIN, MEMBERS, SERVE, number_of, settings

REPETITIONS = 3
TALK = 1.5
"""Seconds of RTP."""
LIMIT = 240
"""Seconds after which it is given up."""
RESULTS = Path(__file__).with_name("results") / "latest.md"


async def main(console: Console) -> None:
    """Measure, show, and keep what came out."""
    around = report.surroundings()
    by_members = {members: report.Outcome() for members in MEMBERS}
    relayed = report.Outcome()
    with ExitStack() as parts:
        data = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
        server = parts.enter_context(running([*SERVE, str(data)], data / "log", LOGIN))
        bare, echo = (
            parts.enter_context(running(["-m", "bench.floor", kind], data / f"log-{kind}", {}))
            for kind in ("calls", "rtp")
        )
        parts.enter_context(on_core(-1))
        audio = [parts.enter_context(wide_socket()) for _ in range(2)]
        progress = parts.enter_context(Progress(console=console, transient=True))
        bar = progress.add_task("setting up", total=1 + REPETITIONS * (len(MEMBERS) + 1))
        rtp = (audio[0].getsockname()[1], audio[1].getsockname()[1])
        loop = asyncio.get_running_loop()
        _, phones = await loop.create_datagram_endpoint(
            lambda: Phones(server.address("TCP: "), rtp), sock=wide_socket()
        )
        callers = await settings(server, phones)
        tapes, paces = {}, {}
        for members in MEMBERS:
            paces[members] = await load.pace(server, phones, callers[0], number_of(members))
            tapes[members] = await load.record(phones, callers[0], number_of(members))
        for turn in range(1, REPETITIONS + 1):
            for members in MEMBERS:
                progress.update(bar, advance=1, description=f"{turn} of {REPETITIONS}: calls to {members}")
                outcome, repeats = by_members[members], phones.repeats
                batch, made = await load.calls(server, phones, callers, number_of(members), *paces[members])
                outcome.server.append(batch)
                outcome.calls += made
                outcome.repeats += phones.repeats - repeats
                outcome.floor.append(await load.replay(bare, tapes[members], *paces[members]))
            progress.update(bar, advance=1, description=f"{turn} of {REPETITIONS}: RTP")
            relayed.server.append(await _relay(server, phones, callers, audio))
            at = [echo.address("at ")] * CALLERS
            relayed.floor.append(await load.packets(echo, [(sock, at) for sock in audio], TALK))
    rates = {members: 1 / every for members, (_, every) in paces.items()}
    shown = [*report.sheets(by_members, rates, relayed), around]
    report.write(RESULTS, "The latest run of `make bench`: calls", shown)
    for sheet in shown:
        report.show(console, sheet)


async def _relay(server: Measured, phones: Phones, callers: list[Login], audio: Sequence[socket.socket]) -> load.Batch:
    """Have calls up, send RTP both ways, hang up."""
    end = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as held:
        for caller in callers:
            held.create_task(phones.dial(caller, number_of(1), end))
            await asyncio.sleep(0.02)
        calls = [phones.calls[caller.number] for caller in callers]
        for call in calls:
            await call.answered.wait()
        ports = [call.caller_port for call in calls], [call.member_port for call in calls]
        ways = [(sock, [("127.0.0.1", port) for port in side]) for sock, side in zip(audio, ports, strict=True)]
        batch = await load.packets(server, ways, TALK)
        end.set()
    return batch


async def _parts() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("part", nargs="?", choices=("calls", "media", "watch"), help="only this")
    parser.add_argument("--at", nargs="+", type=int, default=media.CALLS, help="media at these numbers of calls")
    asked = parser.parse_args()
    console, task = Console(), asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if asked.part == "watch":
        async with asyncio.timeout(watch.LIMIT):
            await watch.main(console)
        return
    if asked.part != "media":
        async with asyncio.timeout(LIMIT):
            await main(console)
    if asked.part != "calls":
        async with asyncio.timeout(media.LIMIT):
            await media.main(console, asked.at)


if __name__ == "__main__":
    try:
        uvloop.run(_parts())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped")
