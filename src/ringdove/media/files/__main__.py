"""`python -m ringdove.media.files transcode SOURCE FOLDER` and `… render TAPE WAV [KEEP_QUIET]`: one file, one process.

Answers on standard output (see `wire`). It limits itself before it looks at anything.
"""

import ctypes
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

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
    """Do one errand. Signals meant for the whole process group are left to the parent, which may drain."""
    errand, source, target, *more = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_with_parent()
    _limit(LIMITS[errand])
    try:
        answer = _run(errand, Path(source), Path(target), *map(float, more))
    except MemoryError:
        answer = Refused("takes too much memory to read")
    except OSError as error:
        answer = Failed(str(error))
    except Exception:
        answer = Failed(traceback.format_exc(), fault=True)
    print(encode(answer))


def _end_with_parent() -> None:
    """Nobody wants the answer any more when the server was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(limits: Limits) -> None:
    os.nice(10)
    os.umask(0o077)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each takes address space, and nothing here needs them
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


def _run(errand: str, source: Path, target: Path, *more: float) -> Answer:
    if errand == "render":
        from .render import render  # noqa: PLC0415  (what is loaded counts against the limits)

        return render(source, target, *more)
    from .transcode import Unusable, transcode  # noqa: PLC0415  (as above)

    try:
        return transcode(source, target)
    except Unusable as reason:
        return Refused(str(reason))


if __name__ == "__main__":
    main()
