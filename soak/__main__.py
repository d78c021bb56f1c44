"""`python -m soak`: live for ten minutes, then say what is left of it. Exit status 1 where anything is wrong."""

import argparse
import asyncio
import secrets
import signal
import sys
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from bench.process import DidNotStart, on_core
from bench.report import show, surroundings, write
from rich.console import Console

from . import report
from .run import Plan, Soak
from .screen import Screen

LONGEST = 1500.0
RESULTS = Path(__file__).with_name("results") / "latest.md"


async def main(asked: argparse.Namespace) -> int:
    """Run, show, keep; returns the exit status."""
    console = Console()
    around = surroundings()
    plan = Plan(**{field.name: getattr(asked, field.name) for field in fields(Plan)})
    soak = Soak(plan)
    console.print(f"seed {plan.seed}")
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task
    loop.add_signal_handler(signal.SIGINT, soak.interrupt)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    with TemporaryDirectory(prefix="ringdove-soak-") as folder, on_core(-1), Screen(soak).live():
        await soak.run(Path(folder))
    around.rows.extend(report.plan(soak))
    shown = [*report.sheets(soak), around]
    for sheet in shown:
        show(console, sheet)
    failed = report.has_failed(soak)
    verdict = "Something is wrong." if failed else "Nothing is left, and every call is accounted for by both sides."
    console.print(verdict, style="bold red" if failed else "bold green")
    if asked.keep:
        write(asked.keep, "The latest run of `make soak`", shown, verdict)
    return int(failed)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long calls are made")
    parser.add_argument("--rate", type=float, default=4.0, help="calls per second")
    parser.add_argument("--people", type=int, default=40, help="how many have phones that ring")
    parser.add_argument("--loss", type=float, default=0.01, help="share of datagrams that are lost, each way")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="for the same kind of day again")
    parser.add_argument("--kill", action="store_true", help="kill the server half way, and start it again")
    parser.add_argument("--hurried", action="store_true", help="let nothing happen that has to time out, wait for none")
    parser.add_argument("--keep", type=Path, default=RESULTS, help="the file for the report")
    asked = parser.parse_args()
    if asked.seconds > LONGEST:
        parser.error(f"--seconds: at most {LONGEST:.0f}, as the token for the interface lasts half an hour")
    return asked


if __name__ == "__main__":
    try:
        sys.exit(uvloop.run(main(_asked())))
    except asyncio.CancelledError:
        sys.exit("stopped")
    except DidNotStart as why:
        sys.exit(str(why))
