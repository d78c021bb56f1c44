"""The registrar: answers REGISTER and knows where the phones of each extension are (RFC 3261 §10)."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, ExtensionChanged, ExtensionDeleted, PhoneCame, PhoneReturned
from ringdove.model.binding import StoredBinding
from ringdove.net.endpoint import IncomingRequest
from ringdove.net.tasks import Tasks
from ringdove.sip.hop import Hop
from ringdove.sip.message import Response
from ringdove.store import Store

from .authentication import Authenticator
from .bindings import Intervals, Refusal, listing, own_address, register
from .index import Flow, Index, flow_of

log = structlog.get_logger(__name__)

SWEEP_INTERVAL = 1.0
"""Seconds between two looks at what has expired."""
GATHERING = 1.0
"""Seconds for which refreshes are gathered before they are written together."""


class Registrar:
    """Keeps the bindings of all extensions, in memory and in the store.

    A binding is in the store before its phone gets the 200, and comes back after a restart. A refresh that changes no
    more than times is there a second later, with all others of that second (ADR 0020). It ends when it expires,
    when its extension is disabled or deleted, when another takes its place, and when the stream connection that it
    came over is closed, unless the phone can be called at the address in its Contact.

    `clock` gives Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        bus: Bus,
        *,
        clock: Callable[[], float] = time.time,
        intervals: Intervals | None = None,
    ) -> None:
        self._store = store
        self._authenticator = authenticator
        self._bus = bus
        self._clock = clock
        self._intervals = intervals or Intervals()
        self._index = Index()
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        """One change of an extension's bindings at a time."""
        self._refreshed: dict[tuple[int, str], StoredBinding] = {}
        """What is not in the store yet."""
        self._tasks = Tasks()
        self._unsubscribe: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Bring back the bindings that outlived the last run, and begin to look after them."""
        self._unsubscribe = [
            self._bus.subscribe(ExtensionChanged, lambda event: self._tasks.run(self._review(event.extension_id))),
            self._bus.subscribe(ExtensionDeleted, lambda event: self._tasks.run(self._review(event.extension_id))),
        ]
        for binding in await self._store.bindings.all():
            self._index.put(binding)
        await self.expire()
        for flow in {flow_of(binding) for binding in self._index if binding.transport != "udp"}:
            await self._lose(flow)  # no connection outlives the process
        self._tasks.run(self._sweep())
        self._tasks.run(self._gather())

    async def close(self) -> None:
        """Stop looking after bindings; they stay in the store, whatever becomes of the connections now."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._tasks.close()
        await self._write_refreshed()

    # What others ask

    def bindings(self, extension_id: int) -> tuple[StoredBinding, ...]:
        """The live bindings of an extension: not expired, and answering."""
        return self._index.live(extension_id, self._clock())

    def find(self, extension_id: int, key: str) -> StoredBinding | None:
        """One binding, whether the phone answers or not."""
        return self._index.find(extension_id, key)

    def newcomers(self) -> list[StoredBinding]:
        """The bindings that are new, or are reached another way, since this was asked last."""
        return self._index.newcomers()

    def is_reachable(self, binding: StoredBinding) -> bool:
        """Whether the phone answered when it was last asked."""
        return self._index.is_reachable(binding)

    def __iter__(self) -> Iterator[StoredBinding]:
        """Every unexpired binding, those that do not answer too."""
        now = self._clock()
        return iter([binding for binding in self._index if binding.expires_at > now])

    # What the network says

    def handle(self, incoming: IncomingRequest) -> None:
        """Answer a REGISTER."""
        self._tasks.run(self._answer(incoming))

    def on_flow_closed(self, hop: Hop) -> None:
        """Take note that a stream connection is gone."""
        self._tasks.run(self._lose(hop.remote))

    def mark(self, binding: StoredBinding, *, reachable: bool) -> None:
        """Take note of whether a phone answers. One that does not is not called until it does, or registers again."""
        if self._index.mark(binding, reachable=reachable):
            log.info(
                "phone_answers" if reachable else "phone_silent",
                extension=binding.extension_id,
                contact=binding.contact,
            )
            self._bus.publish(BindingsChanged(binding.extension_id))
            if reachable:
                self._bus.publish(PhoneReturned(binding.extension_id, binding.key))

    async def expire(self) -> None:
        """Forget the bindings whose time is over; `start` sees to this once a second."""
        for binding in self._index.expired(self._clock()):
            async with self._locks[binding.extension_id]:
                current = self._index.of(binding.extension_id).get(binding.key)
                if current is not None and current.expires_at <= self._clock():
                    await self._change(binding.extension_id, forgotten=[binding.key])

    # How it is done

    async def _answer(self, incoming: IncomingRequest) -> None:
        try:
            response = await self._register(incoming)
        except Exception:
            log.exception("register_failed", source=str(incoming.source))
            response = incoming.request.reply(500)
        incoming.respond(response)

    async def _register(self, incoming: IncomingRequest) -> Response:
        request, source = incoming.request, incoming.source
        extension = await self._authenticator.check(request, source)
        if isinstance(extension, Response):
            return extension
        owner = extension.id or 0
        async with self._locks[owner]:
            now = self._clock()
            change = register(
                request,
                extension,
                {key: binding for key, binding in self._index.of(owner).items() if binding.expires_at > now},
                source,
                now,
                unreachable=self._index.unreachable_keys(owner),
                intervals=self._intervals,
            )
            if isinstance(change, Refusal):
                return change.response(request)
            if not change.forgotten and all(map(self._is_refresh, change.saved)):
                self._refresh(owner, change.saved)
            elif not await self._change(owner, change.saved, change.forgotten):
                return request.reply(403)
            return self._grant(incoming, owner, now)

    def _is_refresh(self, binding: StoredBinding) -> bool:
        """Whether the phone is where it was: what has changed nobody misses who finds it as it was a second ago."""
        before = self._index.find(binding.extension_id, binding.key)
        return before is not None and _place(before) == _place(binding)

    def _refresh(self, extension_id: int, saved: Sequence[StoredBinding]) -> None:
        """Know of it at once, and have it written soon; that a phone answers again is news."""
        silent = [binding for binding in saved if not self._index.is_reachable(binding)]
        for binding in saved:
            self._enter(binding)
            self._refreshed[extension_id, binding.key] = binding
        if silent:
            self._bus.publish(BindingsChanged(extension_id))

    def _enter(self, binding: StoredBinding) -> None:
        """Put a binding where it belongs; the Call-ID of its REGISTER changes when the phone is started (§10.2.4)."""
        before = self._index.find(binding.extension_id, binding.key)
        was_silent = before is not None and not self._index.is_reachable(before)
        self._index.put(binding)
        if before is None or before.call_id != binding.call_id:
            self._bus.publish(PhoneCame(binding.extension_id, binding.key))
        if was_silent:
            self._bus.publish(PhoneReturned(binding.extension_id, binding.key))

    def _grant(self, incoming: IncomingRequest, extension_id: int, now: float) -> Response:
        request = incoming.request
        response = request.reply(200, to_tag=incoming.local_tag)
        current = self._index.of(extension_id).values()
        for contact in listing([binding for binding in current if binding.expires_at > now], now):
            response.headers.add("Contact", contact)
        for route in request.headers.get_all("Path"):
            response.headers.add("Path", route)  # RFC 3327 §5.3
        response.headers.add("Supported", "path")
        return response

    async def _change(
        self, extension_id: int, saved: Sequence[StoredBinding] = (), forgotten: Sequence[str] = ()
    ) -> bool:
        """Save a change, all of it or nothing, then make it known; a mere refresh is no news.

        False where the extension is gone.
        """
        for key in (*forgotten, *(binding.key for binding in saved)):
            self._refreshed.pop((extension_id, key), None)
        before = self._standing(extension_id)
        if not await self._store.bindings.change(extension_id, saved=saved, forgotten=forgotten):
            return False
        for key in forgotten:
            self._index.remove(extension_id, key)
        for binding in saved:
            self._enter(binding)
        if self._standing(extension_id) != before:
            self._bus.publish(BindingsChanged(extension_id))
        return True

    def _standing(self, extension_id: int) -> set[tuple[str, str, Flow, tuple[str, ...]]]:
        """What others would notice of an extension's bindings."""
        bindings = self._index.of(extension_id).values()
        return {(b.key, b.contact, flow_of(b), b.path) for b in bindings if self._index.is_reachable(b)}

    async def _review(self, extension_id: int) -> None:
        """See which of an extension's bindings may stay after its settings changed."""
        async with self._locks[extension_id]:
            extension = await self._store.extensions.get(extension_id)
            allowed = extension.concurrent_registrations if extension is not None and extension.enabled else 0
            bindings = sorted(self._index.of(extension_id).values(), key=lambda binding: -binding.registered_at)
            await self._change(extension_id, forgotten=[binding.key for binding in bindings[allowed:]])

    async def _lose(self, flow: Flow) -> None:
        """Go through the bindings that were reached over a connection which is gone (RFC 5626 §6)."""
        for lost in self._index.over(flow):
            async with self._locks[lost.extension_id]:
                if self._index.of(lost.extension_id).get(lost.key) != lost:
                    continue
                address = own_address(lost)
                if address is None:
                    await self._change(lost.extension_id, forgotten=[lost.key])
                else:
                    await self._move(lost, address)

    async def _move(self, binding: StoredBinding, address: Hop) -> None:
        """Call the phone elsewhere from now on, once the keep-alive has found it there."""
        was_live = self._index.is_reachable(binding)
        moved = binding.model_copy(update={"remote_host": address.remote_host, "remote_port": address.remote_port})
        if await self._store.bindings.put(moved):
            self._index.put(moved)
            self._index.mark(moved, reachable=False)
        else:
            self._index.remove(binding.extension_id, binding.key)
        if was_live:
            self._bus.publish(BindingsChanged(binding.extension_id))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            try:
                await self.expire()
            except Exception:
                log.exception("expiry_failed")

    async def _gather(self) -> None:
        while True:
            await asyncio.sleep(GATHERING)
            await self._write_refreshed()

    async def _write_refreshed(self) -> None:
        """Write what was gathered; what the store does not take now is gathered on."""
        if not self._refreshed:
            return
        batch, self._refreshed = self._refreshed, {}
        written = False
        try:
            await self._store.bindings.refresh(list(batch.values()))
            written = True
        except Exception:
            log.exception("refreshes_not_written", count=len(batch))
        finally:
            if not written:
                still = {name: binding for name, binding in batch.items() if self._index.find(*name) is binding}
                self._refreshed = still | self._refreshed


def _place(binding: StoredBinding) -> tuple[object, ...]:
    """Where a phone is, and how it is called there."""
    return (
        *(binding.contact, binding.path, binding.instance_id, binding.reg_id),
        *(flow_of(binding), binding.local_host, binding.local_port),
    )
