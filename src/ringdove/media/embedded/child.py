"""Starting the child process, talking to it, ending it."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import structlog

from ringdove.media.embedded.wire import Command, Report, encode, read_reports

log = structlog.get_logger(__name__)

LONGEST_REPORT = 1_048_576
PATIENCE = 2.0
"""Seconds that a child gets to end by itself."""
HANGS = 5.0
"""Seconds without a word after which a child is taken for stuck and killed; it says that it lives about once a
second.
"""
AGAIN = 1.0
"""Seconds that it gets after that: should it be us who stood still, what it said meanwhile is there at once."""
COMPANY = 0.1
"""Seconds that a command with time waits for others: to wake the child costs more than what most of them ask of it."""


class Child(asyncio.Protocol):
    """One life of the child process. It ends when it is told to, when it dies, and when this process does."""

    def __init__(self, hear: Callable[[Report], None]) -> None:
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._process: asyncio.subprocess.Process
        self._transport: asyncio.Transport
        self._commands: list[Command] = []
        """What is to be said; one system call takes it all."""
        self._is_due = False
        """It is said at the end of this turn of the loop."""
        self._waits = False
        """It is said when COMPANY is over."""
        self._inbox = b""
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._heard_at = self._loop.time()
        self._alarm: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, host: str, silence: float, grace: float, hear: Callable[[Report], None]) -> "Child":
        """Start one, which is heard by `hear` from now on; raises OSError when the system does not let us."""
        child = cls(hear)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "ringdove.media.embedded",
                    *(str(theirs.fileno()), host, str(silence), str(grace)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            await child._loop.create_unix_connection(lambda: child, sock=ours)
        except BaseException:
            ours.close()
            raise
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, command: Command, *, has_time: bool = False) -> None:
        """Say this at the end of this turn of the loop or, if it has time, with what is to be said next, soon anyway.

        What a dying child does not read is lost, and said again to the next one.
        """
        self._commands.append(command)
        if has_time:
            if not self._waits:
                self._waits = True
                self._loop.call_later(COMPANY, self._waited)
        elif not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._flush)

    async def over(self) -> None:
        """Return when it is gone. Raises what `hear` raised, or what was wrong with its words."""
        await self._over

    async def end(self) -> None:
        """Close its input, which ends it; kill it if that does not, or if nobody waits for it to do so."""
        self._transport.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._process.wait()
        finally:
            self._transport.abort()  # what it did not read keeps the connection open
            self._kill()
        await self._process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self._alarm = self._loop.call_later(HANGS, self._mind)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._over.done():
            return
        self._heard_at = self._loop.time()
        try:
            self._inbox += data
            if len(self._inbox) > LONGEST_REPORT:
                raise ValueError("the media process says more than it should")
            *lines, self._inbox = self._inbox.split(b"\n")
            for line in lines:
                for report in read_reports(line):
                    self._hear(report)
        except Exception as error:
            self._over.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._alarm is not None:
            self._alarm.cancel()
        if not self._over.done():
            self._over.set_result(None)

    def _flush(self) -> None:
        self._is_due = False
        if self._commands and not self._transport.is_closing():
            self._transport.write(encode(self._commands))
        self._commands.clear()

    def _waited(self) -> None:
        self._waits = False
        self._flush()

    def _mind(self, again: bool = False) -> None:
        """Look whether it has said a word of late; kill it if it has not when this is asked again."""
        silent = self._loop.time() - self._heard_at
        if silent >= HANGS and again:
            log.warning("media_process_silent", pid=self.pid, seconds=round(silent, 1))
            self._kill()
        else:
            wait = AGAIN if silent >= HANGS else HANGS - silent
            self._alarm = self._loop.call_later(wait, self._mind, silent >= HANGS)

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
