"""The notifier: answers SUBSCRIBE, sends NOTIFY, and has states read when they may have changed (RFC 6665)."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, ExtensionChanged, ExtensionDeleted, PhoneCame
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.net.endpoint import Endpoint, Failure, IncomingRequest
from ringdove.sip.dialog import Dialog, DialogId, new_request
from ringdove.sip.event import Event
from ringdove.sip.headers import NameAddr
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response, refusal_of
from ringdove.sip.reach import reach
from ringdove.sip.uri import Uri
from ringdove.sip.validator import Rejection

from .package import Package, State, Topic
from .request import COME_BACK, accepts, granted
from .subscriptions import Action, Ending, Notify, Over, Read, Subscriptions
from .unasked import STANDING, Name, Tell, Unasked

log = structlog.get_logger(__name__)

TICK: Final = 1.0
"""Seconds between two looks at what has expired."""
GREETING: Final = 2.0
"""Seconds in which a phone that has registered may subscribe, before it is told without having asked."""
AGAIN: Final = 1.0
"""Seconds until a state that could not be read is read again."""
FAREWELL: Final = 3.0
"""Seconds in which a last NOTIFY that was lost is sent again, twice over UDP."""
_BATCH: Final = 50
"""Subscriptions that are ended in one turn of the loop, and what their NOTIFYs leave room for in a socket's buffer."""


@dataclass(slots=True)
class _Held:
    """A subscription's dialog. `hop` is where its messages go."""

    dialog: Dialog
    hop: Hop
    event: Event

    def is_of(self, binding: StoredBinding) -> bool:
        """Whether the phone that subscribed is the one that registered so."""
        there, registered = self.dialog.remote_target, Uri.parse(binding.contact)
        if (there.user, there.host, there.port) == (registered.user, registered.host, registered.port):
            return True
        return not binding.path and self.hop.remote == Hop.of_binding(binding).remote


