"""`make fuzz`: every target for a share of the time, then what is worth keeping into the corpus."""

import argparse
import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.live import Live
from rich.table import Table

from .corpus import CORPUS, FINDINGS, HERE, distil, lay_out
from .runs import Run
from .targets import NAMES

WORK = HERE.parents[1] / ".fuzz"
"""What was come upon so far: the next run goes on from there."""
DISTILLING = 20.0
"""Seconds for each target in which the shortest inputs are looked through."""


async def main(runs: list[Run], seconds: int, jobs: int, console: Console) -> None:
    """Fuzz, `jobs` targets at a time, and show how it goes."""
    places = asyncio.Semaphore(jobs)
    share = max(1, seconds * min(jobs, len(runs)) // len(runs))

    async def fuzz(run: Run, folder: Path) -> None:
        async with places:
            inputs, words = lay_out(run.name, folder)
            found = WORK / run.name
            for path in (found, FINDINGS / run.name):
                path.mkdir(parents=True, exist_ok=True)
            options = ["--stretch", f"-max_total_time={share}", f"-dict={words}"]
            await run.go(FINDINGS / run.name, options, [found, inputs])
            run.state = "distils"
            await asyncio.to_thread(_distil, run.name)
            run.state = "ended"

    with TemporaryDirectory(prefix="ringdove-fuzz-") as folder, Live(console=console, refresh_per_second=2) as live:
        async with asyncio.TaskGroup() as group:
            work = [group.create_task(fuzz(run, Path(folder, run.name))) for run in runs]
            while not all(task.done() for task in work):
                live.update(_table(runs))
                await asyncio.wait(work, timeout=0.5)
        live.update(_table(runs))
    if not console.is_terminal:
        console.print()  # Live ends its last line on terminals only


def _distil(name: str) -> None:
    distil(name, WORK / name, DISTILLING)


def _table(runs: list[Run]) -> Table:
    table = Table("target", "", *("executions", "coverage", "features", "inputs", "findings"))
    for column in table.columns[2:]:
        column.justify = "right"
    for run in runs:
        numbers = (run.executions, run.coverage, run.features, run.inputs, len(run.findings))
        style = "red" if run.failed else None
        table.add_row(run.name, run.state, *(f"{number:,}" for number in numbers), style=style)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *NAMES], help="all by default")
    parser.add_argument("--seconds", type=int, default=600, help="of fuzzing in all")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="targets at a time")
    arguments = parser.parse_args()
    if find_spec("atheris") is None:
        sys.exit("atheris has no wheel for this Python and machine (tests/fuzz/README.md)")
    chosen = [Run(name) for name in arguments.targets or NAMES]
    screen = Console()
    try:
        asyncio.run(main(chosen, arguments.seconds, arguments.jobs, screen))
    except KeyboardInterrupt:
        sys.exit("stopped")
    for one in chosen:
        for finding in one.findings:
            screen.print(f"[red]{one.name}[/] {finding}", soft_wrap=True)
        if one.exit_code:
            screen.print(f"[red]{one.name}[/] ended with {one.exit_code}:", *one.last_words, sep="\n", markup=False)
    screen.print(f"Kept in {CORPUS.relative_to(HERE.parents[1])}, findings in {FINDINGS.relative_to(HERE.parents[1])}")
    sys.exit(any(one.failed for one in chosen))
