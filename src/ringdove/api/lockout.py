"""Addresses that fail to log in too often have to wait."""

import asyncio
import ipaddress
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ringdove.api.errors import Refusal

FAILURES = 5
SECONDS = 600
_MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class _Record:
    failures: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES))
    blocked_until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Lockout:
    """Five failed logins from one address within ten minutes block it for ten minutes (70004).

    An IPv6 network of 64 bits counts as one address. The number of addresses remembered is bounded; the ones heard of
    longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()

    @asynccontextmanager
    async def attempt(self, host: str, now: float) -> AsyncIterator[None]:
        """Let one login be tried; a Refusal that comes out of it counts as a failure.

        Attempts of one address go one after the other, so that many at once are no way round the count. Raises
        Refusal while the address is blocked.
        """
        record = self._record(_source(host))
        async with record.turn:
            if now < record.blocked_until:
                raise Refusal.blocked(math.ceil(record.blocked_until))
            try:
                yield
            except Refusal:
                self._failed(record, now)
                raise
            record.failures.clear()

    def _failed(self, record: _Record, now: float) -> None:
        record.failures.append(now)
        if len(record.failures) == FAILURES and record.failures[0] > now - SECONDS:
            record.blocked_until = now + SECONDS
            record.failures.clear()

    def _record(self, source: str) -> _Record:
        record = self._records.setdefault(source, _Record())
        self._records.move_to_end(source)
        if len(self._records) > _MOST_ADDRESSES:
            self._records.popitem(last=False)
        return record


def _source(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
