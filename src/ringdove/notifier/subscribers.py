"""Phones that have subscribed: answers SUBSCRIBE, keeps the dialogs, sends NOTIFY; the shell round `subscriptions`."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.dialog import Dialog, DialogId
from ringdove.sip.event import Event
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response, refusal_of
from ringdove.sip.reach import reach
from ringdove.sip.uri import Uri
from ringdove.sip.validator import Rejection

from .outgoing import Outgoing
from .package import Package, State, Topic
from .request import COME_BACK, accepts, granted
from .subscriptions import Action, Ending, Notify, Over, Read, Subscriptions

log = structlog.get_logger(__name__)

FAREWELL: Final = 3.0
"""Seconds in which a last NOTIFY that was lost is sent again, twice over UDP."""
_BATCH: Final = 50
"""Subscriptions that are ended in one turn of the loop: that many NOTIFYs a socket's buffer has room for."""


@dataclass(slots=True)
class _Held:
    """A subscription's dialog. `hop` is where its messages go; `watcher` subscribed to a URI with this `user`."""

    dialog: Dialog
    hop: Hop
    event: Event
    topic: Topic
    watcher: int
    user: str

    def is_of(self, binding: StoredBinding) -> bool:
        """Whether the phone that subscribed is the one that registered so."""
        there, registered = self.dialog.remote_target, Uri.parse(binding.contact)
        if (there.user, there.host, there.port) == (registered.user, registered.host, registered.port):
            return True
        return not binding.path and self.hop.remote == Hop.of_binding(binding).remote


