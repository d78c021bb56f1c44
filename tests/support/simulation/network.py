"""A network that loses, repeats and delays datagrams, as its weather says."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from ringdove.net.transport import Receiver
from ringdove.sip.hop import Hop
from ringdove.sip.parser import parse

Address = tuple[str, int]


class Weather(Protocol):
    """What becomes of a datagram: the delays in seconds with which its copies arrive; none where it is lost."""

    def __call__(self) -> Iterable[float]: ...


STILL = 0.001
"""Seconds that a datagram takes where nothing interferes."""


def still() -> Iterable[float]:
    """Nothing is lost, and everything sent at once arrives at once."""
    return (STILL,)


@dataclass
class Storm:
    """`loss`, `repeats` and `strays` are shares of all datagrams; one that strays is overtaken by later ones."""

    dice: Random
    loss: float = 0.0
    repeats: float = 0.0
    strays: float = 0.0

    def __call__(self) -> Iterable[float]:
        copies = 2 if self.dice.random() < self.repeats else 1
        return [self._delay() for _ in range(copies) if self.dice.random() >= self.loss]

    def _delay(self) -> float:
        if self.dice.random() < self.strays:
            return self.dice.uniform(0.05, 1.5)
        return self.dice.uniform(0.001, 0.02)


@dataclass
class Network:
    """Carries datagrams between addresses. Made within the loop whose clock it goes by."""

    weather: Weather
    dead: set[str] = field(default_factory=set)
    """Hosts that are switched off: what goes to them or comes from them is lost."""
    refusing: set[str] = field(default_factory=set)
    """Hosts on which nobody listens any more, and that say so (ICMP)."""
    on_refusal: Callable[[Address, Address], None] | None = None
    """Is told who hears that nobody listens where, just before it hears so."""

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._nodes: dict[Address, SimulatedTransport] = {}

    async def listen(self, host: str, port: int, receiver: Receiver) -> "SimulatedTransport":
        """A listener, as an `Endpoint` wants it."""
        node = self._nodes[host, port] = SimulatedTransport(self, host, port, receiver)
        return node

    def carry(self, source: Address, target: Address, data: bytes) -> None:
        """Take a datagram."""
        if source[0] in self.dead:
            return
        for delay in self.weather():
            self._loop.call_later(delay, self._arrive, source, target, data)

    def _arrive(self, source: Address, target: Address, data: bytes) -> None:
        if target[0] in self.refusing:
            if source[0] not in self.dead:
                self._loop.call_later(STILL, self._refuse, source, target)
        elif target[0] not in self.dead and (node := self._nodes.get(target)) is not None:
            hop = Hop("udp", *source, *target)
            node.receiver.received(parse(data), hop, trusted=node.receiver.trusts(hop))

    def _refuse(self, source: Address, target: Address) -> None:
        if self.on_refusal is not None:
            self.on_refusal(source, target)
        if (node := self._nodes.get(source)) is not None:
            node.receiver.send_failed(Hop("udp", *target, *source))


@dataclass
class SimulatedTransport:
    """One listener on the network; see `ringdove.net.transport.Transport`."""

    network: Network
    host: str
    port: int
    receiver: Receiver

    def send(self, hop: Hop, data: bytes) -> None:
        """Give a datagram to the network."""
        self.network.carry((self.host, self.port), (hop.remote_host, hop.remote_port), data)

    def has_flow(self, hop: Hop) -> bool:
        """Always: datagrams need none."""
        return True

    async def connect(self, hop: Hop, within: float) -> bool:
        """There is nothing to connect."""
        return True

    def is_gone(self, hop: Hop) -> bool:
        """Never, as there was none."""
        return False

    async def close(self) -> None:
        """Hear no more."""
        self.network._nodes.pop((self.host, self.port), None)
