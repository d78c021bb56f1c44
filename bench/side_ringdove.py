"""Ringdove itself: `ringdove serve` with its settings as they are by default, members registered."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version as version_of
from pathlib import Path

from ringdove.client import Client
from ringdove.settings import HostPort

from .process import running
from .rows import CALLERS, Row, caller_numbers, member_numbers
from .server import LOGIN, SERVE, extensions
from .sides import Phones, Up
from .task import Task

MUSIC = "default"
"""A playlist that is built in."""

name = "Ringdove"


def version() -> str:
    """Its own."""
    return version_of("ringdove")


def rows(rows: Sequence[Row]) -> list[Row]:
    """All."""
    return list(rows)


@asynccontextmanager
async def up(
    folder: Path, load: Phones, rows: Sequence[Row], callers: int = CALLERS, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Up]:
    """Have it run, with these settings in its environment."""
    (data := folder / "ringdove").mkdir()
    those_who_call = await extensions(data, caller_numbers(callers))
    members = await extensions(data, member_numbers(max(row.members for row in rows)))
    with running([*SERVE, str(data)], folder / "log-ringdove", {**LOGIN, **(settings or {})}) as process:
        address = process.address("TCP: ")
        async with Client(HostPort(*process.address("http://")), *LOGIN.values()) as api:
            for row in rows:
                await api.post("ringgroup/create", _group(row))
        await load.do(Task(address, phones=members))
        yield Up(process, address, those_who_call)


def _group(row: Row) -> dict[str, object]:
    """The ring group of a row."""
    return {
        "name": f"row {row.name}",
        "number": row.number,
        "ring_strategy": row.strategy,
        "member_list": [{"value": number, "type": "extension"} for number in member_numbers(row.members)],
        "ring_timeout": 30,
        "fail_dest": "end_call",
        "welcome_prompt": MUSIC if row.music else "",
    }
