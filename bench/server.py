"""Ringdove as the server that is loaded: how it is started, and extensions of it."""

import sys
from collections.abc import Iterable
from pathlib import Path

from .house import House
from .words import Login

LOGIN = {"RINGDOVE_CLIENT_ID": "bench", "RINGDOVE_CLIENT_SECRET": "a-secret-of-the-bench"}
SERVE = [
    str(Path(sys.executable).with_name("ringdove")),
    "serve",
    "--http",
    "127.0.0.1:0",
    "--sip",
    "127.0.0.1:0",
    "--data",
]


async def extensions(data: Path, numbers: Iterable[str]) -> list[Login]:
    """Write extensions where the server will find them when it starts: over the API it would take longer than what is
    measured. The id of each is its number.
    """
    async with House.at(data) as house:
        return await house.extensions(numbers)