class Subscribers:
    """All subscriptions of a node.

    What is to be read is told to `read`; with it, where a phone knew nothing of its subscription any more, the binding
    of that phone, which is still to be told. Work that waits is handed to `run`.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        packages: Mapping[str, Package],
        *,
        authenticate: Callable[[Request, Hop], Awaitable[Extension | Response]],
        extension: Callable[[int], Awaitable[Extension | None]],
        bindings: Callable[[int], Sequence[StoredBinding]],
        clock: Callable[[], float],
        read: Callable[[Topic, Sequence[StoredBinding]], None],
        run: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._outgoing = outgoing
        self._endpoint = outgoing.endpoint
        self._packages = packages
        self._authenticate = authenticate
        self._extension = extension
        self._bindings = bindings
        self._clock = clock
        self._read = read
        self._run = run
        self._subscriptions = Subscriptions()
        self._held: dict[DialogId, _Held] = {}
        self._stopping = False

    def counts(self) -> dict[str, int]:
        """How many subscriptions there are, by package."""
        counts = Counter(held.topic.event for held in self._held.values())
        return {event: counts[event] for event in self._packages}

    def include(self, binding: StoredBinding, topic: Topic) -> bool:
        """Whether this phone has subscribed to that."""
        subscriptions = self._subscriptions.of(binding.extension_id, topic)
        return any(self._held[id_].is_of(binding) for id_ in subscriptions)

    # What happens

    def learn(self, topic: Topic, state: State) -> None:
        """Tell who has to know how it is with a topic now."""
        self._perform(self._subscriptions.learn(topic, state, self._clock()))

    def tick(self) -> None:
        """End what has expired."""
        self._perform(self._subscriptions.tick(self._clock()))

    async def review(self, extension_id: int) -> None:
        """See whether an extension whose settings changed may still subscribe."""
        extension = await self._extension(extension_id)
        if extension is None or not extension.enabled:
            self._perform(self._subscriptions.end_all_of(extension_id, self._clock()))

    async def drain(self) -> None:
        """End all, so that phones begin anew, and take no more; returns when they have heard of it, or may have."""
        self._stopping = True
        for number, id_ in enumerate(list(self._subscriptions), 1):
            self._end(id_, Ending.DEACTIVATED)
            if number % _BATCH == 0:
                await asyncio.sleep(0.01)
        await self._endpoint.all_answered("NOTIFY", patience=FAREWELL)

    def close(self) -> None:
        """End what is left, and await no answer."""
        self._stopping = True
        for id_ in list(self._subscriptions):
            self._end(id_, Ending.DEACTIVATED)

    # What phones want

    def handle(self, incoming: IncomingRequest) -> None:
        """Answer a SUBSCRIBE outside dialogs."""
        self._run(self._answer(incoming, partial(self._subscribe, incoming)))

    async def _answer(self, incoming: IncomingRequest, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:  # the store, or a fault of ours: nobody waits in vain
            log.exception("subscribe_failed", source=str(incoming.source), sip_call_id=incoming.request.call_id)
            incoming.reply(500)

    async def _subscribe(self, incoming: IncomingRequest) -> None:
        request, event = incoming.request, Event.of(incoming.request)
        watcher = await self._authenticate(request, incoming.source)
        if isinstance(watcher, Response):
            incoming.respond(watcher)
            return
        package, seconds = self._packages.get(event.package), granted(request)
        if package is None:
            incoming.reply(489, headers=[self._outgoing.allowed])
        elif isinstance(seconds, Rejection):
            incoming.respond(seconds.response(request, incoming.local_tag))
        elif not request.contacts:
            incoming.reply(400, "Bad Request (Contact: is missing)")  # where a NOTIFY would go
        elif not accepts(request, package.content_type):
            incoming.reply(406, headers=[("Accept", package.content_type)])
        elif (topic := await package.topic(watcher, request.target.user or "")) is None:
            incoming.reply(403)
        elif self._stopping or self._subscriptions.is_full(watcher.id):
            incoming.reply(503, headers=[COME_BACK])
        else:
            self._begin(incoming, watcher, event, topic, seconds)

    def _begin(self, incoming: IncomingRequest, watcher: Extension, event: Event, topic: Topic, seconds: int) -> None:
        request = incoming.request
        next_hop = (request.record_routes or request.contacts)[0].uri
        hop = reach(next_hop, request, incoming.source)
        contact = self._endpoint.contact(hop, secure=request.target.scheme == "sips")
        dialog = Dialog.as_uas(request, incoming.local_tag, contact)
        held = _Held(dialog, hop, event, topic, watcher.id, request.target.user or "")
        self._held[dialog.id] = held
        self._endpoint.attach(dialog.id, partial(self._within, held))
        incoming.respond(self._grant(dialog, request, seconds))
        log.debug("subscribed", event_package=topic.event, extension=watcher.number, sip_call_id=request.call_id)
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
            incoming.respond(dialog.respond(request, 489, headers=[self._outgoing.allowed]))  # one usage each (§4.5.2)
        elif isinstance(seconds, Rejection):
            incoming.respond(seconds.response(request, dialog.id.local_tag))
        elif (late := dialog.accept(request)) is not None:
            incoming.respond(late.response(request, dialog.id.local_tag))
        else:
            held.hop = reach(dialog.next_hop, request, incoming.source, held.hop)
            self._run(self._answer(incoming, partial(self._refresh, held, incoming, seconds)))

    async def _refresh(self, held: _Held, incoming: IncomingRequest, seconds: int) -> None:
        """Go on as asked, where the phone's owner may still know: who left a group shares its mailbox no longer."""
        request, dialog = incoming.request, held.dialog
        may = seconds == 0 or await self._may(held)
        if not self._subscriptions.is_live(dialog.id):
            incoming.respond(dialog.respond(request, 481))
        elif may:
            incoming.respond(self._grant(dialog, request, seconds))
            self._perform(self._subscriptions.refresh(dialog.id, seconds, self._clock()))
        else:
            incoming.respond(dialog.respond(request, 403))
            self._end(dialog.id, Ending.NO_RESOURCE)

    async def _may(self, held: _Held) -> bool:
        watcher = await self._extension(held.watcher)
        if watcher is None or not watcher.enabled:
            return False
        return await self._packages[held.topic.event].topic(watcher, held.user) == held.topic

    def _grant(self, dialog: Dialog, request: Request, seconds: int) -> Response:
        return dialog.respond(request, 200, headers=[("Expires", str(seconds)), self._outgoing.allowed])

    # What they are told

    def _end(self, id_: DialogId, why: Ending) -> None:
        self._perform(self._subscriptions.end(id_, why, self._clock()))

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Read(topic):
                    self._read(topic, ())
                case Notify():
                    self._notify(action)
                case Over(id_, lost):
                    held = self._held.pop(id_)
                    self._endpoint.detach(id_)
                    log.debug("unsubscribed", event_package=held.topic.event, sip_call_id=id_.call_id)
                    if lost is not None:
                        self._read(lost, [one for one in self._bindings(held.watcher) if held.is_of(one)])

    def _notify(self, notify: Notify) -> None:
        held, package = self._held[notify.id], self._packages[notify.topic.event]
        body = b"" if notify.state is None else package.body(notify.state, held.dialog.contact)
        request = held.dialog.request(
            "NOTIFY",
            body=body,
            content_type=package.content_type,
            headers=[("Event", str(held.event)), ("Subscription-State", notify.standing), self._outgoing.allowed],
        )

        def over(status: int) -> None:
            self._perform(self._subscriptions.answered(notify.id, status, self._clock()))

        self._outgoing.send(package, request, held.hop, over, held.dialog.learn)
