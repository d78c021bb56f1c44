"""One database behind a few threads: consistent reads, and writes that are durable before they return (ADR 0021)."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from ringdove.store.memory import Memory

T = TypeVar("T")
Work = Callable[[Connection], T]
"""What is done in a transaction, in a thread: plain code that touches nothing but the connection and what it made."""

_ATTEMPTS = 3
_READERS = 2
"""So that a long list holds up nobody else."""
_REMEMBERED = 20_000
"""Answers to queries of settings; about 1 kB each."""
_TRY_AGAIN = {"40001", "40P01"}  # serialization_failure, deadlock_detected

# WAL lets reads go on during a write; FULL makes a commit reach the disk before it is acknowledged.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000")


class Database:
    """Runs work in transactions, each as a whole in one thread: one write at a time, and reads beside it.

    `memory` is what was read of the settings since they changed last. Elsewhere than on SQLite other nodes may write:
    there nothing is remembered (ADR 0019), and transactions are SERIALIZABLE, repeated where needed.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database:
            _make_private(Path(parsed.database))
        self._engine = create_engine(url, hide_parameters=True)  # errors are logged
        self._to_write = self._engine.execution_options(
            **({"ringdove_writes": True} if sqlite else {"isolation_level": "SERIALIZABLE"})
        )
        self.memory = Memory(_REMEMBERED if sqlite else 0)
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._written_over: Connection | None = None
        """Kept, as taking one from the pool costs more than a small write; after a loss it connects anew by itself."""
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")
        if sqlite:
            event.listen(self._engine, "connect", _prepare)
            event.listen(self._engine, "begin", _begin)

    async def read(self, work: Work[T]) -> T:
        """Do `work` in a transaction that sees one state of the database and changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Work[T], *, settings: bool = True) -> T:
        """Do `work` as one transaction: all of it is on disk when this returns, or none of it.

        `work` can be run again when another transaction got in between, so it changes nothing but the database.
        `settings` is False where it touches nothing that is remembered. Who is cancelled does not learn whether it was
        done.
        """
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work, settings)

    async def close(self) -> None:
        """Finish what is under way, and close every connection."""
        await asyncio.to_thread(self._close)

    def _read(self, work: Work[T]) -> T:
        with self._engine.begin() as conn:
            return work(conn)

    def _write(self, work: Work[T], settings: bool) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                conn = self._written_over = self._written_over or self._to_write.connect()
                with conn.begin():
                    return work(conn)
            except IntegrityError:
                # Somebody else was quicker; the second look tells what exactly is taken or gone.
                if attempt == _ATTEMPTS:
                    raise
            except DBAPIError as failure:
                if attempt == _ATTEMPTS or getattr(failure.orig, "sqlstate", "") not in _TRY_AGAIN:
                    raise
            finally:
                if settings:
                    self.memory.forget()  # whatever was said: a commit that failed may have succeeded
        raise AssertionError("unreachable")

    def _close(self) -> None:
        for threads in (self._readers, self._writer):
            threads.shutdown()
        if self._written_over is not None:
            self._written_over.close()
        self._engine.dispose()


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
