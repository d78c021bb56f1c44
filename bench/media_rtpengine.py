"""rtpengine (Debian's `rtpengine-daemon`, in userspace) doing what our media engine does.

It is told so by its NG protocol: one bencoded dictionary per UDP datagram, behind a cookie of ours.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .media_sides import Phones, Sound, Up, described, port_in
from .process import on_core

Value = str | int | list["Value"] | Mapping[str, "Value"]

PROGRAM = shutil.which("rtpengine") or shutil.which("rtpengine", path="/usr/sbin:/usr/bin")
"""Where it is; None where it is not installed."""
PORTS = (20_000, 23_999)
THREADS = 1
"""It gets one core; more threads than that make it dearer."""

ATTEMPTS = 60
"""How often it is asked whether it is up; all together 3 s at least."""
PATIENCE = 2.0
"""Seconds that it gets for one answer."""


def version() -> str:
    """Its own; empty where it is not installed."""
    if PROGRAM is None:
        return ""
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).strip().removeprefix("Version: ")


@asynccontextmanager
async def talking(calls: int, phones: Phones) -> AsyncIterator[Up]:
    """So many two-way calls."""
    with _running() as (pid, control):
        yield Up(pid, control.calls(calls, phones))


@asynccontextmanager
async def playing(calls: int, phones: Phones, sound: Sound) -> AsyncIterator[Up]:
    """So many callers who hear the sound."""
    with _running() as (pid, control):
        control.calls(calls, phones)
        for number in range(calls):
            control.ask("play media", number, {"from-tag": "caller", "file": str(sound.wav)})
        yield Up(pid, ([], []))


class _Control:
    """Commands and their answers."""

    def __init__(self, sock: socket.socket) -> None:
        """`sock`: connected to the daemon."""
        self._sock = sock
        self._asked = 0

    def up(self) -> bool:
        """Whether it answers, asked until it must have started."""
        self._sock.settimeout(0.1)
        for _ in range(ATTEMPTS):
            try:
                self.ask("ping", 0, {})
            except OSError:  # refused, or silent
                time.sleep(0.05)
            else:
                self._sock.settimeout(PATIENCE)
                return True
        return False

    def calls(self, count: int, phones: Phones) -> tuple[list[int], list[int]]:
        """Offer and answer of so many calls; where callers and members are to send."""
        sides: tuple[list[int], list[int]] = [], []
        for number in range(count):
            members = self._describe("offer", number, {"from-tag": "caller"}, phones[0])
            callers = self._describe("answer", number, {"from-tag": "caller", "to-tag": "member"}, phones[1])
            sides[0].append(callers)
            sides[1].append(members)
        return sides

    def ask(self, command: str, call: int, more: Mapping[str, Value]) -> Mapping[str, Value]:
        """Its answer. Raises RuntimeError when it refuses, TimeoutError when it says nothing."""
        self._asked += 1
        cookie = b"%d " % self._asked
        self._sock.send(cookie + encode({"command": command, "call-id": f"bench-{call}", **more}))
        while not (data := self._sock.recv(65_536)).startswith(cookie):
            pass
        answer = decode(data[len(cookie) :])
        if not isinstance(answer, Mapping) or answer["result"] == "error":
            raise RuntimeError(f"rtpengine refuses {command}: {answer}")
        return answer

    def _describe(self, command: str, call: int, tags: Mapping[str, Value], port: int) -> int:
        more: Mapping[str, Value] = {"sdp": described(port), "ICE": "remove", "replace": ["origin"]}
        return port_in(str(self.ask(command, call, {**tags, **more})["sdp"]))


@contextmanager
def _running() -> Iterator[tuple[int, _Control]]:
    """One daemon in the foreground, on the core of what is measured."""
    if PROGRAM is None:
        raise RuntimeError("rtpengine is not installed")
    with TemporaryDirectory(prefix="ringdove-bench-") as folder, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1] ^ 1  # beside ours, so most likely free
        sock.connect(("127.0.0.1", port))
        log, control = Path(folder, "log"), _Control(sock)
        with log.open("w") as errors, on_core(0):
            process = subprocess.Popen(_command(PROGRAM, port), stdout=errors, stderr=errors)
        try:
            if not control.up():
                raise RuntimeError(f"rtpengine did not start: {log.read_text()}")
            yield process.pid, control
        finally:
            process.kill()  # it has nothing to keep, and would take seconds
            process.wait()


def _command(program: str, port: int) -> list[str]:
    return [
        program,
        *("--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=3"),
        *("--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{port}", f"--num-threads={THREADS}"),
        *(f"--port-min={PORTS[0]}", f"--port-max={PORTS[1]}", "--tos=184", "--timeout=600"),
    ]


def encode(value: Value) -> bytes:
    """Bencoding: numbers, strings by their length in octets, lists, dictionaries in order of their keys."""
    if isinstance(value, str):
        data = value.encode()
        return b"%d:%b" % (len(data), data)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(data: bytes) -> Value:
    """The value that a whole datagram stands for. Raises ValueError, IndexError."""
    value, end = _decode(data, 0)
    if end != len(data):
        raise ValueError("more than one value")
    return value


def _decode(data: bytes, at: int) -> tuple[Value, int]:
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        values: list[Value] = []
        at += 1
        while data[at : at + 1] != b"e":
            value, at = _decode(data, at)
            values.append(value)
        if kind == b"l":
            return values, at + 1
        return {str(key): value for key, value in zip(values[::2], values[1::2], strict=True)}, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode(), end
