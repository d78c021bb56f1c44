"""The notifier (RFC 6665): hears what has changed, has it read, and tells it to those who want to know."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, ExtensionChanged, ExtensionDeleted, PhoneCame, PhoneReturned
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.net.endpoint import Endpoint, IncomingRequest
from ringdove.net.tasks import Tasks
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response

from .bystanders import Bystanders
from .outgoing import Outgoing
from .package import Package, Topic
from .subscribers import Subscribers
from .unsolicited import Name

log = structlog.get_logger(__name__)

TICK: Final = 1.0
"""Seconds between two looks at what has expired."""
GREETING: Final = 2.0
"""Seconds in which a phone that has registered may subscribe, before it is told without having asked."""
AGAIN: Final = 1.0
"""Seconds until the store, where it has failed, is asked again."""


class Notifier:
    """Tells phones what they have subscribed to, and some of it to phones that have not.

    `authenticate` says who sent a request, or gives the challenge to answer with. `extension` finds one by its id,
    `bindings` its live bindings. A restart forgets all subscriptions: phones subscribe anew when they are told
    `deactivated`, or when a refresh is answered 481. `greeting` is in seconds, `clock` counts them.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        bus: Bus,
        packages: Iterable[Package],
        *,
        authenticate: Callable[[Request, Hop], Awaitable[Extension | Response]],
        extension: Callable[[int], Awaitable[Extension | None]],
        bindings: Callable[[int], Sequence[StoredBinding]],
        clock: Callable[[], float] | None = None,
        greeting: float = GREETING,
    ) -> None:
        self._tasks = Tasks()
        self._bus = bus
        self._bindings = bindings
        self._greeting = greeting
        self._packages = {package.event: package for package in packages}
        self._outgoing = Outgoing(endpoint, self._packages)
        self._subscribers = Subscribers(
            self._outgoing,
            self._packages,
            authenticate=authenticate,
            extension=extension,
            bindings=bindings,
            clock=clock or endpoint.clock,
            read=self._read,
            run=self._tasks.run,
        )
        self._bystanders = Bystanders(self._outgoing, self._packages, bindings)
        self._to_read: dict[Topic, dict[Name, bool]] = {}
        """What may have changed, in the order in which it is read; which phones are told without having asked, and
        whether they are told in any case."""
        self._to_trace: set[tuple[str, object]] = set()
        """Events, by package, of which it is being found out what they touch."""
        self._news = asyncio.Event()
        self._unsubscribe: list[Callable[[], None]] = []
        self._stopping = False

    @property
    def events(self) -> frozenset[str]:
        """The names of the packages."""
        return frozenset(self._packages)

    @property
    def notified(self) -> Mapping[tuple[str, str], int]:
        """NOTIFYs by package, and by the class of their final response, such as `2xx`, or `none`."""
        return self._outgoing.notified

    @property
    def declined(self) -> int:
        """How many registered phones do not want to be told what they have not asked for."""
        return self._bystanders.declined

    def counts(self) -> dict[str, int]:
        """How many subscriptions there are, by package."""
        return self._subscribers.counts()

    def start(self) -> None:
        """Begin to listen and to look after subscriptions."""
        listen = self._bus.subscribe
        self._unsubscribe = [
            listen(ExtensionChanged, lambda event: self._tasks.run(self._subscribers.review(event.extension_id))),
            listen(ExtensionDeleted, lambda event: self._tasks.run(self._subscribers.review(event.extension_id))),
            listen(BindingsChanged, lambda event: self._bystanders.review(event.extension_id)),
            listen(PhoneCame, lambda event: self._came(Name(event.extension_id, event.key))),
            listen(PhoneReturned, lambda event: self._tell_of_its_own(Name(event.extension_id, event.key), True)),
        ]
        for package in self._packages.values():
            for kind in package.news:
                self._unsubscribe.append(listen(kind, partial(self._happened, package)))
        self._tasks.run(self._read_on())
        self._tasks.run(self._expire())

    def handle(self, incoming: IncomingRequest) -> None:
        """Answer a SUBSCRIBE outside dialogs."""
        self._subscribers.handle(incoming)

    async def drain(self) -> None:
        """End every subscription, so that phones begin new ones; returns when they have heard of it, or may have."""
        self._stopping = True
        await self._subscribers.drain()

    async def close(self) -> None:
        """Stop; what has not been ended is ended, and no answer awaited."""
        self._stopping = True
        while self._unsubscribe:
            self._unsubscribe.pop()()
        self._subscribers.close()
        await self._tasks.close()

    # What happens

    def _happened(self, package: Package, event: object) -> None:
        change = package.event, event
        if change not in self._to_trace:  # else what it touches is read after this anyway
            self._to_trace.add(change)
            self._tasks.run(self._touch(package, event))

    async def _touch(self, package: Package, event: object) -> None:
        """Have every state read that such an event can have changed."""
        while True:
            try:
                topics = await package.touched(event)
                break
            except Exception:  # the store: it is asked again
                log.exception("change_not_traced", event_package=package.event)
                await asyncio.sleep(AGAIN)
        self._to_trace.discard((package.event, event))
        for topic in topics:
            owner = package.audience(topic)
            self._read(topic, () if owner is None else self._bindings(owner))

    def _came(self, name: Name) -> None:
        """A phone has registered: give it the time to subscribe, then tell it, unless it is told nothing new."""
        if not self._stopping:
            asyncio.get_running_loop().call_later(self._greeting, self._tell_of_its_own, name, False)

    def _tell_of_its_own(self, name: Name, in_any_case: bool) -> None:
        """Tell a phone how things stand; `in_any_case` also where it shows that already if it has been switched on."""
        for package in self._packages.values():
            if (topic := package.own(name.extension_id)) is not None:
                phones = self._to_read.setdefault(topic, {})
                phones[name] = in_any_case or phones.get(name, False)
                self._news.set()

    # What is told

    def _read(self, topic: Topic, phones: Iterable[StoredBinding]) -> None:
        """Have a state read, and told to subscribers and, if it is their own, to these phones in any case."""
        told = self._to_read.setdefault(topic, {})
        if self._packages[topic.event].audience(topic) is not None:
            told.update({Name(binding.extension_id, binding.key): True for binding in phones})
        self._news.set()

    async def _read_on(self) -> None:
        """Read what may have changed: one state at a time, and each once however often it changed meanwhile."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._to_read:
                topic = next(iter(self._to_read))
                phones = self._to_read.pop(topic)
                try:
                    await self._tell(topic, phones)
                except Exception:  # the store: it is read again
                    log.exception("state_not_told", event_package=topic.event)
                    certain = {name: True for name, in_any_case in phones.items() if in_any_case}
                    self._to_read[topic] = phones | self._to_read.get(topic, {}) | certain
                    self._news.set()
                    await asyncio.sleep(AGAIN)

    async def _tell(self, topic: Topic, phones: Mapping[Name, bool]) -> None:
        package = self._packages[topic.event]
        state = await package.state(topic)
        self._subscribers.learn(topic, state)
        if self._stopping:
            return
        worth = package.is_worth_telling(state)
        for name, in_any_case in phones.items():
            binding = self._bystanders.find(name) if in_any_case or worth else None
            if binding is not None and not self._subscribers.include(binding, topic):
                self._bystanders.tell(binding, topic, state)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                self._subscribers.tick()
            except Exception:  # a fault of ours: the others expire all the same
                log.exception("expiry_failed")
