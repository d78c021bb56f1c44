"""The processes that are measured: starting them on a core of their own, reading their CPU time, ending them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

Address = tuple[str, int]
_CORES = sorted(os.sched_getaffinity(0))
_QUIET, _IDLE = 0.2, 0.002
"""A process that uses no more CPU seconds than the second within the first has nothing left to do."""
_STARTING = 120.0
"""Seconds within which a server is ready, on a machine that is busy with other things too."""


class DidNotStart(RuntimeError):
    """A program ended before it was ready, or was not ready in time; the text has what it said."""


@dataclass(frozen=True)
class Measured:
    """A process, with those that it started, and what it said when it was ready."""

    pid: int
    ready: str

    def cpu(self) -> float:
        """CPU seconds of all threads: utime + stime of /proc/PID/stat, but in ns instead of hundredths of a second."""
        return sum(self.cpu_parts())

    def cpu_parts(self) -> tuple[float, float]:
        """The same, apart: its own, and those of the processes that it started."""
        return self._parts(lambda pid: time.clock_gettime((~pid << 3) | 2))  # as clock_getcpuclockid(3) makes it

    def children(self) -> list[int]:
        """The processes that it started and that run, and those that these started."""
        return descendants(self.pid)

    async def settled(self) -> float:
        """Its CPU seconds once what was begun is done, such as writing records; after 4 s at the latest."""
        now = self.cpu()
        for _ in range(20):
            before = now
            await asyncio.sleep(_QUIET)
            now = self.cpu()
            if now - before < _IDLE:
                break
        return now

    def memory(self) -> tuple[float, float]:
        """MB that it and the processes that it started hold, of what they share with others their share (PSS)."""
        return self._parts(_pss)

    def _parts(self, of: Callable[[int], float]) -> tuple[float, float]:
        return of(self.pid), sum(map(of, self.children()))

    def address(self, after: str) -> Address:
        """The loopback address that stands in its words behind these."""
        found = re.search(re.escape(after) + r"(127\.0\.0\.1):(\d+)", self.ready)
        assert found, self.ready
        return found[1], int(found[2])


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str], within: float = _STARTING
) -> Iterator[Measured]:
    """Start a Python program that says "ready" on a line; raises DidNotStart where it does not in so many seconds.
    Ringdove's own settings in our environment do not reach it: they may be those of a real server.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGDOVE_")} | environment
    with started([sys.executable, *command], log, clean) as process:
        assert process.stdout
        late = Timer(within, _end, [process.pid])
        late.start()
        try:
            ready = next((line for line in process.stdout if "ready" in line), None)
        finally:
            late.cancel()
        if ready is None:
            said = log.read_text().strip() or f"it did not say why, and got {within:g} s for it"
            raise DidNotStart(f"{' '.join(command)} did not start: {said}")
        yield Measured(process.pid, ready)


@contextmanager
def started(command: Sequence[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Have a program run on the core of servers; its errors go to `log`, its output to a pipe."""
    with log.open("w") as errors, on_core(0):
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            process_group=0,  # a Ctrl-C is ours alone: what it means for this process is for us to say
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _end(pid: int) -> None:
    """End a program and all that it started: either would keep its output open, and who reads that waiting."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def descendants(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """The processes that this one and its children started, as far as they run."""
    try:
        children = [int(child) for child in (proc / f"{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return children + [below for child in children for below in descendants(child, proc)]


def core_seconds(stat: str | None = None) -> float:
    """Seconds that the core of servers has been busy since the system started, whoever used it: of /proc/stat."""
    lines = (stat or Path("/proc/stat").read_text()).splitlines()
    fields = next(line.split() for line in lines if line.startswith(f"cpu{_CORES[0]} "))
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (kb,) = (line.split()[1] for line in lines if line.startswith("Pss:"))
    return int(kb) / 1000


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """Stay on one core, and every process started meanwhile for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORES[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
