"""A whole interface on a real SQLite file, spoken to over ASGI."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ringdove.api import OnlineStatus, Services, create_app, ensure_application
from ringdove.events.bus import Bus
from ringdove.events.types import ExtensionChanged, ExtensionDeleted
from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind
from ringdove.model.simulation import SimulatedWindow, Simulation
from ringdove.model.story import Party, Story
from ringdove.settings import Settings
from ringdove.store import Store

BASE = "/openapi/v1.0/"
CLIENT_ID, CLIENT_SECRET = "test-client", "a secret for tests"


@dataclass
class Api:
    """The interface with a logged-in client, and the world around it for tests to arrange."""

    app: FastAPI
    services: Services
    http: httpx.AsyncClient
    now: float = 1_000_000.0
    online: set[int] = field(default_factory=set)
    live: list[Story] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    token: str = ""

    @property
    def store(self) -> Store:
        return self.services.store

    async def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        return self._json(await self.http.get(BASE + path, params={"access_token": self.token} | params))

    async def post(self, path: str, body: Any, /, **params: Any) -> dict[str, Any]:
        url = BASE + path
        return self._json(await self.http.post(url, json=body, params={"access_token": self.token} | params))

    async def log_in(self) -> dict[str, Any]:
        return await self.post("get_token", {"username": CLIENT_ID, "password": CLIENT_SECRET})

    def from_address(self, host: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(host, 4711))
        return httpx.AsyncClient(transport=transport, base_url="http://test")

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert isinstance(body["errcode"], int)
        assert isinstance(body["errmsg"], str)
        return body


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    settings = Settings(data=tmp_path, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)  # type: ignore[arg-type]
    store = await Store.open(settings.database_url)
    await ensure_application(store, settings)
    api: Api

    async def simulate(group_id: int) -> Simulation:
        group = await store.ring_groups.get(group_id)
        assert group
        roster = await store.ring_groups.roster(group)
        people = [Party(id=p.id, number=p.number, name=p.name) for entry in roster for p in entry.members]
        return Simulation(windows=[SimulatedWindow(member=p, start=0, stop=group.ring_timeout or 0) for p in people])

    services = Services(
        store=store,
        settings=settings,
        bus=Bus(),
        online=lambda extension_id: OnlineStatus(sip_phones=int(extension_id in api.online)),
        simulate=simulate,
        live_calls=lambda: api.live,
        destination_kinds=frozenset({DestinationKind.END_CALL, DestinationKind.EXTENSION, DestinationKind.RING_GROUP}),
        ready=lambda: True,
        clock=lambda: api.now,
    )
    app = create_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        api = Api(app, services, http)
        for kind in (ExtensionChanged, ExtensionDeleted):
            services.bus.subscribe(kind, api.events.append)
        api.token = (await api.log_in())["access_token"]
        yield api
    await store.close()


@pytest.fixture
async def people(api: Api) -> Api:
    """The extensions of the page's examples."""
    for number, extension_id in (("1001", 3071), ("1002", 3074), ("1003", 3075)):
        await api.store.extensions.create(Extension(number=number, first_name=f"Person {number}"), id=extension_id)
    return api


@pytest.fixture
def restarted(api: Api) -> Api:
    """The same store behind a new interface, as after a restart."""
    return replace(api, app=create_app(api.services))
