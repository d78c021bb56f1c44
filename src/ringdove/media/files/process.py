"""Starting the process that works on one file, and waiting for its answer. All that the server loads of it."""

import asyncio
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from weakref import WeakKeyDictionary

import structlog

from ringdove.media.files.wire import Answer, Failed, Refused, Rendered, Transcoded, read

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""So many transcodings, and so many renderings, run at the same time; more wait for their turn."""
PATIENCE = {"transcode": 300.0, "render": 3600.0}
"""Seconds until a process is given up; it gets what time the server leaves over."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[str, asyncio.Semaphore]] = WeakKeyDictionary()


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


async def render(tape: Path, into: Path, keep_quiet: float | None = None) -> float:
    """Make a WAV of a tape, which stays, and return its seconds: see `recordings.finish`. Raises ProcessFailed."""
    keep = () if keep_quiet is None else (str(keep_quiet),)
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
    async with _turn(errand):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ringdove.media.files",
            errand,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # decoders talk to themselves there
        )
        try:
            async with asyncio.timeout(PATIENCE[errand]):
                line, _ = await process.communicate()
        except TimeoutError:
            return Refused("takes too long to read")
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    if line:
        return read(line)
    died = process.returncode is not None and process.returncode < 0
    return Refused("makes the decoder fail") if died else Failed(f"the process ended with {process.returncode}")


def _turn(errand: str) -> asyncio.Semaphore:
    turns = _turns.setdefault(asyncio.get_running_loop(), defaultdict(lambda: asyncio.Semaphore(AT_ONCE)))
    return turns[errand]
