"""`ringdove serve`: a node in the foreground."""

import asyncio
import signal

from rich.console import Console

from ringdove.app import Node
from ringdove.demo.data import add_sample_data
from ringdove.settings import Settings

from .logs import configure

DRAIN_SECONDS = 30.0


async def run(settings: Settings, *, sample_data: bool) -> None:
    """Serve until SIGTERM or SIGINT; the first drains, a second one ends at once."""
    configure()
    out = Console(highlight=False)
    node = Node(settings)
    await node.start()
    try:
        if sample_data and await add_sample_data(node.store):
            out.print("sample data added: extensions 3071, 3074, 3075 and more; `extension/list` names them")
        if (made := node.new_application) is not None:
            out.print(f"API application made, shown once: username {made.client_id}  password {made.client_secret}")
        out.print(f"ringdove is ready: API and /docs at http://{node.http}  SIP at {node.sip} (UDP, TCP)")
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()
        stop.clear()
        draining = loop.create_task(node.drain(DRAIN_SECONDS))
        impatient = loop.create_task(stop.wait())
        if node.switchboard.running:
            out.print(f"waiting for {node.switchboard.running} running calls, at most {DRAIN_SECONDS:.0f} s")
        await asyncio.wait([draining, impatient], return_when=asyncio.FIRST_COMPLETED)
        impatient.cancel()
    finally:
        await node.stop()
