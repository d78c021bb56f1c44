"""One database behind an async engine: consistent reads, and writes that are durable before they return."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ringdove.store.memory import Memory

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

_ATTEMPTS = 3
_REMEMBERED = 20_000
"""Answers to queries of settings; about 1 kB each."""
_TRY_AGAIN = {"40001", "40P01"}  # serialization_failure, deadlock_detected

# WAL lets reads go on during a write; FULL makes a commit reach the disk before it is acknowledged.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000")


class Database:
    """Runs work in transactions. On SQLite one writer at a time; elsewhere SERIALIZABLE, repeated where needed."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        if self._sqlite and parsed.database not in (None, "", ":memory:"):
            _make_private(Path(str(parsed.database)))
        self._engine: AsyncEngine = create_async_engine(url, hide_parameters=True)  # errors are logged
        self._writer = self._engine.execution_options(
            **({"ringdove_writes": True} if self._sqlite else {"isolation_level": "SERIALIZABLE"})
        )
        self._turn = asyncio.Lock()
        self.memory = Memory(_REMEMBERED if self._sqlite else 0)  # elsewhere other nodes may write (ADR 0019)
        if self._sqlite:
            event.listen(self._engine.sync_engine, "connect", _prepare)
            event.listen(self._engine.sync_engine, "begin", _begin)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees one state of the database and changes nothing."""
        async with self._engine.connect() as conn, conn.begin():
            yield conn

    async def write(self, work: Work[T], *, settings: bool = True) -> T:
        """Do `work` as one transaction: all of it is on disk when this returns, or none of it.

        `work` can be run again when another transaction got in between, so it changes nothing but the database.
        `settings` is False where it touches nothing that is remembered.
        """
        return await asyncio.shield(self._change_settings(work)) if settings else await self._write(work)

    async def _change_settings(self, work: Work[T]) -> T:
        """A commit can succeed where waiting for it failed, so what was remembered goes whatever happens."""
        try:
            return await self._write(work)
        finally:
            self.memory.forget()

    async def _write(self, work: Work[T]) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._turn if self._sqlite else _no_turn(), self._writer.begin() as conn:
                    return await work(conn)
            except IntegrityError:
                # Somebody else was quicker; the second look tells what exactly is taken or gone.
                if attempt == _ATTEMPTS:
                    raise
            except DBAPIError as failure:
                if attempt == _ATTEMPTS or getattr(failure.orig, "sqlstate", "") not in _TRY_AGAIN:
                    raise
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


@asynccontextmanager
async def _no_turn() -> AsyncIterator[None]:
    yield


def _make_private(file: Path) -> None:
    """Make a database that only its owner reads, for it holds passwords; SQLite gives its side files the same mode."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: _begin says of which kind they are.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(conn: Connection) -> None:
    # A transaction that reads before it writes must hold the write lock from its start, or its reads may be stale.
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("ringdove_writes") else "BEGIN")
