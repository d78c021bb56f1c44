"""Debian sid in a folder, with the servers that Ringdove is compared with; they are run from there by root (chroot)."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .process import Address, Measured, started
from .sides import answers

ROOT = Path(__file__).parents[1] / ".bench" / "sid"
"""Where `scripts/bench_peers.sh` unpacks it."""


def said(program: str, flag: str) -> str:
    """The first line a program says of its version; empty where it is not there, or may not be run."""
    if os.geteuid() or not (ROOT / program.lstrip("/")).exists():
        return ""
    told = subprocess.run(["chroot", str(ROOT), program, flag], capture_output=True, text=True, check=False)
    return told.stdout.strip().partition("\n")[0]


def seen(path: Path) -> str:
    """What a path is called from inside."""
    return "/" + str(path.relative_to(ROOT))


@contextmanager
def inside() -> Iterator[Path]:
    """A folder in there for a while."""
    with TemporaryDirectory(prefix="bench-", dir=ROOT / "tmp") as folder:
        yield Path(folder)


@asynccontextmanager
async def running(command: list[str], log: Path, address: Address) -> AsyncIterator[Measured]:
    """Have a SIP server run until the end, from when it answers. Raises RuntimeError where it does not start."""
    process = None
    try:
        with started(["chroot", str(ROOT), *command], log, dict(os.environ)) as process:
            try:
                await answers(address)
            except TimeoutError as late:
                told = log.read_text()  # noqa: ASYNC240 - it is over anyway
                raise RuntimeError(f"{command[0]} did not start: {told}") from late
            yield Measured(process.pid, "")
    finally:
        if process:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # children of one that did not end in time
