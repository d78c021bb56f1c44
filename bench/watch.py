"""What watching costs: the same calls to servers that differ in one setting, in turn, and as ratios to the first.

`python -m bench watch`, about two minutes. Every server is a process of its own on the same core, idle while another is
measured.
"""

import socket
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from . import report, side_ringdove
from .calls import WARM_UP, run
from .process import on_core
from .rows import Row
from .sides import phones

LIMIT = 240
TURNS = 5
CALLERS = 32
COUNT = 80
"""Calls of one turn."""
ROW = Row("watched", "3 members", 3, 33)
NOTHING = {"RINGDOVE_LADDER": "0", "RINGDOVE_LOG_LEVEL": "error"}
RESULTS = Path(__file__).with_name("results") / "watch.md"


async def main(console: Console) -> None:
    """Measure, show, and keep what came out."""
    around = report.surroundings()
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
        collector = parts.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        collector.bind(("127.0.0.1", 0))  # nobody reads it: what does not fit is dropped
        hep = f"127.0.0.1:{collector.getsockname()[1]}"
        watched = {
            "nothing": NOTHING,
            "ladder": NOTHING | {"RINGDOVE_LADDER": "100"},
            "HEP": NOTHING | {"RINGDOVE_HEP": hep},
            "log_level=info": NOTHING | {"RINGDOVE_LOG_LEVEL": "info"},
            "log_level=debug": NOTHING | {"RINGDOVE_LOG_LEVEL": "debug"},
            "by default": {},
        }
        parts.enter_context(on_core(-1))
        load = await parts.enter_async_context(phones())
        servers, costs = {}, {name: list[float]() for name in watched}
        for name, settings in watched.items():
            (home := folder / name).mkdir()
            server = await parts.enter_async_context(side_ringdove.up(home, load, [ROW], CALLERS, settings))
            await run(load, server, ROW, ROW.rate, WARM_UP)
            servers[name] = server
        for _ in range(TURNS):
            for name, server in servers.items():
                costs[name].append((await run(load, server, ROW, ROW.rate, COUNT)).cpu)
    plain = costs["nothing"]
    rows: list[report.Row] = []
    for name, cost in costs.items():
        ratios = [ours / least for ours, least in zip(cost, plain, strict=True)]
        rows.append((name, report.spread([1000 * cpu for cpu in cost]), report.spread(ratios)))
    title = f"CPU of a call that rings {ROW.title}, {TURNS} times {COUNT} calls, by what is watched"
    sheet = report.Sheet(title, ("watched", "ms of a call", "ratio to nothing"), rows)
    report.write(RESULTS, "The latest run of `python -m bench watch`", [sheet, around])
    report.show(console, sheet)
