"""A whole server in the test's own loop, on free ports, with a client at its API: for tests over real sockets.

async with House.open(tmp_path) as house:
    alice = await house.extension("2001")
    group = await house.ring_group("6300", members=[alice], ring_timeout=3)
    ...
    story = await house.finished_call()
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ringdove.app import Node
from ringdove.model.audio import Playlist, PlayOrder, Prompt
from ringdove.model.story import Story
from ringdove.net.endpoint import Timers
from ringdove.settings import Settings

from .silence import silence

CLIENT_ID = "tests"
CLIENT_SECRET = "a-secret-for-tests"


@dataclass(frozen=True)
class Person:
    """An extension as the API made it, with what its phone needs to register."""

    id: int
    number: str
    reg_name: str
    reg_password: str


class House:
    """One running node and its API."""

    def __init__(self, node: Node, http: httpx.AsyncClient) -> None:
        self.node = node
        self.http = http
        self.token = ""
        self._seen: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, data: Path, *, timers: Timers | None = None, **settings: Any) -> AsyncIterator["House"]:
        """Start a node with this data folder; opened again with the same folder it is the same server, restarted.

        `timers` shorten the waiting of SIP transactions.
        """
        flags: dict[str, Any] = {"data": data, "http": "127.0.0.1:0", "sip": "127.0.0.1:0"}
        flags |= {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **settings}
        node = Node(Settings.load(**flags), timers=timers)
        await node.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{node.http}/openapi/v1.0/", timeout=10) as http:
                house = cls(node, http)
                answer = await house.post("get_token", username=CLIENT_ID, password=CLIENT_SECRET)
                house.token = answer["access_token"]
                yield house
        finally:
            await node.stop()

    @property
    def sip(self) -> tuple[str, int]:
        """Where its SIP listens, UDP and TCP."""
        return self.node.sip.host, self.node.sip.port

    @property
    def sip_tls(self) -> tuple[str, int]:
        """Where its SIP listens, TLS, if the settings have it listen there."""
        assert self.node.sip_tls is not None
        return self.node.sip_tls.host, self.node.sip_tls.port

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET; returns the envelope, which must say SUCCESS."""
        return _succeeded(await self.http.get(path, params={**query, "access_token": self.token}))

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """POST; returns the envelope, which must say SUCCESS."""
        return _succeeded(await self.http.post(path, json=body, params={"access_token": self.token}))

    async def upload(self, path: str, file: Path, **fields: str) -> dict[str, Any]:
        """POST a file as an administrator's client does; returns the envelope, which must say SUCCESS."""
        with file.open("rb") as content:
            return _succeeded(
                await self.http.post(
                    path, files={"file": (file.name, content)}, data=fields, params={"access_token": self.token}
                )
            )

    async def extension(self, number: str, **fields: Any) -> Person:
        """Make an extension."""
        made = await self.post("extension/create", number=number, **fields)
        extension = await self.node.store.extensions.get(made["id"])
        assert extension is not None
        return Person(made["id"], number, extension.reg_name, extension.reg_password)

    async def extension_group(self, name: str, members: Iterable[Person]) -> int:
        """Make an extension group; returns its id."""
        people = [{"value": str(p.id), "type": "extension"} for p in members]
        made = await self.post("extensiongroup/create", name=name, member_select="sel_specific", members=people)
        return int(made["id"])

    async def ring_group(self, number: str, members: Iterable[Person], **fields: Any) -> int:
        """Make a ring group (`ring_all` for 3 s that ends the call, unless `fields` say otherwise); returns its id."""
        body: dict[str, Any] = {
            "name": f"Group {number}",
            "ring_strategy": "ring_all",
            "ring_timeout": 3,
            "member_list": [{"value": str(p.id), "type": "extension"} for p in members],
            "fail_dest": "end_call",
        }
        made = await self.post("ringgroup/create", number=number, **{**body, **fields})
        return int(made["id"])

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

    async def finished_call(self, within: float = 3.0) -> Story:
        """The story of the oldest call that has ended and was not returned before."""
        deadline = time.monotonic() + within
        while True:
            for row in reversed((await self.get("calls/list", page_size=100))["data"]):
                if row["id"] not in self._seen and row["disposition"]:
                    self._seen.add(row["id"])
                    return Story.model_validate((await self.get("calls/get", id=row["id"]))["data"])
            assert time.monotonic() < deadline, "no call has ended"
            await asyncio.sleep(0.02)


def _succeeded(response: httpx.Response) -> dict[str, Any]:
    answer: dict[str, Any] = response.json()
    assert response.status_code == 200, answer
    assert answer["errcode"] == 0, answer
    return answer
