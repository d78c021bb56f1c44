"""`python -m bench [calls|media|held|registrations|growth|watch|micro|summary]`: over loopback, then the tables."""

import argparse
import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir

import uvloop
from rich.console import Console

from . import calls, calls_sipp, growth, held, media, micro, registrations, report, summary, watch
from .rows import ROWS

PARTS = (*summary.PARTS, "watch", "micro", "summary")
"""Those of the summary run one after the other where none is named."""
PRIORITY = -10
"""What servers and load get where they may, so that other programs disturb them less."""


async def _parts(asked: argparse.Namespace, console: Console) -> None:
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if asked.part == "watch":
        async with asyncio.timeout(watch.LIMIT):
            await watch.main(console)
        return
    everything = asked.part is None and asked.load == "phones"
    if everything or asked.part == "calls" or asked.load == "sipp":
        rows = [row for row in ROWS if row.name in asked.rows]
        keep = rows == list(ROWS) and asked.servers == list(calls.SIDES) and not asked.quick
        measure = calls_sipp.main if asked.load == "sipp" else calls.main
        async with asyncio.timeout(calls.LIMIT):
            await measure(console, asked.servers, rows, calls.QUICK if asked.quick else calls.FULL, keep)
    if everything or asked.part == "media":
        async with asyncio.timeout(media.LIMIT):
            await media.main(console, media.CALLS[1:2] if asked.quick else asked.at)
    if everything or asked.part == "held":
        async with asyncio.timeout(held.LIMIT):
            await held.main(console, quick=asked.quick)
    if (everything and not asked.quick) or asked.part == "registrations":
        async with asyncio.timeout(registrations.LIMIT):
            await registrations.main(console)
    if everything or asked.part == "growth":
        async with asyncio.timeout(growth.LIMIT):
            await growth.main(console, quick=asked.quick)
    if not asked.quick:
        sheet = summary.write()
        if everything:
            report.show(console, sheet)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("part", nargs="?", choices=PARTS, help="only this")
    parser.add_argument("--servers", nargs="+", choices=list(calls.SIDES), default=list(calls.SIDES), help="of calls")
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", "--members", nargs="+", choices=names, default=names, help="of calls")
    parser.add_argument("--with", dest="load", choices=("phones", "sipp"), default="phones", help="who calls")
    parser.add_argument("--quick", action="store_true", help="less of it; nothing is kept")
    parser.add_argument("--at", nargs="+", type=int, default=media.CALLS, help="media at these numbers of calls")
    return parser.parse_args()


@contextmanager
def _alone(console: Console) -> Iterator[None]:
    """Two benches at a time would measure each other: the second one waits."""
    with (Path(gettempdir()) / "ringdove-bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("another bench is running on this machine; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    try:
        arguments, terminal = _asked(), Console()
        if arguments.part == "micro":  # the least of many rounds, so others do no harm
            micro.run(terminal)
            sys.exit()
        if arguments.part == "summary":
            report.show(terminal, summary.write())
            sys.exit()
        with _alone(terminal):
            uvloop.run(_parts(arguments, terminal))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped")
