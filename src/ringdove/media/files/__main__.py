"""`python -m ringdove.media.files transcode` and `… render`: one file after the other, each in a process of its own.

Standard input says which, a line of JSON for each: `["SOURCE", "FOLDER"]`, or `["TAPE", "WAV", "KEEP_QUIET"]`. Standard
output has the answers (see `wire`). What is needed is loaded once; then a child that is forked for a file limits itself
before it looks at that, and ends with it, so that a hostile one harms no other.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

from .wire import Answer, Failed, Refused, encode

MIB = 1_048_576
_PR_SET_PDEATHSIG = 1


class Limits(NamedTuple):
    """What a process may use of the machine."""

    memory: int
    """Octets of address space."""
    seconds: int
    """Of processor time."""
    file: int
    """Octets of each file that it writes."""


LIMITS = {
    "transcode": Limits(512 * MIB, 120, 512 * MIB),
    # a recording of many hours is mapped into memory; its pages are the file's
    "render": Limits(12_288 * MIB, 1200, 4096 * MIB),
}


def main() -> None:
    """Work on every file that is asked for. Signals meant for the whole process group are left to the parent, which may
    drain.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_with(os.getppid())
    os.nice(10)
    os.umask(0o077)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each takes address space, and nothing here needs them
    errand = sys.argv[1]
    work, here = _WORK[errand](), os.getpid()
    for line in sys.stdin:
        source, target, *more = json.loads(line)
        child = os.fork()
        if not child:
            _work_on(partial(work, Path(source), Path(target), *map(float, more)), LIMITS[errand], here)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print(encode(Refused("makes the decoder fail")), flush=True)
        elif status:
            print(encode(Failed(f"the process ended with {os.WEXITSTATUS(status)}")), flush=True)


def _work_on(file: Callable[[], Answer], limits: Limits, parent: int) -> NoReturn:
    """Answer for one file, in a process that is for this alone."""
    code = 1
    try:
        _end_with(parent)
        _limit(limits)
        print(encode(_answer(file)), flush=True)
        code = 0
    finally:
        os._exit(code)


def _answer(file: Callable[[], Answer]) -> Answer:
    try:
        return file()
    except MemoryError:
        return Refused("takes too much memory to read")
    except OSError as error:
        return Failed(str(error))
    except Exception:
        return Failed(traceback.format_exc(), fault=True)


def _end_with(parent: int) -> None:
    """Nobody wants the answer any more when the parent was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was just before
        os._exit(1)


def _limit(limits: Limits) -> None:
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


def _transcode() -> Callable[..., Answer]:
    from .transcode import Unusable, transcode  # noqa: PLC0415 - each process loads what it needs

    def answer(source: Path, folder: Path) -> Answer:
        try:
            return transcode(source, folder)
        except Unusable as reason:
            return Refused(str(reason))

    return answer


def _render() -> Callable[..., Answer]:
    from .render import render  # noqa: PLC0415 - as above

    return render


_WORK = {"transcode": _transcode, "render": _render}

if __name__ == "__main__":
    main()
