"""Addresses that fail to log in too often have to wait."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from ringdove.api.errors import Refusal
from ringdove.guard.bans import BanRules, Bans
from ringdove.guard.sources import source_of

FAILURES = 5
SECONDS = 600


class Lockout:
    """Five failed logins from one address within ten minutes block it for ten minutes (70004).

    An IPv6 network of 64 bits counts as one address. The number of addresses remembered is bounded; the ones heard of
    longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self.bans = Bans(BanRules(failures=FAILURES, window=SECONDS, first=SECONDS, longest=SECONDS))
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, host: str, now: float, name: str = "") -> AsyncIterator[None]:
        """Let one login, in this name, be tried; a Refusal that comes out of it counts as a failure.

        Attempts of one address go one after the other, so that many at once are no way round the count. Raises
        Refusal while the address is blocked.
        """
        source = source_of(host)
        turn = self._turns.setdefault(source, asyncio.Lock())
        async with turn:
            if (ban := self.bans.of(source, now)) is not None:
                raise Refusal.blocked(math.ceil(ban.until))
            try:
                yield
            except Refusal:
                self.bans.failed(source, "login", name, now)
                raise
            self.bans.succeeded(source, name)
