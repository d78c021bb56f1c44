"""One soak from start to end: start the server, let them live, let all of it end, and see what is left."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog

from ringdove.client import Client

from .accounts import Accounts, Outage, Stall, audit
from .device import Device
from .ledger import Ledger
from .life import Life
from .network import Weather
from .server import BOUNDS, Held, Server
from .vitals import Sample
from .world import NOBODY, World, build

_EVERY = 1.0
"""Seconds between two looks at the server."""
_GHOSTS = 45.0
"""Seconds within which every call is over once nobody wants it: those of vanished phones take 32 s (64*T1)."""
_REMAINS = 105.0
"""Seconds within which the subscriptions of phones that vanished have ended, after 60 s, and the NOTIFY of that was not
answered, for 32 s (64*T1). The transactions of the last calls are over long before.
"""
_HURRY = 6.0
"""Both of them where nothing has to time out."""
_STALL = 0.2
"""Seconds of waiting for the machine that are told."""
_EXCUSED = 10.0
"""Seconds after a restart in which the interface and registrations may fail."""
_BOUND = {"transactions", "timers", "tasks"}
"""What ends with transactions only, and is not judged where these are not waited for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted: seconds of life, calls per second, share of datagrams lost. `hurried` waits for no timeout."""

    seed: int
    seconds: float = 600.0
    rate: float = 4.0
    people: int = 40
    loss: float = 0.01
    kill: bool = False
    hurried: bool = False


@dataclass
class Soak:
    """A run, as it stands."""

    plan: Plan
    phase: str = "starting the server"
    ends_at: float = 0.0
    """When the phase is over at the latest, monotonic; 0 where that is not known."""
    samples: list[Sample] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    weather: Weather = field(init=False)
    life: Life | None = None
    accounts: Accounts = field(default_factory=Accounts)
    before: Held | None = None
    after: Held | None = None
    outages: list[Outage] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    logged: Counter[str] = field(default_factory=Counter)
    """What stands in the server's log, by level and event."""
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.weather = Weather(Random(self.plan.seed), loss=self.plan.loss)

    def interrupt(self) -> None:
        """End it early, in good order."""
        if self.life is not None:
            self.life.end()

    async def run(self, folder: Path) -> None:
        """Do all of it, in a folder that is empty."""
        structlog.configure(
            processors=[structlog.processors.format_exc_info, self._hear_phones],
            wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        )
        server = Server(folder)
        await asyncio.to_thread(server.start)
        try:
            await self._live(server)
        finally:
            server.stop()
            self._read_log(server)

    def leaks(self) -> Iterator[tuple[str, str, int, int, bool | None]]:
        """What the server held before the first phone came and after the last had gone, each with its kind of `Held`.

        Last comes whether that is right; None where it cannot be judged.
        """
        if self.before is None or self.after is None:
            return
        for kind in ("gauges", "files"):
            before, after = getattr(self.before, kind), getattr(self.after, kind)
            for name in before:
                judged = not (self.plan.hurried and name in _BOUND)
                most = max(before[name], BOUNDS.get(name, 0))
                yield kind, name, before[name], after[name], after[name] <= most if judged else None

    async def _live(self, server: Server) -> None:
        plan = self.plan
        async with server.api() as api:
            self._enter("making extensions and groups")
            world = await build(api, self.weather.random, plan.people)
        await self._first_call(Device(world.guests[0], "tcp", server.sip, self.weather, self.ledger))
        self.before = await server.held()
        life = self.life = Life(world, server.sip, self.weather, self.ledger, plan.rate, gentle=plan.hurried)
        try:
            async with server.api() as api:
                await self._wake(life)
                with self._watched(server), self._killed(server, life):
                    self._enter("calls", plan.seconds)
                    await life.run(api, plan.seconds)
                await self._compare(life, api, world)
            await self._end(server, life)
        finally:
            await life.close()
        self.complaints += [*life.complaints, *life.post.complaints, *self.accounts.complaints]

    async def _first_call(self, device: Device) -> None:
        """Have one call, so that what the server makes when it first needs it is there; over TCP nothing lingers."""
        await device.switch_on(registered=False)
        assert device.phone is not None
        await device.phone.dial(NOBODY).over()
        await device.close()

    async def _wake(self, life: Life) -> None:
        self._enter("switching phones on")
        await life.wake()

    async def _compare(self, life: Life, api: Client, world: World) -> None:
        self._enter("the last calls end", _HURRY if self.plan.hurried else _GHOSTS)
        await life.calm(api)
        while self.ledger.open and time.monotonic() < self.ends_at:  # noqa: ASYNC110 - many lines, and a deadline
            await asyncio.sleep(0.1)
        self._enter("comparing the books")
        self.accounts = await audit(api, world, self.ledger, life.post, self.weather.lost_of, self.outages, self.stalls)

    async def _end(self, server: Server, life: Life) -> None:
        self._enter("transactions end", _HURRY if self.plan.hurried else _REMAINS)
        await self._until_given_back(server, "gauges")
        await life.close()
        self._enter("connections close", _HURRY)
        await self._until_given_back(server, "files")

    async def _until_given_back(self, server: Server, kind: str) -> None:
        """Until the server holds no more of these than before, or time is up."""
        while True:
            self.after = await server.held()
            if all(right is not False for of, *_, right in self.leaks() if of == kind):
                return
            if time.monotonic() > self.ends_at:
                return
            await asyncio.sleep(_EVERY)

    def _enter(self, phase: str, seconds: float = 0.0) -> None:
        self.phase, self.ends_at = phase, time.monotonic() + seconds if seconds else 0.0

    @contextmanager
    def _watched(self, server: Server) -> Iterator[None]:
        """Look at the server meanwhile."""
        began = time.monotonic()

        async def look() -> None:
            waited = server.waited()
            while True:
                with suppress(OSError):  # it is being restarted
                    before, waited = waited, server.waited()
                    self._note_stall(waited - before)
                    calls = len(self.ledger.outgoing())
                    self.samples.append(Sample(time.monotonic() - began, server.memory(), calls))
                due = time.monotonic() + _EVERY
                await asyncio.sleep(_EVERY)
                self._note_stall(time.monotonic() - due)

        task = asyncio.create_task(look())
        try:
            yield
        finally:
            task.cancel()

    def _note_stall(self, seconds: float) -> None:
        if seconds > _STALL:
            self.stalls.append(Stall(time.time(), seconds))

    @contextmanager
    def _killed(self, server: Server, life: Life) -> Iterator[None]:
        """Kill the server half way through, if that is wanted."""

        async def kill() -> None:
            await asyncio.sleep(self.plan.seconds / 2)
            life.excuse(self.plan.seconds)
            killed = time.time()
            server.kill()
            await asyncio.to_thread(server.start)
            self.outages.append(Outage(killed, time.time()))
            life.excuse(_EXCUSED)

        task = asyncio.create_task(kill()) if self.plan.kill else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()

    def _hear_phones(self, _: object, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """What goes wrong in the phones, which log as the server does, being made of the same parts."""
        self.complaints.append(f"a phone: {entry['event']} {entry.get('exception', '')}".rstrip())
        raise structlog.DropEvent

    def _read_log(self, server: Server) -> None:
        for entry in server.log():
            level, event = entry.get("level", "error"), entry.get("event", "")
            self.logged[f"{level}: {event}"] += 1
            if level in ("error", "critical"):
                self.complaints.append(f"the server's log: {event} {entry.get('exception', '')}".rstrip())
