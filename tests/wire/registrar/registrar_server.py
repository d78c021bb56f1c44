"""A registrar on real sockets, and phones of its one extension."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged
from ringdove.guard.guard import Guard
from ringdove.model.binding import StoredBinding
from ringdove.net.endpoint import Endpoint, Failure, OutgoingRequest, Timers
from ringdove.registrar import Authenticator, KeepAlive, Registrar
from ringdove.registrar.doorman import Doorman
from ringdove.sip.digest import Realm
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.store import Store
from wire.registrar.scripted_phone import PATIENCE, ScriptedPhone

PASSWORD = "Gr4ss-hoppers-sing"
SHORT = Timers(t1=0.01, t2=0.02, t4=0.05)


class TappedEndpoint(Endpoint):
    """An endpoint that tells when a request of ours has failed."""

    def __init__(self) -> None:
        super().__init__(timers=SHORT)
        self.failures: asyncio.Queue[Failure] = asyncio.Queue()

    def send_request(
        self,
        request: Request,
        hop: Hop,
        *,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> OutgoingRequest:
        def failed(failure: Failure) -> None:
            on_failure(failure)
            self.failures.put_nowait(failure)

        return super().send_request(request, hop, on_response=on_response, on_failure=failed)


class Server:
    """A registrar with sockets and a store; `ahead` is how many seconds its clock is ahead of the world's."""

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'ringdove.db'}"
        self.ahead = 0.0
        self.events: asyncio.Queue[int] = asyncio.Queue()

    async def start(self) -> None:
        self.store = await Store.open(self._url)
        self.bus = Bus()
        self.bus.subscribe(BindingsChanged, lambda event: self.events.put_nowait(event.extension_id))
        self.endpoint = TappedEndpoint()
        guard = Guard()
        authenticator = Authenticator(self.store, Realm("ringdove"), guard)
        self.endpoint.door = Doorman(guard, authenticator, lambda: True, events=())
        self.registrar = Registrar(self.store, authenticator, self.bus, clock=lambda: time.time() + self.ahead)
        self.keepalive = KeepAlive(self.endpoint, self.registrar, interval=30.0, failures=2, clock=lambda: self.ahead)
        self.endpoint.on_request = self.registrar.handle
        self.endpoint.on_flow_closed(self.registrar.on_flow_closed)
        await self.registrar.start()
        self.udp = await self.endpoint.listen("udp", "127.0.0.1", 0)
        self.tcp = await self.endpoint.listen("tcp", "127.0.0.1", 0)

    async def stop(self) -> None:
        await self.registrar.close()
        await self.endpoint.close()
        await self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def phone(self, transport: str) -> ScriptedPhone:
        return await (ScriptedPhone.udp(self.udp) if transport == "udp" else ScriptedPhone.tcp(self.tcp))

    async def changed(self) -> int:
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def saves(self, binding: StoredBinding) -> None:
        """Return once the store has it so."""
        async with asyncio.timeout(PATIENCE):
            while binding not in await self.store.bindings.all():  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.01)

    async def saved(self) -> list[str]:
        return [binding.contact for binding in await self.store.bindings.all()]


async def register(phone: ScriptedPhone, *contacts: str, **more: Any) -> Response:
    """Register these contacts, by default the phone's own, with the right password."""
    return await phone.register(*(contacts or [f"<{phone.contact}>"]), password=PASSWORD, **more)


def listed(response: Response) -> set[str]:
    """The contacts in a 200."""
    assert response.status == 200
    assert all(contact.param("expires") for contact in response.contacts)
    return {str(contact.uri) for contact in response.contacts}
