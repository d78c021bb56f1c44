"""A notifier on real sockets, beside a registrar and a store."""

import itertools
import time
from collections.abc import Sequence

import pytest

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxChanged
from ringdove.guard.guard import Guard
from ringdove.model.extension import Extension
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import Mailbox, MailboxKind, MessageCount, NewMessage, VmGroup
from ringdove.net.endpoint import Endpoint, IncomingRequest, Timers
from ringdove.notifier import MessageSummary, Notifier
from ringdove.notifier.package import Topic
from ringdove.registrar import Authenticator, Registrar
from ringdove.registrar.doorman import Doorman
from ringdove.sip.digest import Realm
from ringdove.store import Store
from support.api import Person
from support.phones import Phone
from support.ports import free_port

SHORT = Timers(t1=0.02, t2=0.04, t4=0.05)
"""A NOTIFY is given up after 1.28 s."""
SOON, NEVER = 0.2, 600.0
"""Seconds after which a phone that has registered is told what waits."""
greets = pytest.mark.parametrize("server", [SOON], indirect=True)
"""Such a test has a server that tells phones so; others need not wait for that."""


class Summary(MessageSummary):
    """The package, with a store that fails so many times, asked for a state or for whom a change concerns."""

    failures = 0
    lost = 0
    traced = 0
    """How often it was asked whom a change concerns."""

    async def state(self, topic: Topic) -> MessageCount:
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        return await super().state(topic)

    async def touched(self, event: MailboxChanged) -> Sequence[Topic]:
        self.traced += 1
        if self.lost:
            self.lost -= 1
            raise OSError("the disk is full")
        return await super().touched(event)


class Server:
    """A notifier beside a registrar, with sockets and a store; `ahead` is how far its clock is ahead of the world's."""

    sip_tls: tuple[str, int]

    def __init__(self, store: Store, greeting: float) -> None:
        self.store = store
        self.ahead = 0.0
        self.summary = Summary(store, "*2")
        self.bus = Bus()
        self.endpoint = Endpoint(timers=SHORT)
        guard = Guard()
        authenticator = Authenticator(store, Realm("ringdove"), guard)
        self.registrar = Registrar(store, authenticator, self.bus, clock=lambda: time.time() + self.ahead)
        self.notifier = Notifier(
            self.endpoint,
            self.bus,
            [self.summary],
            authenticate=authenticator.check,
            extension=store.extensions.get,
            bindings=self.registrar.bindings,
            clock=lambda: self.endpoint.clock() + self.ahead,
            greeting=greeting,
        )
        self.endpoint.door = Doorman(guard, authenticator, lambda: True, events=self.notifier.events)
        self.endpoint.on_request = self._dispatch
        self._recordings = itertools.count()

    async def start(self) -> None:
        await self.registrar.start()
        self.notifier.start()
        self.sip = "127.0.0.1", free_port()
        for transport in ("udp", "tcp"):
            await self.endpoint.listen(transport, *self.sip)

    async def stop(self) -> None:
        await self.notifier.close()
        await self.registrar.close()
        await self.endpoint.close()
        await self.store.close()

    def _dispatch(self, incoming: IncomingRequest) -> None:
        part = self.registrar if incoming.request.method == "REGISTER" else self.notifier
        part.handle(incoming)

    async def phone(self, number: str, transport: str = "udp") -> Phone:
        """A phone of a new extension, not registered."""
        made = await self.store.extensions.create(Extension(number=number))
        return await self.another(Person(made.id, number, made.reg_name, made.reg_password), transport)

    async def another(self, person: Person, transport: str = "udp") -> Phone:
        """Another phone of somebody."""
        return await Phone.of(self, person, transport)

    async def leave(self, mailbox: Mailbox, times: int = 1) -> None:
        """Messages come into a mailbox."""
        for _ in range(times):
            message = NewMessage(caller_number="1", time=0, seconds=1, digest="0" * 64, size=1)
            await self.store.messages.deliver(str(next(self._recordings)), [mailbox], message)
        self.bus.publish(MailboxChanged(mailbox))

    async def share(self, number: str, *phones: Phone) -> Mailbox:
        """A group voicemail that they share."""
        members = tuple(Ref(ObjectKind.EXTENSION, phone.person.id) for phone in phones)
        made = await self.store.vm_groups.create(VmGroup(number=number, name=f"Group {number}", members=members))
        return made.mailbox

    @property
    def subscriptions(self) -> int:
        return self.notifier.counts()["message-summary"]


def box(phone: Phone) -> Mailbox:
    """The mailbox of the extension that a phone belongs to."""
    return Mailbox(MailboxKind.EXTENSION, phone.person.id)
