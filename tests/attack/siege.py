"""A server under attack: what it costs the server, and what others notice of it."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from support.phones import Phone
from support.tower import Tower

from .floods import FLOODS
from .sender import HERE

GROUP = "6300"
ATTACKS = (*FLOODS, "crowd", "guesses", "churn", "silent", "slow")
GUESSER = "127.0.0.7"
"""Who gets banned."""
FOREIGN = "127.0.0.5"
"""Where the call comes from that nobody knows yet."""


@dataclass(frozen=True)
class Cost:
    """What a server holds."""

    rss: int
    """Octets."""
    tasks: int
    transactions: int
    """Of others."""
    dialogs: int
    timers: int


@dataclass(frozen=True)
class Called:
    """One call through the ring group; times are seconds from the INVITE with the password."""

    rang: float
    answered: float


class Siege:
    """A server as a process of its own, two people who call each other, and attackers."""

    def __init__(self, tower: Tower, caller: Phone, member: Phone) -> None:
        self.tower = tower
        self.caller = caller
        self.member = member

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **settings: Any) -> AsyncIterator["Siege"]:
        """Start a server with these settings, and register its people."""
        async with AsyncExitStack() as stack:
            tower = await stack.enter_async_context(Tower.open(folder / "data", **settings))
            phones = []
            for number in ("2001", "2002"):
                phone = await Phone.of(tower, await tower.extension(number))
                stack.push_async_callback(phone.close)
                assert (await phone.register(expires=7200)).status == 200
                phones.append(phone)
            await tower.ring_group(GROUP, [phones[1].person], ring_timeout=20)
            yield cls(tower, *phones)

    @asynccontextmanager
    async def attacked(self, attack: str, seconds: float, rate: float) -> AsyncIterator[dict[str, int]]:
        """While the block runs, for at least so long, somebody attacks; what they did stands there in the end."""
        host = GUESSER if attack == "guesses" else HERE
        sender = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "attack.sender", attack, str(self.tower.sip[1]), str(seconds), str(rate), host),
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONPATH": "."},
            stdout=asyncio.subprocess.PIPE,
        )
        done: dict[str, int] = {}
        try:
            yield done
            said, _ = await asyncio.wait_for(sender.communicate(), seconds + 30)
        finally:
            if sender.returncode is None:
                sender.kill()
                await sender.wait()
        done |= json.loads(said)

    async def call(self, caller: Phone | None = None) -> Called:
        """Let somebody call the ring group, and hang up again."""
        caller = caller or self.caller
        invite = await caller.dial(GROUP)
        began = time.monotonic()
        ringing = await self.member.rings()
        rang = time.monotonic() - began
        theirs = await self.member.pick_up(ringing)
        ours = await caller.answered(invite)
        answered = time.monotonic() - began
        bye = asyncio.create_task(self.member.hung_up())
        assert (await ours.bye()).status == 200
        await bye
        del theirs
        return Called(rang, answered)

    async def foreign_call(self) -> Called:
        """Let a phone call that has never been here before, at an address of its own."""
        phone = await Phone.of(self.tower, self.caller.person, at=FOREIGN)
        try:
            return await self.call(phone)
        finally:
            await phone.close()

    async def numbers(self) -> dict[str, float]:
        """What /metrics shows, the labels' values behind the names."""
        answer = await self.tower.http.get(f"http://{self.tower.http.base_url.netloc.decode()}/metrics")
        samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples]
        return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}

    async def cost(self) -> Cost:
        """What the server holds now."""
        numbers = await self.numbers()
        return Cost(
            rss=int(numbers["process_resident_memory_bytes"]),
            tasks=int(numbers["ringdove_tasks"]),
            transactions=int(numbers.get("ringdove_transactions server", 0)),
            dialogs=int(numbers["ringdove_dialogs"]),
            timers=int(numbers["ringdove_timers"]),
        )
