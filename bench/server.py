"""Ringdove as the server that is loaded: how it is started, and extensions of it."""

import sys
from pathlib import Path

from ringdove.client import Client

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


async def extension(api: Client, number: str) -> tuple[int, Login]:
    """Make one; its id, and what its phone is set up with."""
    made = await api.post("extension/create", {"number": number})
    login = (await api.get("extension/getpassword", id=made["id"]))["data"]
    return made["id"], Login(number, login["reg_name"], login["reg_password"])