class Notifier:
    """Tells phones what they have subscribed to, and some of it to phones that have not.

    `authenticate` says who sent a request, or gives the challenge to answer with. `extension` finds one by its id,
    `bindings` its live bindings. A restart forgets all subscriptions: phones subscribe anew when they are told
    `deactivated`, or when a refresh is answered 481.
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
        self._endpoint = endpoint
        self._bus = bus
        self._packages = {package.event: package for package in packages}
        self._authenticate = authenticate
        self._extension = extension
        self._bindings = bindings
        self._clock = clock or endpoint.clock
        self._greeting = greeting
        self._subscriptions = Subscriptions()
        self._held: dict[DialogId, _Held] = {}
        self._unasked = Unasked()
        self._to_read: dict[Topic, dict[Name, bool]] = {}
        """What may have changed, in the order in which it is read; which phones are told without having asked, and
        whether they are told in any case."""
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: list[Callable[[], None]] = []
        self._stopping = False
        self.notified: Counter[tuple[str, str]] = Counter()
        """NOTIFYs with a final response, or without any, by the package and its class, such as `2xx`, or `none`."""

    @property
    def events(self) -> frozenset[str]:
        """The names of the packages."""
        return frozenset(self._packages)

    def counts(self) -> dict[str, int]:
        """How many subscriptions there are, by package."""
        counts = Counter(held.event.package for held in self._held.values())
        return {event: counts[event] for event in self._packages}

    @property
    def declined(self) -> int:
        """How many phones do not want to be told what they have not asked for."""
        return self._unasked.declined

    def start(self) -> None:
        """Begin to listen and to look after subscriptions."""
        listen = self._bus.subscribe
        self._unsubscribe = [
            listen(ExtensionChanged, lambda event: self._run(self._review(event.extension_id))),
            listen(ExtensionDeleted, lambda event: self._run(self._review(event.extension_id))),
            listen(BindingsChanged, lambda event: self._forget_bindings(event.extension_id)),
            listen(PhoneCame, lambda event: self._came(Name(event.extension_id, event.key))),
        ]
        for package in self._packages.values():
            for kind in package.news:
                self._unsubscribe.append(listen(kind, partial(self._happened, package)))
        self._run(self._read_on())
        self._run(self._expire())

    async def drain(self) -> None:
        """End every subscription, so that phones begin new ones; returns when they have heard of it, or may have."""
        self._stopping = True
        for number, id_ in enumerate(list(self._subscriptions)):
            self._perform(self._subscriptions.end(id_, Ending.DEACTIVATED, self._clock()))
            if number % _BATCH == _BATCH - 1:
                await asyncio.sleep(0.01)
        await self._endpoint.all_answered("NOTIFY", patience=FAREWELL)

    async def close(self) -> None:
        """Stop; what has not been ended is ended, and no answer awaited."""
        self._stopping = True
        while self._unsubscribe:
            self._unsubscribe.pop()()
        for id_ in list(self._subscriptions):
            self._perform(self._subscriptions.end(id_, Ending.DEACTIVATED, self._clock()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What phones want

    def handle(self, incoming: IncomingRequest) -> None:
        """Answer a SUBSCRIBE outside dialogs."""
        self._run(self._answer(incoming))

    async def _answer(self, incoming: IncomingRequest) -> None:
        try:
            await self._subscribe(incoming)
        except Exception:
            log.exception("subscribe_failed", source=str(incoming.source))
            incoming.reply(500)

    async def _subscribe(self, incoming: IncomingRequest) -> None:
        request, event = incoming.request, Event.of(incoming.request)
        watcher = await self._authenticate(request, incoming.source)
        if isinstance(watcher, Response):
            incoming.respond(watcher)
            return
        package, seconds = self._packages.get(event.package), granted(request)
        if package is None:
            incoming.reply(489, headers=[self._allowed()])
        elif isinstance(seconds, Rejection):
            incoming.respond(seconds.response(request, incoming.local_tag))
        elif not accepts(request, package.content_type):
            incoming.reply(406, headers=[("Accept", package.content_type)])
        elif (topic := await package.topic(watcher, request.target.user or "")) is None:
            incoming.reply(403)
        elif self._stopping or self._subscriptions.is_full:
            incoming.reply(503, headers=[COME_BACK])
        else:
            self._begin(incoming, watcher, event, topic, seconds)

    def _begin(self, incoming: IncomingRequest, watcher: Extension, event: Event, topic: Topic, seconds: int) -> None:
        request = incoming.request
        next_hop = (request.record_routes or request.contacts)[0].uri
        hop = reach(next_hop, request, incoming.source)
        secure = request.target.scheme == "sips"
        dialog = Dialog.as_uas(request, incoming.local_tag, self._endpoint.contact(hop, secure=secure))
        self._held[dialog.id] = held = _Held(dialog, hop, event)
        self._endpoint.attach(dialog.id, partial(self._within, held))
        incoming.respond(dialog.respond(request, 200, headers=[("Expires", str(seconds)), self._allowed()]))
        log.debug("subscribed", event_package=event.package, extension=watcher.id, sip_call_id=request.call_id)
        self._perform(self._subscriptions.begin(dialog.id, watcher.id, topic, seconds, self._clock()))

    def _within(self, held: _Held, incoming: IncomingRequest) -> None:
        """A request in a subscription's dialog: a refresh, or an end."""
        request, dialog = incoming.request, held.dialog
        seconds = granted(request)
        if request.method != "SUBSCRIBE":
            status = 200 if request.method == "OPTIONS" else refusal_of(request.method)
            incoming.respond(dialog.respond(request, status, headers=[("Allow", "SUBSCRIBE, OPTIONS")]))
        elif not self._subscriptions.is_live(dialog.id):
            incoming.respond(dialog.respond(request, 481))
        elif Event.of(request) != held.event:
            incoming.respond(dialog.respond(request, 489, headers=[self._allowed()]))  # one usage a dialog (§4.5.2)
        elif isinstance(seconds, Rejection):
            incoming.respond(seconds.response(request, dialog.id.local_tag))
        elif (late := dialog.accept(request)) is not None:
            incoming.respond(late.response(request, dialog.id.local_tag))
        else:
            held.hop = reach(dialog.next_hop, request, incoming.source, held.hop)
            incoming.respond(dialog.respond(request, 200, headers=[("Expires", str(seconds)), self._allowed()]))
            self._perform(self._subscriptions.refresh(dialog.id, seconds, self._clock()))

    def _allowed(self) -> tuple[str, str]:
        return "Allow-Events", ", ".join(sorted(self._packages))

    # What happens

    def _happened(self, package: Package, event: object) -> None:
        self._run(self._touch(package, event))

    async def _touch(self, package: Package, event: object) -> None:
        for topic in await package.touched(event):
            owner = package.audience(topic)
            phones = () if owner is None else self._bindings(owner)
            self._read(topic, {Name(binding.extension_id, binding.key): True for binding in phones})

    def _came(self, name: Name) -> None:
        """A phone has registered: give it the time to subscribe, then tell it, unless it is told nothing new."""
        if not self._stopping:
            asyncio.get_running_loop().call_later(self._greeting, self._greet, name)

    def _greet(self, name: Name) -> None:
        for package in self._packages.values():
            if (topic := package.own(name.extension_id)) is not None:
                self._read(topic, {name: False})

    def _forget_bindings(self, extension_id: int) -> None:
        self._unasked.keep(extension_id, {binding.key for binding in self._bindings(extension_id)})

    async def _review(self, extension_id: int) -> None:
        """See whether an extension whose settings changed may still be told things."""
        extension = await self._extension(extension_id)
        if extension is None or not extension.enabled:
            self._perform(self._subscriptions.end_all_of(extension_id, self._clock()))

    def _read(self, topic: Topic, phones: dict[Name, bool]) -> None:
        """Have a state read, and told to subscribers and to these phones."""
        told = self._to_read.setdefault(topic, {})
        for name, in_any_case in phones.items():
            told[name] = told.get(name, False) or in_any_case
        self._news.set()

    async def _read_on(self) -> None:
        """Read what may have changed: one state at a time, and each once however often it changed meanwhile."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._to_read:
                topic = next(iter(self._to_read))
                phones = self._to_read.pop(topic)
                package = self._packages[topic.event]
                try:
                    state = await package.state(topic)
                    self._perform(self._subscriptions.learn(topic, state, self._clock()))
                    self._tell(package, topic, state, phones)
                except Exception:
                    log.exception("state_not_told", event_package=topic.event)
                    self._read(topic, phones)
                    await asyncio.sleep(AGAIN)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._perform(self._subscriptions.tick(self._clock()))

    # What subscribers are told

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Read(topic):
                    self._read(topic, {})
                case Notify():
                    self._notify(action)
                case Over(id_):
                    held = self._held.pop(id_)
                    self._endpoint.detach(held.dialog.id)
                    log.debug("unsubscribed", event_package=held.event.package, sip_call_id=held.dialog.id.call_id)

    def _notify(self, notify: Notify) -> None:
        held, package = self._held[notify.id], self._packages[notify.topic.event]
        body = b"" if notify.state is None else package.body(notify.state, held.dialog.contact)
        request = held.dialog.request(
            "NOTIFY",
            body=body,
            content_type=package.content_type,
            headers=[("Event", str(held.event)), ("Subscription-State", notify.standing), self._allowed()],
        )

        def answered(response: Response) -> None:
            held.dialog.learn(response)

        def over(status: int) -> None:
            self._perform(self._subscriptions.answered(notify.id, status, self._clock()))

        self._send(package, request, held.hop, over, answered)

    # What others are told

    def _tell(self, package: Package, topic: Topic, state: State, phones: dict[Name, bool]) -> None:
        worth = package.is_worth_telling(state)
        told = [name for name, in_any_case in phones.items() if in_any_case or worth]
        for name in told if not self._stopping else ():
            binding = self._find(name)
            if binding is not None and not self._has_asked(binding, topic):
                self._send_unasked(self._unasked.tell(name, _registration(binding), topic, state))

    def _has_asked(self, binding: StoredBinding, topic: Topic) -> bool:
        subscriptions = self._subscriptions.of(binding.extension_id, topic)
        return any(self._held[id_].is_of(binding) for id_ in subscriptions)

    def _find(self, name: Name) -> StoredBinding | None:
        """A phone that is there and answers."""
        return next((binding for binding in self._bindings(name.extension_id) if binding.key == name.key), None)

    def _send_unasked(self, tell: Iterable[Tell]) -> None:
        for name, topic, state in [(one.name, one.topic, one.state) for one in tell]:
            package = self._packages[topic.event]
            binding = self._find(name)
            over = partial(self._told, name)
            if binding is None:
                over(408)
            else:
                self._send(package, self._unasked_request(package, binding, state), Hop.of_binding(binding), over)

    def _told(self, name: Name, status: int) -> None:
        self._send_unasked(self._unasked.answered(name, status))

    def _unasked_request(self, package: Package, binding: StoredBinding, state: State) -> Request:
        target = Uri.parse(binding.contact).without_headers()
        here = self._endpoint.contact(Hop.of_binding(binding), secure=target.scheme == "sips")
        return new_request(
            "NOTIFY",
            target,
            from_=NameAddr(here),
            contact=here,
            routes=binding.path,
            body=package.body(state, here),
            content_type=package.content_type,
            headers=[("Event", package.event), ("Subscription-State", STANDING), self._allowed()],
        )

    def _send(
        self,
        package: Package,
        request: Request,
        hop: Hop,
        over: Callable[[int], None],
        heard: Callable[[Response], None] = lambda _: None,
    ) -> None:
        """Send a NOTIFY; `over` gets the final status, 408 where none came."""

        def answered(response: Response) -> None:
            if response.is_final:
                self.notified[package.event, f"{response.status // 100}xx"] += 1
                heard(response)
                over(response.status)

        def failed(_: Failure) -> None:
            self.notified[package.event, "none"] += 1
            over(408)

        self._endpoint.send_request(request, hop, on_response=answered, on_failure=failed)

    # Tasks

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            if (error := task.exception()) is not None:
                log.error("task_failed", task=task.get_name(), exc_info=error)


def _registration(binding: StoredBinding) -> tuple[str, ...]:
    """What a phone keeps from one refresh to the next, and not when it was started anew (RFC 3261 §10.2.4)."""
    return binding.call_id, binding.transport, binding.remote_host, str(binding.remote_port)
