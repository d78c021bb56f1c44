"""What watching costs: the same calls to servers that differ in one setting, in turn, and as ratios to the first.

`python -m bench watch`, about two minutes. Every server is a process of its own on the same core, idle while another is
measured.
"""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from . import load, report
from .phones import Phones, wide_socket
from .process import on_core, running
from .server import LOGIN, SERVE, number_of, settings

LIMIT = 240
TURNS = 5
CALLERS = 8
COUNT, EVERY = 80, 0.03
"""Calls of one turn, and seconds from one to the next."""
RINGING = 3
"""Members that each call rings."""
NOTHING = {"RINGDOVE_LADDER": "0", "RINGDOVE_LOG_LEVEL": "error"}
RESULTS = Path(__file__).with_name("results") / "watch.md"


async def main(console: Console) -> None:
    """Measure, show, and keep what came out."""
    around = report.surroundings()
    with ExitStack() as parts:
        data = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
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
        servers = {
            name: parts.enter_context(running([*SERVE, str(data / name)], data / f"log of {name}", LOGIN | extra))
            for name, extra in watched.items()
        }
        parts.enter_context(on_core(-1))
        loop, costs = asyncio.get_running_loop(), {name: [] for name in servers}
        sides = {}
        for name, server in servers.items():
            address = server.address("TCP: ")
            _, phones = await loop.create_datagram_endpoint(lambda at=address: Phones(at, (9, 9)), sock=wide_socket())
            callers = sides[name] = phones, await settings(server, phones, [RINGING], CALLERS)
            for _ in range(load.WARM_UP):
                await phones.dial(callers[1][0], number_of(RINGING))
        for _ in range(TURNS):
            for name, server in servers.items():
                phones, callers = sides[name]
                batch, _ = await load.calls(server, phones, callers, number_of(RINGING), COUNT, EVERY)
                costs[name].append(batch.cpu)
    plain = costs["nothing"]
    rows = []
    for name, cost in costs.items():
        ratios = [ours / least for ours, least in zip(cost, plain, strict=True)]
        rows.append((name, report.spread([1000 * cpu for cpu in cost]), report.spread(ratios)))
    title = f"CPU of a call that rings {RINGING} phones, {TURNS} times {COUNT} calls, by what is watched"
    sheet = report.Sheet(title, ("watched", "ms of a call", "ratio to nothing"), rows)
    report.write(RESULTS, "The latest run of `python -m bench watch`", [sheet, around])
    report.show(console, sheet)
