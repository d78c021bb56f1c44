"""`python -m bench.calls_load`: callers and members on one socket, a process of its own on the core of the load.

It reads a task per line, says a result per line (both JSON), and answers what servers ask in between. It repeats
nothing: what a server repeats is counted. When a datagram arrived is the kernel's word.
"""

import gc
import heapq
import json
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from .media_batches import SO_TIMESTAMPNS
from .task import LATE, Result, Task
from .words import (
    BRANCH,
    CALL_ID,
    FROM_USER,
    TO,
    Login,
    authorization,
    found,
    reply_head,
    request,
    response,
    sdp,
    target,
)

PATIENCE = 2.5
"""Seconds that the last call gets."""
_DRAINED = 64
"""Datagrams that are read before the clock is looked at."""
_TIMESPEC = struct.Struct("qq")


@dataclass(slots=True, eq=False)
class _Call:
    """One call; times in ns since 1970."""

    login: Login
    number: int
    dialled: int
    dialog: bytes
    uri: bytes
    ringing: int = 0
    invites: list[int] = field(default_factory=list)
    open_legs: int = 0
    answered: bool = False
    hung_up: bool = False
    ended: bool = False


class _Run:
    """One task with calls."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.free = deque(task.callers)
        self.of_user: dict[bytes, _Call] = {}
        self.calls: dict[int, _Call] = {}
        self.legs: dict[bytes, tuple[bytes, _Call]] = {}
        self.answered: dict[bytes, _Call] = {}
        self.seen: set[bytes] = set()
        self.ringing: list[float] = []
        self.spread: list[float] = []
        self.wrong: list[str] = []
        self.made = self.failed = self.late = self.repeats = self.datagrams = 0
        self.behind = 0.0

    @property
    def bad(self) -> bool:
        return bool(self.failed or self.late or self.repeats)


class Load:
    """The phones. Names on the wire begin with a number of the process, so that no two runs share any."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._sock.bind(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # audio goes here, and is only counted
        self._sink.bind(("127.0.0.1", 0))
        self._sink.setblocking(False)
        self._sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.port: int = self._sock.getsockname()[1]
        self._here = b"127.0.0.1:%d" % self.port
        self._contact = b"sip:phone@" + self._here
        self._sdp = sdp(self._sink.getsockname()[1])
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._run = _Run(Task(("127.0.0.1", 9)))
        self._waiting: dict[bytes, bytes] = {}

    def register(self, task: Task) -> None:
        """Register phones for an hour, one after the other. Raises RuntimeError."""
        for login in task.phones:
            self._number += 1
            uri = b"sip:127.0.0.1"
            of = b"<sip:%b@127.0.0.1>" % login.name.encode()
            dialog = b"From: %b;tag=r%d\r\nTo: %b\r\nCall-ID: r%d-%d@bench\r\n" % (
                *(of, self._number, of),
                *(self._number, self.port),
            )
            more = b"Expires: 3600\r\n"
            for cseq in (1, 2):
                branch = b"r%d-%d" % (self._number, cseq)
                user = login.number.encode()
                answer = self._asked(task, request(b"REGISTER", uri, branch, cseq, dialog, self._here, more, user=user))
                if cseq == 1:
                    more += authorization(answer, login, "REGISTER", uri)
            if not answer.startswith(b"SIP/2.0 200"):
                raise RuntimeError(f"{login.number} could not register: {answer!r}")

    def call(self, task: Task) -> Result:
        """Make the calls; returns when all have ended, or will not any more."""
        run = self._run = _Run(task)
        self._events.clear()
        start, used = time.monotonic(), time.process_time()
        gc.disable()
        if task.count:
            self._dial(start)
        while self._events:
            self._turn(self._events[0][0] + PATIENCE)
        over = time.monotonic() + task.lasting + PATIENCE
        while run.calls and time.monotonic() < over:
            self._turn(over)
        gc.enable()
        for call in run.calls.values():
            self._fail(call, f"unfinished: {len(call.invites)} rung, {call.open_legs} legs open, {call.ended=}")
        busy = (time.process_time() - used) / (time.monotonic() - start)
        totals = (run.made, run.failed, run.late, run.repeats, run.datagrams, self._heard())
        return Result(*totals, run.ringing, run.spread, run.behind, busy, run.wrong)

    def close(self) -> None:
        """Give the sockets back."""
        self._sock.close()
        self._sink.close()

    def idle(self) -> None:
        """Answer keep-alives until there is something to read on stdin."""
        while sys.stdin not in select.select([sys.stdin, self._sock], [], [])[0]:
            self._drain()

    def _heard(self) -> int:
        """Take the audio that came; how many packets."""
        packets = 0
        with suppress(BlockingIOError):
            while self._sink.recv(2048):
                packets += 1
        return packets

    def _asked(self, task: Task, message: bytes) -> bytes:
        branch = found(BRANCH, message)
        self._sock.sendto(message, task.server)
        over = time.monotonic() + 5
        while branch not in self._waiting:
            if time.monotonic() > over:
                raise RuntimeError(f"no answer to {message!r}")
            self._turn(over)
        return self._waiting.pop(branch)

    def _at(self, when: float, what: Callable[..., None], *arguments: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, what, arguments))

    def _turn(self, until: float) -> None:
        """Wait for a datagram or the next event, and see to what is there."""
        next_at = min(self._events[0][0], until) if self._events else until
        if select.select([self._sock], [], [], max(0.0, next_at - time.monotonic()))[0]:
            self._drain()
        now = time.monotonic()
        while self._events and self._events[0][0] <= now:
            _, _, what, arguments = heapq.heappop(self._events)
            what(*arguments)

    def _drain(self) -> None:
        receive = self._sock.recvmsg
        with suppress(BlockingIOError):
            for _ in range(_DRAINED):
                data, ancillary, _, source = receive(65_535, 64)
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                self._received(data, seconds * 1_000_000_000 + nanoseconds, source)

    def _send(self, data: bytes) -> None:
        self._run.datagrams += 1
        self._sock.sendto(data, self._run.task.server)

    # Callers.

    def _dial(self, due: float) -> None:
        run, task = self._run, self._run.task
        if task.stop and run.bad:
            return
        run.made += 1
        if run.made < task.count:
            self._at(due + task.every, self._dial, due + task.every)
        run.behind = max(run.behind, time.monotonic() - due)
        self._number += 1
        number = self._number
        if not run.free:
            self._note("no caller is free")
            run.failed += 1
            return
        login = run.free.popleft()
        uri = b"sip:%d@127.0.0.1" % (int(task.number) + run.made % task.numbers)
        dialog = b"From: <sip:%b@127.0.0.1>;tag=c%d\r\nCall-ID: c%d-%d@bench\r\n" % (
            *(login.name.encode(), number),
            *(number, self.port),
        )
        call = _Call(login, number, time.time_ns(), dialog, uri)
        run.of_user[login.number.encode()] = run.calls[number] = call
        self._invite(call, b"i", 1, b"")

    def _invite(self, call: _Call, step: bytes, cseq: int, more: bytes) -> None:
        dialog = b"%bTo: <%b>\r\n" % (call.dialog, call.uri)
        more += b"Content-Type: application/sdp\r\n"
        branch = b"%b%d" % (step, call.number)
        self._send(request(b"INVITE", call.uri, branch, cseq, dialog, self._here, more, self._sdp))

    def _answered(self, data: bytes, arrival: int) -> None:
        """A response to a caller."""
        status = data[8:11]
        if status == b"100":
            return
        branch = found(BRANCH, data)
        step, number = branch[7:8], branch[8:]
        if step == b"r":
            self._waiting[branch] = data
            return
        run = self._run
        if status >= b"200":
            if branch + status in run.seen:
                self._repeated(data)
                return
            run.seen.add(branch + status)
        call = run.calls.get(int(number))
        if call is None:
            return
        if status < b"200":
            if not call.ringing:
                call.ringing = arrival
                run.ringing.append((arrival - call.dialled) / 1e9)
        elif step == b"b":
            call.hung_up = True
            self._check(call, arrival)
        elif status < b"300":
            self._connected(call, data)
        else:
            dialog = b"%bTo: %b\r\n" % (call.dialog, found(TO, data))
            cseq = 1 if step == b"i" else 2
            self._send(request(b"ACK", call.uri, branch[7:], cseq, dialog, self._here))
            if step == b"i" and status == b"401":
                self._invite(call, b"j", 2, authorization(data, call.login, "INVITE", call.uri))
            else:
                self._fail(call, data.partition(b"\r\n")[0].decode())
                del run.calls[call.number]

    def _connected(self, call: _Call, data: bytes) -> None:
        uri, route = target(data)
        dialog = b"%bTo: %b\r\n%b" % (call.dialog, found(TO, data), route)
        self._send(request(b"ACK", uri, b"a%d" % call.number, 2, dialog, self._here))
        bye = request(b"BYE", uri, b"b%d" % call.number, 3, dialog, self._here)
        self._at(time.monotonic() + self._run.task.talk, self._send, bye)

    # Members.

    def _received(self, data: bytes, arrival: int, source: tuple[str, int]) -> None:
        if data.startswith(b"OPTIONS"):  # no part of a call, and maybe of another server
            self._sock.sendto(response(b"200 OK", reply_head(data, 0), self._contact), source)
            return
        run = self._run
        run.datagrams += 1
        if data.startswith(b"SIP/2.0"):
            self._answered(data, arrival)
            return
        method, branch = data[: data.index(b" ")], found(BRANCH, data)
        if method + branch in run.seen:
            self._repeated(data)
            return
        run.seen.add(method + branch)
        if method == b"INVITE":
            self._rung(data, branch, arrival)
        elif method != b"ACK":
            self._number += 1
            self._send(response(b"200 OK", reply_head(data, self._number), self._contact))
            if method == b"CANCEL" and branch in run.legs:
                head, call = run.legs.pop(branch)
                self._send(response(b"487 Request Terminated", head, self._contact))
                call.open_legs -= 1
                self._check(call, arrival)
            elif method == b"BYE" and (ended := run.answered.pop(found(CALL_ID, data), None)):
                ended.ended = True
                self._check(ended, arrival)

    def _rung(self, data: bytes, branch: bytes, arrival: int) -> None:
        run, task = self._run, self._run.task
        call = run.of_user.get(found(FROM_USER, data))
        self._number += 1
        head = reply_head(data, self._number)
        self._send(response(b"180 Ringing", head, self._contact))
        if call is None:
            self._note(f"nobody called that: {data!r}")
            return
        run.legs[branch] = head, call
        call.open_legs += 1
        call.invites.append(arrival)
        now, rung = time.monotonic(), len(call.invites)
        if rung <= task.refusing:
            self._at(now + task.refuse_after, self._end_leg, branch, b"486 Busy Here", b"")
        elif rung == task.refusing + 1:
            run.answered[found(CALL_ID, data)] = call
            self._at(now + task.answer_after, self._end_leg, branch, b"200 OK", self._sdp)

    def _end_leg(self, branch: bytes, status: bytes, body: bytes) -> None:
        if leg := self._run.legs.pop(branch, None):
            leg[1].open_legs -= 1
            self._send(response(status, leg[0], self._contact, body))

    # What became of it.

    def _check(self, call: _Call, arrival: int) -> None:
        """Account for a call that is over: both sides hung up, nobody rings any more."""
        run, task = self._run, self._run.task
        if not (call.hung_up and call.ended) or call.open_legs or call.number not in run.calls:
            return
        del run.calls[call.number]
        if len(call.invites) != task.members:
            self._fail(call, f"{len(call.invites)} members were rung")
            return
        if arrival / 1e9 > call.dialled / 1e9 + task.lasting + LATE:
            run.late += 1
        run.spread.append((call.invites[-1] - call.invites[0]) / 1e9)
        run.free.append(call.login)

    def _fail(self, call: _Call, why: str) -> None:
        self._run.failed += 1
        self._note(f"call {call.number}: {why}")

    def _repeated(self, data: bytes) -> None:
        self._run.repeats += 1
        self._note(f"repeated: {data[:60]!r}")

    def _note(self, what: str) -> None:
        if len(self._run.wrong) < 5:
            self._run.wrong.append(what)


def main() -> None:
    """Do what stdin says until it is closed."""
    load = Load()
    print(json.dumps({"port": load.port}), flush=True)
    while True:
        load.idle()
        line = sys.stdin.readline()
        if not line:
            return
        asked = json.loads(line)
        for who in ("phones", "callers"):
            asked[who] = [Login(*one) for one in asked[who]]
        task = Task(**{**asked, "server": tuple(asked["server"])})
        load.register(task)
        print(json.dumps(asdict(load.call(task))), flush=True)


if __name__ == "__main__":
    main()
