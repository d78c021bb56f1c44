"""What lists cost where they are longest, and whether calls wait meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from statistics import median

from ringdove.client import Client
from ringdove.settings import HostPort

from .growth_curves import Curve, Place
from .report import Row, ranks
from .server import LOGIN
from .sides import Phones

PAGE, WHOLE = 100, 10_000
"""A page as somebody looks at it, and the longest there may be, which is the default."""
TRIES = 3
PAUSE = 0.3
"""Seconds between two looks while calls come."""
RATE, CALLS = 30.0, 60


async def pages(curve: Curve, place: Place, load: Phones) -> AsyncIterator[Row]:
    """Lines of a table: which list, how long it is, which page, ms; INVITE to the first 18x meanwhile: p50, p99, ms."""
    if not curve.pages:
        return
    async with Client(HostPort(*place.server.process.address("http://")), *LOGIN.values()) as api:
        for path in curve.pages:
            total = int((await api.get(path, page_size=1))["total_number"])
            for name, page, size in (
                (f"first {PAGE}", 1, PAGE),
                (f"last {PAGE}", -(-total // PAGE), PAGE),
                (f"first {WHOLE}", 1, WHOLE),
            ):
                alone = median([await _look(api, path, page, size) for _ in range(TRIES)])
                looking = asyncio.create_task(_look_on(api, path, page, size))
                result = await load.do(place.task(RATE, CALLS))
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking
                yield path, str(total), name, f"{1000 * alone:.0f}", ", ".join(ranks(result.ringing))


async def _look(api: Client, path: str, page: int, size: int) -> float:
    began = time.monotonic()
    await api.get(path, page=page, page_size=size)
    return time.monotonic() - began


async def _look_on(api: Client, path: str, page: int, size: int) -> None:
    while True:
        await _look(api, path, page, size)
        await asyncio.sleep(PAUSE)
