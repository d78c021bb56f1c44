"""A client at the API of a server, and what an administrator does there: shared by all servers that tests start."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ringdove.model.story import Story

CLIENT_ID = "tests"
CLIENT_SECRET = "a-secret-for-tests"


@dataclass(frozen=True)
class Person:
    """An extension as the API made it, with what its phone needs to register."""

    id: int
    number: str
    reg_name: str
    reg_password: str


class Api:
    """The API of one server; `sip` is where its SIP listens, UDP and TCP, `sip_tls` where TLS."""

    sip: tuple[str, int]
    sip_tls: tuple[str, int]

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.token = ""
        self._seen: set[str] = set()

    async def log_in(self) -> None:
        """Get the token that everything else is asked with."""
        answer = await self.post("get_token", username=CLIENT_ID, password=CLIENT_SECRET)
        self.token = answer["access_token"]

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
        login = (await self.get("extension/getpassword", id=made["id"]))["data"]
        return Person(made["id"], number, login["reg_name"], login["reg_password"])

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

    async def finished_call(self, within: float = 3.0) -> Story:
        """The story of the oldest call that has ended and was not returned before."""
        deadline = time.monotonic() + within
        while True:
            for row in reversed((await self.get("calls/list", page_size=100))["data"]):
                if row["id"] not in self._seen and row["disposition"]:
                    self._seen.add(row["id"])
                    return Story.from_data((await self.get("calls/get", id=row["id"]))["data"])
            assert time.monotonic() < deadline, "no call has ended"
            await asyncio.sleep(0.02)


def _succeeded(response: httpx.Response) -> dict[str, Any]:
    answer: dict[str, Any] = response.json()
    assert response.status_code == 200, answer
    assert answer["errcode"] == 0, answer
    return answer
