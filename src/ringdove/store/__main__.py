"""Bring a database up to date and end: what `migrate.upgrade_apart` starts. Its URL comes on standard input."""

import asyncio
import sys

from ringdove.store.store import Store


async def _open(url: str) -> None:
    await (await Store.open(url)).close()


asyncio.run(_open(sys.stdin.read()))
