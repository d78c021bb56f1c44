"""Starting the child process, talking to it, ending it."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

from ringdove.media.embedded.wire import Command, Report, encode, read_report

LONGEST_REPORT = 1_048_576
PATIENCE = 2.0
"""Seconds that a child gets to end by itself."""
HANGS = 5.0
"""Seconds without a word after which a child is taken for stuck and killed; it says that it lives about once a
second.
"""
AGAIN = 1.0
"""Seconds that it gets after that: should it be us who stood still, what it said meanwhile is there at once."""


class Child:
    """One life of the child process. It ends when it is told to, when it dies, and when this process does."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, host: str, silence: float, grace: float) -> "Child":
        """Start one; raises OSError when the system does not let us."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "ringdove.media.embedded",
                    *(str(theirs.fileno()), host, str(silence), str(grace)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LONGEST_REPORT)
        except BaseException:
            ours.close()
            raise
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, command: Command) -> None:
        """Queue a command; what a dying child does not read is lost, and said again to the next one."""
        if not self._writer.is_closing():
            self._writer.write(encode(command))

    async def reports(self) -> AsyncIterator[Report]:
        """What it says, until it is gone."""
        while line := await self._line():
            yield read_report(line)

    async def end(self) -> None:
        """Close its input, which ends it; kill it if that does not, or if nobody waits for it to do so."""
        self._writer.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    with suppress(ConnectionError):
                        await self._writer.wait_closed()
                    await self._process.wait()
        finally:
            self._writer.transport.abort()  # what it did not read keeps the connection open
            self._kill()
        await self._process.wait()

    async def _line(self) -> bytes:
        """The next whole line; empty at the end."""
        with suppress(ConnectionError):
            for patience in (HANGS, AGAIN):
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        line = await self._reader.readline()
                    return line if line.endswith(b"\n") else b""
            self._kill()
        return b""

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
