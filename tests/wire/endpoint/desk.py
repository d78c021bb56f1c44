"""An endpoint over UDP on loopback, and a door for it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ringdove.net.endpoint import Endpoint, Failure, Hop, IncomingRequest, OutgoingRequest, Timers
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri
from support.peer import Peer

FAST = Timers(t1=0.02, t2=0.08, t4=0.05, trying=0.01)
US = NameAddr(Uri.parse("sip:pbx@example.test"))


class Desk:
    """An endpoint with one UDP listener, what it was asked, and what came back."""

    def __init__(self, endpoint: Endpoint, address: tuple[str, int]) -> None:
        self.endpoint = endpoint
        self.address = address
        self.requests: asyncio.Queue[IncomingRequest] = asyncio.Queue()
        self.results: asyncio.Queue[Response | Failure] = asyncio.Queue()
        endpoint.on_request = self.requests.put_nowait

    @classmethod
    async def open(cls, **settings: Any) -> "Desk":
        endpoint = Endpoint(**({"timers": FAST} | settings))
        return cls(endpoint, await endpoint.listen("udp", "127.0.0.1", 0))

    def uri(self) -> str:
        return f"sip:pbx@{self.address[0]}:{self.address[1]}"

    def hop(self, peer: Peer) -> Hop:
        return Hop("udp", peer.host, peer.port, *self.address)

    def send(self, method: str, peer: Peer) -> OutgoingRequest:
        request = new_request(method, peer.uri, from_=US, contact=self.endpoint.contact(self.hop(peer), "pbx"))
        put = self.results.put_nowait
        return self.endpoint.send_request(request, self.hop(peer), on_response=put, on_failure=put)

    async def asked(self) -> IncomingRequest:
        return await asyncio.wait_for(self.requests.get(), 2)

    async def result(self) -> Response | Failure:
        return await asyncio.wait_for(self.results.get(), 2)

    async def status(self) -> int:
        result = await self.result()
        return result.status


@dataclass
class Porter:
    """A door that answers all in the same way, or with None lets them in, but does not hear some."""

    status: int | None = 401
    unwelcome: set[Hop] = field(default_factory=set)

    def admits(self, source: Hop) -> bool:
        return source not in self.unwelcome

    def trusts(self, source: Hop) -> bool:
        return False

    def strange(self, source: Hop, cost: float = 1.0) -> None:
        pass

    def answer(self, request: Request, source: Hop) -> Response | None:
        return None if self.status is None else request.reply(self.status, to_tag="door")
