"""The servers that calls are aimed at, each set up alike: who may call, who is rung, what is dialled for which row."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from .process import Address, Measured
from .rows import Row
from .task import Result, Task
from .words import Login


class Phones:
    """The load as a process of its own; phones are at `port`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def do(self, task: Task) -> Result:
        """Have it done. Raises RuntimeError where the load gave up."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
        said = await self._process.stdout.readline()
        if not said:
            raise RuntimeError("the phones gave up")
        return Result(**json.loads(said))


@asynccontextmanager
async def phones() -> AsyncIterator[Phones]:
    """Start the load on the core that we are on."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.calls_load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 << 20,
        start_new_session=True,  # a Ctrl-C is ours alone
    )
    assert process.stdout
    try:
        yield Phones(process, json.loads(await process.stdout.readline())["port"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass(frozen=True)
class Up:
    """A server that is ready."""

    process: Measured
    address: Address
    callers: Sequence[Login]


class Side(Protocol):
    """A server as the bench knows it, one module each."""

    name: str

    def version(self) -> str:
        """Which it is; empty where it is not there."""
        ...

    def rows(self, rows: Sequence[Row]) -> list[Row]:
        """Those that it can do."""
        ...

    def up(self, folder: Path, load: Phones, rows: Sequence[Row]) -> AbstractAsyncContextManager[Up]:
        """Have it run with everything set up."""
        ...


def free_port() -> int:
    """A UDP port of loopback that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def answers(address: Address, seconds: float = 20) -> None:
    """Wait until a server answers an OPTIONS. Raises TimeoutError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{sock.getsockname()[1]}"
        asked = (
            f"OPTIONS sip:{address[0]}:{address[1]} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKready;rport\r\n"
            f"From: <sip:bench@{here}>;tag=1\r\nTo: <sip:{address[0]}>\r\nCall-ID: ready@{here}\r\nCSeq: 1 OPTIONS\r\n"
            f"Max-Forwards: 70\r\nContact: <sip:bench@{here}>\r\nContent-Length: 0\r\n\r\n"
        )
        async with asyncio.timeout(seconds):
            while True:
                sock.sendto(asked.encode(), address)
                await asyncio.sleep(0.2)
                try:
                    sock.recv(65_535)
                except BlockingIOError:
                    continue
                return
