"""The SIP endpoint: sockets below, transactions in the middle, callbacks above."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import structlog

from ringdove.sip.dialog import DialogId
from ringdove.sip.hop import Hop
from ringdove.sip.message import REASONS, Message, Request, Response
from ringdove.sip.parser import NoMessage
from ringdove.sip.transaction import (
    Action,
    Caps,
    ClientKey,
    DeliverRequest,
    Failure,
    Send,
    ServerKey,
    Timers,
    TransactionLayer,
)
from ringdove.sip.transaction.keys import server_key, stateless_tag
from ringdove.sip.transaction.routing import ReplyPath, stamp
from ringdove.sip.uri import Uri
from ringdove.sip.validator import Rejection, check_request, check_response

from .calling import called, log_failure
from .exchange import IncomingRequest, OutgoingRequest
from .exchanges import Exchanges
from .large import LargeRequests
from .listeners import Listeners
from .passage import Direction, Observer, Passage
from .resolver import Unresolvable, resolve
from .tcp import TcpTransport
from .transport import ANY, ANY_IPV4, HANDSHAKE, KEEP_ALIVE, Door, Receiver, Transport, cost_of
from .udp import UdpTransport

__all__ = ["Direction", "Endpoint", "Failure", "Hop", "IncomingRequest", "OutgoingRequest", "Timers", "Unresolvable"]

log = structlog.get_logger(__name__)

Listen = Callable[[str, int, Receiver], Awaitable[Transport]]
TRANSPORTS: Final[dict[str, Listen]] = {"udp": UdpTransport.listen, "tcp": TcpTransport.listen}


class Endpoint:
    """A SIP element with any number of listeners; to be made and used within one running loop.

    `advertise` is the host for Via and Contact where it is not the address bound to; an address is told to peers of its
    own IP version only. `transports` says how to listen over each kind of transport. `large_over_tcp` has requests that
    are too large for a datagram go over TCP where the peer takes them so (§18.1.1). `on_request` takes requests outside
    dialogs; `observers` are shown every message that comes or goes. Handlers are called from the loop and must not
    block; one that raises is logged, and its request answered 500.
    """

    def __init__(
        self,
        *,
        advertise: str | None = None,
        timers: Timers | None = None,
        caps: Caps | None = None,
        clock: Callable[[], float] | None = None,
        transports: Mapping[str, Listen] = TRANSPORTS,
        large_over_tcp: bool = True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.clock = clock or self._loop.time
        self.on_request: Callable[[IncomingRequest], None] | None = None
        self.door: Door | None = None
        """Who says whom to hear, and answers strangers; without one everything is handled."""
        self.observers: list[Observer] = []
        self.dropped: Counter[str] = Counter()
        """How many messages came to nothing, by reason: malformed (even answered), unanswerable, response, request."""
        self.sent_again = 0
        """Messages that were sent because a timer fired."""
        self._layer = TransactionLayer(timers, caps)
        self._listen = transports
        self.listeners = Listeners(advertise)
        self._large = LargeRequests(self.clock, self.listeners, self._begin) if large_over_tcp else None
        self._dialogs: dict[DialogId, Callable[[IncomingRequest], None]] = {}
        self._exchanges = Exchanges()
        self._flow_listeners: list[Callable[[Hop], None]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._closed = False
        self._perform_by: dict[type[Action], Callable[[Any], None]] = {
            Send: self._send,
            DeliverRequest: self._deliver,
            **self._exchanges.by_action,
        }

    async def listen(self, transport: str, host: str, port: int) -> tuple[str, int]:
        """Open a listener; port 0 takes any free one. Returns the address bound to; raises OSError.

        At `::` IPv4 is listened to beside IPv6, at the same port.
        """
        listener = await self._listen[transport](host, port, self)
        self.listeners.add(transport, listener)
        if listener.host == ANY:
            await self.listen(transport, ANY_IPV4, listener.port)
        return listener.host, listener.port

    @property
    def failed(self) -> Mapping[tuple[str, str], int]:
        """Requests of ours that got no final response, by method and "timeout" or "transport"; ACKs that never came."""
        return self._exchanges.failed

    @property
    def dialogs(self) -> int:
        """How many dialogs have a handler."""
        return len(self._dialogs)

    @property
    def timers(self) -> int:
        """How many transactions wait for a timer."""
        return self._layer.waiting

    def transactions(self) -> dict[str, int]:
        """How many transactions are held: "client" for requests of ours, "server" for those of others."""
        return {"client": self._layer.clients, "server": self._layer.servers}

    async def close(self) -> None:
        """Close every socket; nothing is called back afterwards."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._large is not None:
            self._large.close()
        await asyncio.gather(*(transport.close() for transport in self.listeners.all.values()))
        self.listeners.all.clear()

    # Sending

    def send_request(
        self,
        request: Request,
        hop: Hop,
        *,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> OutgoingRequest:
        """Send a request in a transaction of its own; over UDP it leaves in this turn of the loop (R11), unless it is
        too large for a datagram and the peer is asked first whether it takes it over TCP.

        `request` comes without Via and is not changed. Where `hop` was a connection of the peer's and is closed, one is
        opened to where the Request-URI or first Route says that it listens. `on_response` gets every provisional and
        the final response; of an INVITE every 2xx until `send_ack` has acknowledged it, from then on repeated ones are
        taken care of. `on_failure` comes instead of a final response, and never from within this call.
        """
        hop = self.listeners.way(request, hop)
        outgoing = OutgoingRequest(request, hop, on_response=on_response, on_failure=on_failure)
        sent = self.listeners.stamped(request, hop)
        data = sent.to_bytes()
        if self._large is not None and (stream := self._large.over_tcp(sent, len(data), hop)) is not None:
            self._large.send(outgoing, request, hop, stream)
        else:
            self._begin(outgoing, sent, hop, data)
        return outgoing

    def _begin(self, outgoing: OutgoingRequest, sent: Request, hop: Hop, data: bytes | None = None) -> None:
        key, actions = self._layer.request(sent, hop, self.clock(), data)
        self._exchanges.outgoing[key] = outgoing
        outgoing.sent(sent, hop, partial(self._cancel, key))
        self._perform(actions)

    def _cancel(self, key: ClientKey, headers: Iterable[tuple[str, str]]) -> None:
        self._perform(self._layer.cancel(key, headers, self.clock()))

    def send_ack(self, ack: Request, hop: Hop) -> None:
        """Send the ACK to a 2xx, which has no transaction of its own (§13.2.2.4)."""
        hop = self.listeners.way(ack, hop)
        self._perform(self._layer.acknowledge(self.listeners.stamped(ack, hop), hop))

    async def all_answered(self, *methods: str, patience: float) -> None:
        """Return when no request of ours by these methods waits for its final response, or after so many seconds."""
        await self._exchanges.all_answered(methods, patience)

    def contact(self, hop: Hop, user: str | None = None, *, secure: bool = False) -> Uri:
        """Our Contact for whoever is reached over `hop`; `secure` if it has to be a SIPS URI (RFC 5630 §5.1.1.1)."""
        host, port = self.listeners.sent_by(hop)
        if secure and hop.transport == "tls":
            return Uri("sips", host, user=user, port=port)
        params = () if hop.transport == "udp" else (("transport", hop.transport),)
        return Uri("sip", host, user=user, port=port, params=params)

    async def resolve(self, uri: Uri) -> Hop:
        """The hop to a URI over one of our listeners; raises Unresolvable."""
        hop = self.listeners.towards(await resolve(uri))
        if hop is None:
            raise Unresolvable(f"{uri}: no listener of ours reaches it")
        return hop

    # Dialogs and flows

    def attach(self, dialog_id: DialogId, handler: Callable[[IncomingRequest], None]) -> None:
        """Give the requests within a dialog to `handler`; without one they are answered 481."""
        self._dialogs[dialog_id] = handler

    def detach(self, dialog_id: DialogId) -> None:
        """The dialog is over."""
        self._dialogs.pop(dialog_id, None)

    def on_flow_closed(self, listener: Callable[[Hop], None]) -> Callable[[], None]:
        """Be told when a connection has closed; returns what ends that."""
        self._flow_listeners.append(listener)
        return lambda: self._flow_listeners.remove(listener)

    # What transports report (`transport.Receiver`)

    def trusts(self, source: Hop) -> bool:
        """See `Receiver`."""
        return self.door is None or self.door.trusts(source)

    def admits(self, source: Hop) -> bool:
        """See `Receiver`."""
        return self.door is None or self.door.admits(source)

    def welcomes(self, source: Hop) -> bool:
        """See `Receiver`."""
        if not self.admits(source):
            return False
        if self.door is not None:
            self.door.strange(source, HANDSHAKE if source.transport == "tls" else 1.0)
        return True

    def received(self, message: Request | Response, source: Hop, octets: bytes | None = None, *, trusted: bool) -> None:
        """See `Receiver`."""
        if self._closed:
            return
        try:
            if not trusted and self.door is not None:
                self.door.strange(source, cost_of(message))
            if self.observers:
                self._show(Direction.IN, source, message, octets)
            if isinstance(message, Request):
                self._receive_request(message, source)
            elif check_response(message) is None:
                self._perform(self._layer.receive_response(message, self.clock()))
            else:
                self.dropped["response"] += 1
        except Exception:
            self.dropped["request" if isinstance(message, Request) else "response"] += 1
            log.exception("message_failed", source=str(source), sip_call_id=message.headers.get("Call-ID"))

    def kept_alive(self, source: Hop, times: int) -> None:
        """See `Receiver`."""
        if self.door is not None:
            self.door.strange(source, times * KEEP_ALIVE)

    def malformed(self, source: Hop, error: NoMessage) -> None:
        """See `Receiver`. What a request can be read of is answered, and nothing kept of it (§8.2.7)."""
        self.dropped["malformed"] += 1
        log.debug("message_malformed", source=str(source), error=str(error))
        if self.door is not None:
            self.door.strange(source)
        if error.request is not None and not self._closed:
            self._refuse(error.request, source, Rejection(error.status, f"{REASONS[error.status]} ({error})"))

    def send_failed(self, hop: Hop) -> None:
        """See `Receiver`."""
        if not self._closed:
            self._perform(self._layer.transport_failed(hop.remote, self.clock()))

    def flow_closed(self, hop: Hop) -> None:
        """See `Receiver`."""
        self.send_failed(hop)
        for listener in list(self._flow_listeners):
            called(listener, hop)

    def _receive_request(self, request: Request, source: Hop) -> None:
        if (rejection := check_request(request)) is not None:
            if rejection.answerable:
                self._refuse(request, source, rejection)
            else:
                self.dropped["unanswerable"] += 1
            return
        if request.method != "ACK":  # nothing answers one
            stamp(request, source)
        key = server_key(request)
        answer = None if self._layer.knows(key) else self._turn_away(request, source)
        if answer is None:
            self._perform(self._layer.receive(request, source, self.clock(), key))
        else:
            self._send(ReplyPath.of(request, source).send(answer))

    def _turn_away(self, request: Request, source: Hop) -> Response | None:
        """The answer to a new request that is not worth a transaction; None where it is."""
        if request.method == "ACK":
            return None  # it opens none
        if _is_outside(request):
            return self.door.answer(request, source) if self.door is not None and request.method != "CANCEL" else None
        known = DialogId.of_incoming(request) in self._dialogs
        return None if known else request.reply(481, to_tag=stateless_tag(request))

    def _refuse(self, request: Request, source: Hop, rejection: Rejection) -> None:
        stamp(request, source)
        self._send(ReplyPath.of(request, source).send(rejection.response(request, stateless_tag(request))))

    # What the transaction layer wants done

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._perform_by[type(action)](action)
        if self._layer.look_at < self._alarm_at:
            self._schedule(self._layer.look_at)

    def _send(self, send: Send) -> None:
        hop = send.hop
        transport = self.listeners.of(hop)
        if transport is None:
            self._loop.call_soon(self.send_failed, hop)
            return
        if send.otherwise is not None and not transport.has_flow(hop):
            hop = send.otherwise
        if self.observers:
            self._show(Direction.OUT, hop, send.message, send.data)
        transport.send(hop, send.data)

    def _deliver(self, action: DeliverRequest) -> None:
        key, request, source = action
        incoming = self._exchanges.incoming[key] = IncomingRequest(request, source, partial(self._respond, key))
        outside = _is_outside(request)
        handler = self.on_request if outside else self._dialogs.get(DialogId.of_incoming(request))
        if handler is None:
            incoming.reply(503 if outside else 481)
        elif not called(handler, incoming):
            incoming.reply(500)

    def _respond(self, key: ServerKey, response: Response) -> None:
        self._exchanges.answered(key, response)
        self._perform(self._layer.respond(key, response, self.clock()))

    def _schedule(self, at: float) -> None:
        """Have `_tick` run at a time; one set too early only runs in vain."""
        if self._closed:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_later(max(0.0, at - self.clock()), self._tick)

    def _tick(self) -> None:
        self._alarm_at = float("inf")
        actions = self._layer.tick(self.clock())
        self.sent_again += sum(type(action) is Send and not _is_trying(action.message) for action in actions)
        self._perform(actions)

    def _show(self, direction: Direction, hop: Hop, message: Message, data: bytes | None) -> None:
        """Let the observers see a message."""
        passage = Passage(direction, hop, message, self.clock(), data)
        for observer in self.observers:
            try:
                observer(passage)
            except Exception:
                log_failure(observer, passage)


def _is_outside(request: Request) -> bool:
    """Whether it belongs to no dialog; a REGISTER never does, whatever tag an old phone repeats in it (§10.2)."""
    return request.to.tag is None or request.method == "REGISTER"


def _is_trying(message: Message) -> bool:
    """Whether it is the 100 that a timer sends where nobody has said anything yet."""
    return isinstance(message, Response) and message.status == 100
