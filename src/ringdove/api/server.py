"""Serves the interface from the loop that runs everything else."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

_BACKLOG = 512
_RESTS = 75
"""Seconds for which a connection is kept where nothing is asked: longer than clients and proxies keep theirs (httpx 5,
aiohttp 15, nginx 60), or one closes in the very moment in which it is used again.
"""
_PATIENCE = 3
"""Seconds for requests that are being answered when the server stops."""


def listen(host: str, port: int) -> socket.socket:
    """Take an address; who connects waits until a server opens the listener. `::` is IPv4's too. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=host == "::")


class HttpServer(uvicorn.Server):
    """One listener. Signals are left to whoever runs the loop, and no access log is kept: URLs carry tokens."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_keep_alive=_RESTS,
                timeout_graceful_shutdown=_PATIENCE,
            )
        )
        self._up = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def open(self, listener: socket.socket) -> None:
        """Serve whoever connects to what `listen` returned."""
        self._serving = asyncio.create_task(self.serve(sockets=[listener]))
        await self._up.wait()

    async def close(self) -> None:
        """Answer what is being asked, then end."""
        self.should_exit = True
        if self._serving is not None:
            await self._serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets=sockets)
        self._up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[Any]:
        """Leave them alone."""
        yield
