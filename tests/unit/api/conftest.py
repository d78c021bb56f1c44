"""A whole interface on a real SQLite file, spoken to over ASGI."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ringdove.api import Services, create_app, ensure_application
from ringdove.calls.destinations import KINDS
from ringdove.events.bus import Bus
from ringdove.events.types import ExtensionChanged, ExtensionDeleted, MailboxChanged
from ringdove.media.library import Library
from ringdove.model.audio import Playlist, PlayOrder, Prompt, Ringtone
from ringdove.model.extension import Extension
from ringdove.model.simulation import SimulatedWindow, Simulation
from ringdove.model.story import Party
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.voicemail.mailboxes import Mailboxes
from support.silence import silence
from unit.api.api_client import CLIENT_ID, CLIENT_SECRET, Api, pair


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder after a first start: tables made, application made."""
    data = tmp_path_factory.mktemp("data")
    settings = Settings(data=data, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    async def start() -> None:
        store = await Store.open(settings.database_url)
        await ensure_application(store, settings)
        await store.close()

    asyncio.run(start())
    return data


@pytest.fixture
async def api(tmp_path: Path, first_start: Path) -> AsyncIterator[Api]:
    shutil.copytree(first_start, tmp_path, dirs_exist_ok=True)
    settings = Settings(data=tmp_path)
    store = await Store.open(settings.database_url)
    api: Api

    async def simulate(group_id: int) -> Simulation:
        group = await store.ring_groups.get(group_id)
        assert group
        roster = await store.ring_groups.roster(group)
        people = [Party(id=p.id, number=p.number, name=p.name) for entry in roster for p in entry.members]
        return Simulation(windows=[SimulatedWindow(member=p, start=0, stop=group.ring_timeout or 0) for p in people])

    audio, bus = Library(settings.data / "audio"), Bus()
    shelf = Shelf(store, audio)
    services = Services(
        store=store,
        audio=audio,
        shelf=shelf,
        mailboxes=Mailboxes(store, shelf, bus),
        settings=settings,
        bus=bus,
        online=lambda extension_id: extension_id in api.online,
        simulate=simulate,
        live_calls=lambda: api.live,
        destination_kinds=frozenset(KINDS),
        ready=lambda: True,
        clock=lambda: api.now,
    )
    app = create_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        api = Api(app, services, http)
        for kind in (ExtensionChanged, ExtensionDeleted, MailboxChanged):
            services.bus.subscribe(kind, api.events.append)
        await store.tokens.issue(1, pair(api.token, api.now), now=api.now, limit=8)
        yield api
    await store.close()


@pytest.fixture
async def people(api: Api) -> Api:
    """The extensions of the page's examples."""
    for number, extension_id in (("1001", 3071), ("1002", 3074), ("1003", 3075)):
        await api.store.extensions.create(Extension(number=number, first_name=f"Person {number}"), id=extension_id)
    return api


@pytest.fixture
async def sounds(people: Api) -> Api:
    """The extensions and sounds of the page's examples, and one ring tone."""
    store, data = people.store, people.services.settings.data
    await store.prompts.save(Prompt(**silence(data, "demo.wav").model_dump()))
    music = (silence(data, "breeze.wav"),)
    await store.playlists.create(Playlist(list_name="SoftBreeze", play_order=PlayOrder.RANDOM, files=music))
    await store.ringtones.save(Ringtone(**silence(data, "Chime.mp3").model_dump()))
    return people


@pytest.fixture
def restarted(api: Api) -> Api:
    """The same store behind a new interface, as after a restart."""
    return replace(api, app=create_app(api.services))
