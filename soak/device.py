"""A phone that stays registered, is restarted, vanishes and comes back, with an owner who does as they please."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from random import Random
from typing import Any

from ringdove.demo.incoming import BUSY, DECLINED, Answer, Behaviour, IncomingLine, LetRing, Refuse
from ringdove.demo.line import Line
from ringdove.demo.outgoing import OutgoingLine
from ringdove.demo.phone import Phone, RegistrationRefused, Wiring
from ringdove.settings import HostPort

from .caller import PITCHES
from .lamp import Subscription
from .ledger import Ledger
from .network import Network, Weather
from .world import Person

SUBSCRIBED = 60
"""Seconds of a subscription, the least there may be: those of phones that vanished end soon."""
_REGISTERING = 40.0
"""Seconds within which the server answers a REGISTER; with that the transaction has ended in any case."""


class Device:
    """One piece of hardware: its instance-id, if it has one, stays; its phone is another one after each restart."""

    def __init__(
        self, person: Person, transport: str, servers: Mapping[str, HostPort], weather: Weather, ledger: Ledger
    ) -> None:
        self.person = person
        self.phone: Phone | None = None
        """None while it is off."""
        self._transport = transport
        self._servers = servers
        self._weather = weather
        self._ledger = ledger
        known = weather.random.random() < 0.7  # else it is a new phone to the server after each restart
        self._instance = uuid.UUID(int=weather.random.getrandbits(128), version=4).urn if known else ""
        self._subscribes = weather.random.random() < 0.5
        self.subscription: Subscription | None = None
        """To its mailbox; the others are told of messages without asking."""
        self._network: Network
        self._staying: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._buried: list[Phone] = []
        """Phones whose cable was pulled: their sockets are still there."""
        self.refused: Callable[[str], None] = lambda _: None
        """Is told why a registration was refused."""

    @property
    def random(self) -> Random:
        """Where its owner's whims come from."""
        return self._weather.random

    async def switch_on(self, *, registered: bool = True) -> None:
        """Start it, behind a new port; it registers, and from then on again and again."""
        self._network = Network(self._weather)
        wiring = Wiring(self._transport, self._network.transports, self._network.open)
        pitch, server = self.random.choice(PITCHES), self._servers[self._transport]
        phone = Phone(self.person.account, server, pitch=pitch, wiring=wiring, instance=self._instance)
        phone.behave = self._behave
        self._ledger.watch(phone)
        await phone.start()
        self.phone = phone
        if registered:
            self._staying = asyncio.create_task(self._stay(phone))
            if self._subscribes:
                self.subscription = Subscription(phone)
                self._watching = asyncio.create_task(self._watch(self.subscription))

    async def vanish(self, *, cable: bool = False) -> None:
        """Lose power, or with `cable` the network; nobody is told."""
        phone = self._forget()
        if phone is None:
            return
        if cable and self._transport == "udp":
            self._network.cut()
            for line in list(phone.lines):
                line.lose()
            self._buried.append(phone)
        else:
            await phone.vanish()

    async def register(self, expires: int | None = None) -> None:
        """Register now, or with 0 no longer."""
        if self.phone is not None:
            await self._register(self.phone, expires)

    async def unregister_all(self) -> None:
        """Have every phone of this person forgotten."""
        if self.phone is not None:
            await self._ask(self.phone, self.phone.unregister_all())

    def stay_away(self) -> None:
        """Renew the registration no more."""
        for task in (self._staying, self._watching):
            if task is not None:
                task.cancel()
        self._staying = self._watching = None

    async def close(self) -> None:
        """Switch it off for good."""
        phone = self._forget()
        for each in (*self._buried, *([phone] if phone else ())):
            await each.close()
        self._buried.clear()

    @property
    def stays(self) -> bool:
        """Whether its owner is in a talk that they began: somebody has to be left to end it."""
        return self.phone is not None and any(
            isinstance(line, OutgoingLine) and line.state.is_up for line in self.phone.lines
        )

    def _forget(self) -> Phone | None:
        self.stay_away()
        phone, self.phone, self.subscription = self.phone, None, None
        return phone

    async def _stay(self, phone: Phone) -> None:
        while True:
            expires = self.random.randint(60, 180)
            await self._register(phone, expires)
            await asyncio.sleep(self.random.uniform(0.3, 0.8) * expires)

    async def _watch(self, subscription: Subscription) -> None:
        while True:
            await subscription.renew(SUBSCRIBED)
            await asyncio.sleep(self.random.uniform(0.3, 0.6) * SUBSCRIBED)

    async def _register(self, phone: Phone, expires: int | None) -> None:
        await self._ask(phone, phone.register(self.random.randint(60, 180) if expires is None else expires))

    async def _ask(self, phone: Phone, registering: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(_REGISTERING):
                await registering
        except (RegistrationRefused, TimeoutError) as why:
            if phone is self.phone:  # else it vanished meanwhile
                self.refused(f"a registration failed: {str(why) or self.person.number + ': no answer'}")

    def _behave(self, line: IncomingLine) -> Behaviour:
        """What the owner does about a call that comes."""
        random = self.random
        engaged = any(other.state.is_up for other in line.phone.lines)
        what = random.choices(("answer", "at once", "busy", "decline", "odd", "ignore"), (30, 4, 8, 6, 4, 48))[0]
        if engaged and random.random() < 0.7:
            what = "busy"
        match what:
            case "answer":
                return Answer(random.uniform(0.2, 5.0))
            case "at once":
                return Answer()
            case "busy":
                return Refuse(BUSY, random.uniform(0.0, 1.0))
            case "decline":
                return Refuse(DECLINED, random.uniform(0.2, 3.0))
            case "odd":
                return Refuse(random.choice((404, 480, 488, 500, 600)), random.uniform(0.0, 2.0))
        return LetRing()


async def talk(line: Line, random: Random, longest: float) -> None:
    """Be in a talk: hold and resume now and then, by both ways to do so, and hang up in the end.

    Returns at once where the other side has ended it.
    """
    lasts = 0.0 if random.random() < 0.1 else random.uniform(0.2, longest)
    with suppress(TimeoutError):
        async with asyncio.timeout(lasts):
            while random.random() < 0.5:
                await asyncio.sleep(random.uniform(0.2, 2.0))
                line.hold(random.choice(("INVITE", "UPDATE")))
                await asyncio.sleep(random.uniform(0.1, 1.5))
                line.resume(random.choice(("INVITE", "UPDATE")))
            await line.over()
    if line.ending is None:
        line.hang_up()
