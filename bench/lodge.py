"""Ringdove with a house of its own: what `held` and `growth` call. Settings are those by default unless they say so."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ringdove.ring.plan import Strategy

from .house import House
from .process import running
from .server import LOGIN, SERVE
from .sides import Phones, Up
from .task import Task

Furnish = Callable[[House], Awaitable[None]]
"""Puts more into a house."""


@dataclass(frozen=True)
class Lodge(Up):
    """A server that is ready. `started`: the seconds until it said so."""

    started: float


@asynccontextmanager
async def lodge(
    data: Path,
    load: Phones,
    groups: Mapping[str, Sequence[str]],
    callers: Sequence[str],
    furnish: Furnish | None = None,
    settings: Mapping[str, str] | None = None,
    strategy: Strategy = Strategy.RING_ALL,
) -> AsyncIterator[Lodge]:
    """Have it run with these callers, and with these groups, the members of which register at the load."""
    members = list(dict.fromkeys(one for those in groups.values() for one in those))
    async with House.at(data) as house:
        those_who_call = await house.extensions(callers)
        phones = await house.extensions(members)
        await house.ring_groups(groups, strategy)
        if furnish:
            await furnish(house)
    began = time.monotonic()
    with running([*SERVE, str(data)], data / "log", {**LOGIN, **(settings or {})}) as process:
        started = time.monotonic() - began
        address = process.address("TCP: ")
        await load.do(Task(address, phones=phones))
        yield Lodge(process, address, those_who_call, started)
