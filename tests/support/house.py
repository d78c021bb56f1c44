"""A whole server in the test's own loop, on free ports, with a client at its API: for tests over real sockets.

async with House.open(tmp_path) as house:
    alice = await house.extension("2001")
    group = await house.ring_group("6300", members=[alice], ring_timeout=3)
    ...
    story = await house.finished_call()
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from ringdove.app import Node
from ringdove.model.audio import Playlist, PlayOrder, Prompt
from ringdove.net.endpoint import Timers
from ringdove.settings import Settings

from .api import CLIENT_ID, CLIENT_SECRET, Api, Person
from .ports import rtp_ports
from .silence import silence

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "House", "Person"]


class House(Api):
    """One running node and its API."""

    def __init__(self, node: Node, http: httpx.AsyncClient) -> None:
        super().__init__(http)
        self.node = node
        self.sip = node.sip.host, node.sip.port
        if node.sip_tls is not None:
            self.sip_tls = node.sip_tls.host, node.sip_tls.port

    @classmethod
    @asynccontextmanager
    async def open(
        cls, data: Path, *, timers: Timers | None = None, rtp_pairs: int = 500, **settings: Any
    ) -> AsyncIterator["House"]:
        """Start a node with this data folder; opened again with the same folder it is the same server, restarted.

        `timers` shorten the waiting of SIP transactions; `rtp_pairs` is how many parties can have audio.
        """
        flags: dict[str, Any] = {"data": data, "http": "127.0.0.1:0", "sip": "127.0.0.1:0"}
        flags |= {"rtp_ports": rtp_ports(rtp_pairs), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **settings}
        node = Node(Settings.load(**flags), timers=timers)
        await node.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{node.http}/openapi/v1.0/", timeout=10) as http:
                house = cls(node, http)
                await house.log_in()
                yield house
        finally:
            await node.stop()

    async def prompt(self, file: str) -> None:
        """Have a prompt of this name, 100 ms of silence."""
        await self.node.store.prompts.save(
            Prompt(**silence(self.node.settings.data, file).model_dump(), uploaded_at=time.time())
        )

    async def playlist(self, list_name: str, *files: str) -> None:
        """Have a playlist of this name with these files, 100 ms of silence each."""
        music = tuple(silence(self.node.settings.data, file) for file in files)
        order = PlayOrder.ALPHABETICAL
        await self.node.store.playlists.create(Playlist(list_name=list_name, play_order=order, files=music))
