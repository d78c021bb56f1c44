"""The server that is called: how it is started, and who and what is set up in it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ringdove.client import Client
from ringdove.settings import HostPort

from .phones import Login, Phones
from .process import Measured

MEMBERS = (1, 3, 10, 50)
CALLERS = 24
"""How many calls there may be at a time, and how many there are for RTP."""
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


async def settings(
    server: Measured, phones: Phones, members: Sequence[int] = MEMBERS, callers: int = CALLERS
) -> list[Login]:
    """Make extensions and groups of so many members, register every phone; returns so many callers."""
    async with Client(HostPort(*server.address("http://")), *LOGIN.values()) as api:

        async def extension(number: int) -> tuple[int, Login]:
            made = await api.post("extension/create", {"number": str(number)})
            login = (await api.get("extension/getpassword", id=made["id"]))["data"]
            phone = Login(str(number), login["reg_name"], login["reg_password"])
            await phones.register(phone)
            return made["id"], phone

        those_who_call = [(await extension(1000 + number))[1] for number in range(callers)]
        ids = [(await extension(2000 + number))[0] for number in range(max(members))]
        for size in members:
            group = {"name": f"{size} members", "number": number_of(size), "ring_strategy": "ring_all"}
            listed = [{"value": str(id_), "type": "extension"} for id_ in ids[:size]]
            await api.post(
                "ringgroup/create", {**group, "member_list": listed, "ring_timeout": 30, "fail_dest": "end_call"}
            )
    return those_who_call


def number_of(members: int) -> str:
    """The number of the ring group with so many members."""
    return str(6000 + members)
