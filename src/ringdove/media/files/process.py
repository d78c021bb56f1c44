"""Starting the processes that work on files, and waiting for their answers. All that the server loads of it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from weakref import WeakKeyDictionary

import structlog

from ringdove.media.files.wire import Answer, Failed, Refused, Rendered, Transcoded, read

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""So many transcodings, and so many renderings, run at the same time; more wait for their turn."""
PATIENCE = {"transcode": 300.0, "render": 3600.0}
"""Seconds until a process is given up; it gets what time the server leaves over."""

_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, "_Desk"]] = WeakKeyDictionary()


class BrokenAudio(Exception):
    """A file cannot be used; the text is the reason, in words that follow its name."""


class ProcessFailed(OSError):
    """The work could not be done, and it is not the file's fault: a full disk, for instance."""


class ProcessFault(ProcessFailed):
    """The same, and it comes again with the same file."""


async def transcode(source: Path, folder: Path) -> Transcoded:
    """Make `folder`, which must not exist, the track of an audio file (see `media.codecs`), with the file itself in it
    as `original.` and what it really is. Raises BrokenAudio, ProcessFailed; what is in the folder then is worthless.
    """
    answer = await _answer("transcode", str(source), str(folder))
    if isinstance(answer, Refused):
        raise BrokenAudio(answer.reason)
    if not isinstance(answer, Transcoded):
        raise _failure(answer, f"{source.name} was not transcoded: {answer}")
    return answer


async def render(tape: Path, into: Path, keep_silence: float | None = None) -> float:
    """Make a WAV of a tape, which stays, and return its seconds: see `recordings.finish`. Raises ProcessFailed."""
    keep = () if keep_silence is None else (str(keep_silence),)
    answer = await _answer("render", str(tape), str(into), *keep)
    if not isinstance(answer, Rendered):
        raise _failure(answer, f"{into.name} was not rendered: {answer}")
    if answer.silenced:
        log.warning("Opus cannot be recorded: silence stands for it", file=into.name, packets=answer.silenced)
    return answer.seconds


def _failure(answer: Answer, words: str) -> ProcessFailed:
    passes = isinstance(answer, Failed) and not answer.fault
    return ProcessFailed(words) if passes else ProcessFault(words)


async def _answer(errand: str, *words: str) -> Answer:
    desks = _desks.setdefault(asyncio.get_running_loop(), {})
    return await desks.setdefault(errand, _Desk(errand)).answer(*words)


class _Desk:
    """Has one errand done, each file in its turn.

    What a process loads takes it longer than a short file does, so it stays for as long as somebody waits, and no
    longer: at rest there is none.
    """

    def __init__(self, errand: str) -> None:
        self._errand = errand
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._ready: list[_Worker] = []

    async def answer(self, *words: str) -> Answer:
        """What a process answers to these words."""
        async with self._turn():
            worker = self._ready.pop() if self._ready else await _Worker.start(self._errand)
            stays = False
            try:
                async with asyncio.timeout(PATIENCE[self._errand]):
                    answer = await worker.answer(words)
                stays = worker.lives and self._waiting > len(self._ready)
            except TimeoutError:
                answer = Refused("takes too long to read")
            finally:
                if stays:
                    self._ready.append(worker)
                else:
                    await worker.end()
        return answer

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._turns.acquire()
        except asyncio.CancelledError:
            if len(self._ready) >= self._waiting:  # it has stayed for us
                await self._ready.pop().end()
            raise
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


class _Worker:
    """A process that works on one file after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        assert process.stdout is not None  # noqa: S101 - it was asked for
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self.lives = True

    @classmethod
    async def start(cls, errand: str) -> Self:
        """Start one."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ringdove.media.files",
            errand,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # decoders talk to themselves there
        )
        return cls(process)

    async def answer(self, words: Sequence[str]) -> Answer:
        """What it answers to these words; it lives no longer where it has nothing to say."""
        self._in.write(f"{json.dumps(words)}\n".encode())
        if line := await self._out.readline():
            return read(line)
        self.lives = False  # and that is not the file's fault, which is a child's business
        return Failed(f"the process ended with {await self._process.wait()}")

    async def end(self) -> None:
        """End it, and what it does."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._in.close()
        await self._process.communicate()
