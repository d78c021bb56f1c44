"""`ringdove serve` as a process of its own, with a client at its API: for tests of what becomes of it when it dies.

async with Tower.open(tmp_path) as tower:
    alice = await tower.extension("2001")
    await tower.kill()
    await tower.start()
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from .api import CLIENT_ID, CLIENT_SECRET, Api
from .ports import free_port, rtp_ports
from .processes import children

COMMAND = Path(sys.executable).with_name("ringdove")
PATIENCE = 30.0


class Tower(Api):
    """A server that keeps its data folder and its addresses over its lives. `said` is what it printed in this one."""

    def __init__(self, data: Path, http: httpx.AsyncClient, settings: dict[str, str]) -> None:
        super().__init__(http)
        self.data = data
        self.sip = "127.0.0.1", free_port()
        self.said: list[str] = []
        self._environment = {f"RINGDOVE_{name.upper()}": value for name, value in settings.items()}
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, data: Path, *, first_killed_after: float = 0, **settings: str) -> AsyncIterator["Tower"]:
        """Start a server with these settings, and log in; in the end it is killed, if it still runs.

        Where `first_killed_after` says so, its very first start is killed after so many seconds.
        """
        address = f"127.0.0.1:{free_port()}"
        always = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "rtp_ports": rtp_ports()}
        async with httpx.AsyncClient(base_url=f"http://{address}/openapi/v1.0/", timeout=PATIENCE) as http:
            tower = cls(data, http, {**always, "http": address, "data": str(data), **settings})
            try:
                if first_killed_after:
                    await tower.start_in_vain(first_killed_after)
                await tower.start()
                await tower.log_in()
                yield tower
            finally:
                await tower.kill()

    async def start(self) -> float:
        """Start it (again), and return the seconds until it said that it is ready."""
        began = time.monotonic()
        process = await self._launch()
        assert process.stdout is not None
        self.said = []
        async with asyncio.timeout(PATIENCE):
            while not any("is ready" in line for line in self.said):
                line = await process.stdout.readline()
                assert line, (self.data.parent / "log").read_text()
                self.said.append(line.decode())
        return time.monotonic() - began

    async def start_in_vain(self, seconds: float) -> None:
        """Start it, and kill it after so many seconds, ready or not."""
        await self._launch()
        await asyncio.sleep(seconds)
        await self.kill()

    async def _launch(self) -> asyncio.subprocess.Process:
        with (self.data.parent / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(str(COMMAND), "serve", "--sip", f"{self.sip[0]}:{self.sip[1]}"),
                env={**os.environ, **self._environment},
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        return self._process

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """kill -9; returns when it is gone."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended; returns its exit status."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    @property
    def children(self) -> list[int]:
        """The processes that it has started and that still run."""
        assert self._process is not None
        return children(self._process.pid)


def is_gone(process: int) -> bool:
    """Whether a process has ended, if only its exit status were left of it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
