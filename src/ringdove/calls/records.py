"""Brings the records of calls into the store: no call waits for the disk, and no record is lost with it (ADR 0008)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import structlog

from ringdove.model.story import Story
from ringdove.store.calls import Calls, Entry, Role, roles
from ringdove.store.errors import in_one_line

log = structlog.get_logger(__name__)


class Pace(NamedTuple):
    """How long a failure of the store makes us wait, in seconds: at first, and at most after doubling."""

    first: float = 0.25
    longest: float = 30.0


GATHERING = 0.02
"""Seconds that a record waits for others, with which it shares a transaction and its way to the disk."""
APART = 0.5
"""Seconds from one such transaction to the next: when there is much to write, more gathers."""
AT_ONCE = 100
"""Records that are written together; to tell so many stories takes a few milliseconds, and the calls wait so long."""
_PATIENCE = 30.0
"""Seconds that the store may take for them."""
_LAST_WORDS = 5.0
"""Seconds at the end for what is not written yet."""
MOST = 10_000
"""Records that wait for the store; beyond that the oldest goes to the log instead."""


@dataclass(eq=False, slots=True)
class _Record:
    story: Story
    is_over: bool
    has_failed: bool = False


class Records:
    """Writes what `save` and `finish` leave with it, those of a moment together.

    Of one call one record waits, and it is written as the call is by then; so its end is never written before its
    beginning, and a short call is written once. What the store refuses is tried again, less and less often, until it
    is written; new records meanwhile pass it by.
    """

    def __init__(self, calls: Calls, node: str, pace: Pace = Pace(), most: int = MOST) -> None:  # noqa: B008 - a value
        self._calls = calls
        self._node = node
        self._pace = pace
        self._most = most
        self._fresh: dict[str, _Record] = {}
        self._failed: dict[str, _Record] = {}
        self._told: dict[str, set[Role]] = {}
        """Who takes part in the running calls, as the store has it."""
        self._stride = 1
        """How many failed records to try together; if the store wants one of them not, it takes none."""
        self._written_at = -APART
        """When fresh records were taken to be written, on the loop's clock."""
        self._pause = pace.first
        self._again_at = 0.0
        """When to try a failed record again, on the loop's clock."""
        self._news = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    @contextmanager
    def record(self, story: Story) -> Iterator[None]:
        """Keep the record of a call that lives as long as the block."""
        self.save(story)
        try:
            yield
        finally:
            self.finish(story)

    def save(self, story: Story) -> None:
        """Have a running call written down soon, as it is then."""
        self._put(_Record(story, is_over=False))

    def finish(self, story: Story) -> None:
        """Have the call written down as a whole, begun before or not."""
        self._put(_Record(story, is_over=True))

    @property
    def waiting(self) -> int:
        """How many records wait for the store."""
        return len(self._fresh) + len(self._failed)

    def unwritten(self) -> list[Story]:
        """The calls that are over and not in the store yet."""
        return [record.story for record in (*self._failed.values(), *self._fresh.values()) if record.is_over]

    async def close(self, patience: float = _LAST_WORDS) -> None:
        """Write what waits; what the store does not take within `patience` seconds goes to the log."""
        self._closing = True
        self._pause, self._again_at = self._pace.first, 0.0
        self._news.set()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=patience)
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        for record in (*self._failed.values(), *self._fresh.values()):
            self._give_up(record)

    def _put(self, record: _Record) -> None:
        self._failed.pop(record.story.id, None)
        self._fresh[record.story.id] = record  # in the place of an earlier state, so that news of it do not delay it
        if len(self._failed) + len(self._fresh) > self._most:
            self._give_up(next(iter((self._failed or self._fresh).values())))
        self._news.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="call records")

    async def _write_all(self) -> None:
        while (batch := await self._next()) is not None:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._write(batch)
            except Exception as why:
                self._refused(batch, why)
            else:
                for record in batch:
                    self._forget(record)
                if batch[0].has_failed:
                    self._stride = min(AT_ONCE, 2 * self._stride)
                self._pause, self._again_at = self._pace.first, 0.0

    async def _next(self) -> list[_Record] | None:
        """Fresh records when they have gathered, failed ones after the pause; None where nothing is left at the end."""
        loop = asyncio.get_running_loop()
        while True:
            if self._fresh:
                if len(self._fresh) < AT_ONCE and not self._closing:
                    await asyncio.sleep(max(GATHERING, self._written_at + APART - loop.time()))
                self._written_at = loop.time()
                return list(islice(self._fresh.values(), AT_ONCE))
            if self._failed and loop.time() >= self._again_at:
                return list(islice(self._failed.values(), self._stride))
            if self._closing and not self._failed:
                return None
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._again_at if self._failed else None):
                    await self._news.wait()

    async def _write(self, batch: list[_Record]) -> None:
        entries, told = list[Entry](), dict[str, set[Role]]()
        for story, is_over in ((record.story, record.is_over) for record in batch):
            told[story.id] = people = roles(story)
            new = people - self._told.get(story.id, set())
            entries.append(Entry(story, None, new) if is_over else Entry(story.before_its_end(), self._node, new))
        await self._calls.save(entries)
        for record in batch:
            if record.is_over:
                self._told.pop(record.story.id, None)
            else:
                self._told[record.story.id] = told[record.story.id]

    def _refused(self, batch: list[_Record], why: Exception) -> None:
        error = in_one_line(why)
        for record in batch:
            if self._forget(record):  # else a later state of the call waits already
                self._failed[record.story.id] = record
            if not record.has_failed:
                record.has_failed = True
                log.warning("record_waits", call=record.story.id, error=error)
        self._stride = 1
        self._again_at = asyncio.get_running_loop().time() + self._pause
        self._pause = self._pace.first if self._closing else min(self._pace.longest, 2 * self._pause)

    def _forget(self, record: _Record) -> bool:
        """Take the record off the list; False where another has taken its place."""
        for waiting in (self._fresh, self._failed):
            if waiting.get(record.story.id) is record:
                del waiting[record.story.id]
                return True
        return False

    def _give_up(self, record: _Record) -> None:
        """The log is the last place; a mere beginning will be told by the end of the call."""
        self._forget(record)
        if record.is_over:
            self._told.pop(record.story.id, None)
            log.error("record_not_written", call=record.story.id, record=record.story.to_json())
