"""`python -m bench.media_load`: phones that only speak RTP, all on two sockets, in a process of their own.

Says on one line the ports of callers and of members, takes a `Task` from one line, carries it out, says a `Result`.
What a packet carries says which flow it is of, its number and when it was sent, since a server may number packets anew;
when it arrived says the kernel, so that being busy here delays nothing.
"""

import gc
import json
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .media_batches import SO_TIMESTAMPNS, Batch, Rows
from .process import Measured

EVERY = 20_000_000
"""ns between two packets of one flow."""
TICK = 0.0002
"""Seconds of sleep between looks at what is due."""
LISTEN_EVERY = 5
"""Ticks between two receptions."""
LAST = 0.4
"""Seconds to wait for what is still on its way."""
ROOM = 512
MARK = 0x52494E47

_PACKET = np.dtype(  # RTP (RFC 3550 §5.1) with 20 ms of PCMU, the first octets of which are for us
    [
        ("first", "u1"),
        ("payload", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("mark", "<u4"),
        ("flow", "<u4"),
        ("number", "<u4"),
        ("sent", "<i8"),
        ("rest", "V140"),
    ]
)


@dataclass(frozen=True)
class Task:
    """What to do."""

    ports: tuple[Sequence[int], Sequence[int]]
    """Where callers, and members, send to: one flow each. None at all: listen to players."""
    warm_up: float
    seconds: float
    """How long, and how long before that."""
    pid: int | None
    """The process whose CPU time is to be read."""


@dataclass(frozen=True)
class Result:
    """What came of it, after the warm-up."""

    flows: int
    """How many were heard."""
    came: int
    lost: int
    """Packets."""
    p50: float
    p99: float
    worst: float
    """ms from sending to arrival; of players, by how much two packets of a flow were not 20 ms apart."""
    cpu: float
    """CPU seconds of the process, in `seconds`."""
    seconds: float
    waited: float
    """Seconds that threads of the process were ready to run while the core was somebody else's."""
    memory: float
    """Resident, MB."""
    effort: float
    """Share of a core used in here."""
    late: float
    """ms by which packets were sent too late at worst."""


class _Side:
    """One socket, and the flows that leave from it, spread evenly over the 20 ms."""

    def __init__(self, flows: Sequence[int], ports: Sequence[int]) -> None:
        """`flows`: their numbers."""
        self.sent = 0
        self._flows = len(flows)
        self._phase = flows[0] % 2 / 2 if flows else 0.0
        self._batch = Batch(len(flows), _PACKET)
        self._batch.ports[:] = ports
        packets = self._batch.packets
        packets["first"] = 0x80
        packets["rest"] = b"\xff" * 140
        packets["mark"] = MARK
        packets["flow"] = flows
        packets["ssrc"] = 1 + np.array(flows)

    def send(self, sock: socket.socket, elapsed: int) -> float:
        """Send what is due so many ns after the beginning; the ns by which the first of it is late."""
        due = max(0, int(elapsed * self._flows / EVERY + self._phase))
        late = elapsed - (self.sent + 1 - self._phase) * EVERY / self._flows if due > self.sent else 0.0
        while self.sent < due:
            number, first = divmod(self.sent, self._flows)
            stop = min(self._flows, first + due - self.sent)
            rows = self._batch.packets[first:stop]
            rows["sequence"] = number & 0xFFFF
            rows["timestamp"] = number * 160
            rows["number"] = number
            rows["sent"] = time.time_ns()
            self._batch.send(sock, first, stop)
            self.sent += stop - first
        return late


class _Log:
    """All that arrived."""

    def __init__(self) -> None:
        self._batch = Batch(ROOM, _PACKET)
        self._parts: list[tuple[Rows, Rows, Rows]] = []

    def listen(self, socks: Sequence[socket.socket]) -> None:
        """Take what is there."""
        for sock in socks:
            count = ROOM
            while count == ROOM:
                count = self._batch.receive(sock)
                packets, ports = self._batch.packets[:count].copy(), self._batch.ports[:count].copy()
                self._parts.append((self._batch.arrivals[:count], ports, packets))

    def all(self) -> tuple[Rows, Rows, Rows]:
        """Times of arrival, ports they came from, packets."""
        arrivals, ports, packets = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return arrivals, ports, packets


def carry_out(task: Task, socks: tuple[socket.socket, socket.socket]) -> Result:
    """Send and listen for as long as the task says."""
    callers, members = task.ports
    sides = [
        (sock, _Side(range(first, 2 * len(ports), 2), ports))
        for first, (sock, ports) in enumerate(zip(socks, (callers, members), strict=True))
        if ports
    ]
    log = _Log()

    def readings() -> tuple[int, int, float, float, float]:
        cpu, waited = (Measured(task.pid, "").cpu(), _waited(task.pid)) if task.pid is not None else (0.0, 0.0)
        return time.time_ns(), sum(side.sent for _, side in sides), cpu, waited, time.process_time()

    def work(begin: int, until: float) -> float:
        """Returns the worst lateness in ns."""
        worst, tick = 0.0, 0
        while (elapsed := time.monotonic_ns() - begin) < until * 1e9:
            for sock, side in sides:
                worst = max(worst, side.send(sock, elapsed))
            tick += 1
            if tick % LISTEN_EVERY == 0:
                log.listen(socks)
            time.sleep(TICK)
        return worst

    begin = time.monotonic_ns()
    work(begin, task.warm_up)
    before = readings()
    late = work(begin, task.warm_up + task.seconds)
    after = readings()
    time.sleep(LAST)
    log.listen(socks)
    window, sent, cpu, waited, effort = (a - b for a, b in zip(after, before, strict=True))
    if sides:
        flows, came, times = _delays(*log.all(), before[0], after[0])
        lost = int(sent) - came
    else:
        flows, came, lost, times = _spacing(*log.all(), before[0], after[0])
    if not came:
        sys.exit("the phones heard nothing")
    p50, p99, worst = (float(np.quantile(times, share, method="higher")) for share in (0.5, 0.99, 1.0))
    seconds = window / 1e9
    memory = _resident(task.pid) if task.pid is not None else 0.0
    return Result(flows, came, lost, p50, p99, worst, cpu, seconds, waited, memory, effort / seconds, late / 1e6)


def _delays(arrivals: Rows, _ports: Rows, packets: Rows, begin: int, end: int) -> tuple[int, int, NDArray[np.float64]]:
    """Of the packets sent within the window: how many flows and packets arrived, and their way in ms."""
    ours = (packets["mark"] == MARK) & (packets["sent"] >= begin) & (packets["sent"] < end)
    packets, arrivals = packets[ours], arrivals[ours]
    names = packets["flow"].astype(np.uint64) << 32 | packets["number"]
    _, firsts = np.unique(names, return_index=True)
    ways = (arrivals[firsts] - packets["sent"][firsts]) / 1e6
    return len(np.unique(packets["flow"])), len(firsts), ways


def _spacing(
    arrivals: Rows, ports: Rows, packets: Rows, begin: int, end: int
) -> tuple[int, int, int, NDArray[np.float64]]:
    """Of what came within the window: how many flows, packets, and packets missing; how far from 20 ms two of a flow
    were apart, in ms.
    """
    within = (arrivals >= begin) & (arrivals < end)
    lost, times = 0, []
    heard = np.unique(ports[within])
    for port in heard:
        flow = within & (ports == port)
        steps = np.diff(packets["sequence"][flow].astype(np.uint16)).astype(np.int16)
        lost += int(np.sum(steps - 1))
        times.append(np.abs(np.diff(arrivals[flow]) / 1e6 - EVERY / 1e6))
    return len(heard), int(np.sum(within)), lost, np.concatenate(times) if times else np.empty(0)


def _waited(pid: int) -> float:
    """Seconds in the queues of the scheduler (proc_pid_schedstat: the second number, in ns)."""
    return sum(int(task.read_text().split()[1]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@contextmanager
def _ears() -> Iterator[socket.socket]:
    """A loopback socket with time stamps and room for what comes between two looks. The port above it is taken too, so
    that RTCP finds somebody.
    """
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp, socket.socket(type=socket.SOCK_DGRAM) as rtcp:
            rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            rtp.bind(("127.0.0.1", 0))
            try:
                rtcp.bind(("127.0.0.1", rtp.getsockname()[1] + 1))
            except (OSError, OverflowError):
                continue
            yield rtp
            return


def main() -> None:
    """One task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    gc.disable()
    with _ears() as callers, _ears() as members:
        print(json.dumps([callers.getsockname()[1], members.getsockname()[1]]), flush=True)
        line = sys.stdin.readline()
        if line:
            fields: dict[str, Any] = json.loads(line)
            print(json.dumps(asdict(carry_out(Task(**fields), (callers, members)))), flush=True)


if __name__ == "__main__":
    main()
