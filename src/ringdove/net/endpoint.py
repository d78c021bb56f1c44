"""The SIP endpoint: sockets below, transactions in the middle, callbacks above."""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import structlog

from ringdove.sip.dialog import DialogId
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.headers import Via
from ringdove.sip.hop import Hop
from ringdove.sip.identifiers import new_branch
from ringdove.sip.message import REASONS, Message, Request, Response
from ringdove.sip.parser import NoMessage
from ringdove.sip.reach import listening, next_hop
from ringdove.sip.transaction import (
    AckReceived,
    Action,
    Cancelled,
    Caps,
    ClientKey,
    DeliverRequest,
    DeliverResponse,
    Ended,
    Failed,
    Failure,
    NoAck,
    Send,
    ServerKey,
    Timers,
    TransactionLayer,
)
from ringdove.sip.transaction.keys import stateless_tag
from ringdove.sip.transaction.routing import ReplyPath, stamp
from ringdove.sip.uri import Uri
from ringdove.sip.validator import Rejection, check_request, check_response

from .exchange import IncomingRequest, OutgoingRequest
from .passage import Direction, Observer, Passage
from .resolver import Unresolvable, resolve
from .tcp import TcpTransport
from .transport import Receiver, Transport, is_wildcard
from .udp import UdpTransport

__all__ = ["Direction", "Endpoint", "Failure", "Hop", "IncomingRequest", "OutgoingRequest", "Timers", "Unresolvable"]

log = structlog.get_logger(__name__)

Listen = Callable[[str, int, Receiver], Awaitable[Transport]]
TRANSPORTS: Final[dict[str, Listen]] = {"udp": UdpTransport.listen, "tcp": TcpTransport.listen}

_LOOK_AGAIN = 0.02
"""Seconds between two looks at what is still open at the end."""


class Endpoint:
    """A SIP element with any number of listeners; to be made and used within one running loop.

    `advertise` is the host for Via and Contact where it is not the address bound to. `transports` says how to listen
    over each kind of transport. `on_request` takes requests outside dialogs; `observers` are shown every message
    that comes or goes. Handlers are called from the loop and must not block; one that
    raises is logged, and its request answered 500.
    """

    def __init__(
        self,
        *,
        advertise: str | None = None,
        timers: Timers | None = None,
        caps: Caps | None = None,
        clock: Callable[[], float] | None = None,
        transports: Mapping[str, Listen] = TRANSPORTS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.clock = clock or self._loop.time
        self.on_request: Callable[[IncomingRequest], None] | None = None
        self.observers: list[Observer] = []
        self.dropped: Counter[str] = Counter()
        """How many messages came to nothing, by reason: malformed (even answered), unanswerable, response, request."""
        self.failed: Counter[tuple[str, str]] = Counter()
        """Requests of ours that got no final response, by method and "timeout" or "transport"; ACKs that never came."""
        self.sent_again = 0
        """Messages that were sent because a timer fired."""
        self._advertise = _bracketed(advertise) if advertise else None
        self._layer = TransactionLayer(timers, caps)
        self._listen = transports
        self._transports: dict[tuple[str, str, int], Transport] = {}
        self._dialogs: dict[DialogId, Callable[[IncomingRequest], None]] = {}
        self._incoming: dict[ServerKey, IncomingRequest] = {}
        self._outgoing: dict[ClientKey, OutgoingRequest] = {}
        self._flow_listeners: list[Callable[[Hop], None]] = []
        self._source_hosts: dict[str, str] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._closed = False

    async def listen(self, transport: str, host: str, port: int) -> tuple[str, int]:
        """Open a listener; port 0 takes any free one. Returns the address bound to; raises OSError."""
        listener = await self._listen[transport](host, port, self)
        self._transports[transport, listener.host, listener.port] = listener
        return listener.host, listener.port

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
        await asyncio.gather(*(transport.close() for transport in self._transports.values()))
        self._transports.clear()

    # Sending

    def send_request(
        self,
        request: Request,
        hop: Hop,
        *,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> OutgoingRequest:
        """Send a request in a transaction of its own; over UDP it leaves in this turn of the loop (R11).

        `request` comes without Via and is not changed. Where `hop` was a connection of the peer's and is closed, one is
        opened to where the Request-URI or first Route says that it listens. `on_response` gets every provisional and
        the final response; of an INVITE every 2xx until `send_ack` has acknowledged it, from then on repeated ones are
        taken care of. `on_failure` comes instead of a final response, and never from within this call.
        """
        hop = self._way(request, hop)
        sent = Request(request.method, request.uri, request.headers.copy(), request.body)
        sent.headers.prepend("Via", self._via(hop))
        key, actions = self._layer.request(sent, hop, self.clock())
        outgoing = self._outgoing[key] = OutgoingRequest(
            sent,
            hop,
            on_response=on_response,
            on_failure=on_failure,
            cancel=lambda headers: self._perform(self._layer.cancel(key, headers, self.clock())),
        )
        self._perform(actions)
        return outgoing

    def send_ack(self, ack: Request, hop: Hop) -> None:
        """Send the ACK to a 2xx, which has no transaction of its own (§13.2.2.4)."""
        hop = self._way(ack, hop)
        sent = Request(ack.method, ack.uri, ack.headers.copy(), ack.body)
        sent.headers.prepend("Via", self._via(hop))
        self._perform(self._layer.acknowledge(sent, hop))

    async def all_answered(self, *methods: str, patience: float) -> None:
        """Return when no request of ours by these methods waits for its final response, or after so many seconds."""
        deadline = self._loop.time() + patience
        while self._loop.time() < deadline:
            if all(sent.answered for sent in self._outgoing.values() if sent.request.method in methods):
                return
            await asyncio.sleep(_LOOK_AGAIN)

    def contact(self, hop: Hop, user: str | None = None, *, secure: bool = False) -> Uri:
        """Our Contact for whoever is reached over `hop`; `secure` if it has to be a SIPS URI (RFC 5630 §5.1.1.1)."""
        host, port = self._sent_by(hop)
        if secure and hop.transport == "tls":
            return Uri("sips", host, user=user, port=port)
        params = () if hop.transport == "udp" else (("transport", hop.transport),)
        return Uri("sip", host, user=user, port=port, params=params)

    async def resolve(self, uri: Uri) -> Hop:
        """The hop to a URI over one of our listeners; raises Unresolvable."""
        for target in await resolve(uri):
            for transport, host, port in self._transports:
                if transport == target.transport and _is_ipv6(host) == _is_ipv6(target.host):
                    return Hop(transport, target.host, target.port, host, port)
        raise Unresolvable(f"{uri}: no listener of ours reaches it")

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

    def received(self, message: Request | Response, source: Hop) -> None:
        """See `Receiver`."""
        if self._closed:
            return
        try:
            if self.observers:
                self._show(Direction.IN, source, message, None)
            if isinstance(message, Request):
                self._receive_request(message, source)
            elif check_response(message) is None:
                self._perform(self._layer.receive(message, source, self.clock()))
            else:
                self.dropped["response"] += 1
        except Exception:
            self.dropped["request" if isinstance(message, Request) else "response"] += 1
            log.exception("message_failed", source=str(source))

    def malformed(self, source: Hop, error: NoMessage) -> None:
        """See `Receiver`. What a request can be read of is answered, and nothing kept of it (§8.2.7)."""
        self.dropped["malformed"] += 1
        log.debug("message_malformed", source=str(source), error=str(error))
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
            _guard(listener, hop)

    def _receive_request(self, request: Request, source: Hop) -> None:
        rejection = check_request(request)
        if rejection is None:
            stamp(request, source)
            self._perform(self._layer.receive(request, source, self.clock()))
        elif rejection.answerable:
            self._refuse(request, source, rejection)
        else:
            self.dropped["unanswerable"] += 1

    def _refuse(self, request: Request, source: Hop, rejection: Rejection) -> None:
        stamp(request, source)
        self._send(ReplyPath.of(request, source).send(rejection.response(request, stateless_tag(request))))

    # What the transaction layer wants done

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self._send(action)
                case DeliverRequest(key, request, source):
                    self._deliver(key, request, source)
                case DeliverResponse(ClientKey() as key, response) if key in self._outgoing:
                    self._outgoing[key].answered |= response.is_final
                    _guard(self._outgoing[key].on_response, response)
                case Failed(ClientKey() as key, failure) if key in self._outgoing:
                    self.failed[key.method, failure.name.lower()] += 1
                    self._outgoing[key].answered = True
                    _guard(self._outgoing[key].on_failure, failure)
                case Cancelled(key, request):
                    self._cancelled(self._incoming[key], request)
                case AckReceived(key, ack):
                    if (on_ack := self._incoming[key].on_ack) is not None:
                        _guard(on_ack, ack)
                case NoAck(key):
                    self.failed["ACK", "timeout"] += 1
                    if (on_no_ack := self._incoming[key].on_no_ack) is not None:
                        _guard(on_no_ack)
                case Ended(ServerKey() as key):
                    self._incoming.pop(key, None)
                case Ended(ClientKey() as key):
                    self._outgoing.pop(key, None)
        self._schedule()

    def _send(self, send: Send) -> None:
        hop = send.hop
        transport = self._transport(hop)
        if transport is None:
            self._loop.call_soon(self.send_failed, hop)
            return
        if send.otherwise is not None and not transport.has_flow(hop):
            hop = send.otherwise
        if self.observers:
            self._show(Direction.OUT, hop, send.message, send.data)
        transport.send(hop, send.data)

    def _deliver(self, key: ServerKey, request: Request, source: Hop) -> None:
        def send(response: Response, forget: bool) -> None:
            self._perform(self._layer.respond(key, response, self.clock(), forget=forget))

        incoming = self._incoming[key] = IncomingRequest(request, source, send)
        # A REGISTER belongs to no dialog, whatever tag an old phone repeats in it (§10.2).
        outside = request.to.tag is None or request.method == "REGISTER"
        handler = self.on_request if outside else self._dialogs.get(DialogId.of_incoming(request))
        if handler is None:
            incoming.reply(503 if outside else 481)
        elif not _guard(handler, incoming):
            incoming.reply(500)

    def _cancelled(self, incoming: IncomingRequest, cancel: Request | None) -> None:
        if incoming.on_cancel is None or not _guard(incoming.on_cancel, cancel):
            incoming.reply(487)

    def _schedule(self) -> None:
        """Have `_tick` run when the layer needs it; a timer set too early only runs in vain."""
        deadline = self._layer.deadline
        if deadline is None or deadline >= self._alarm_at or self._closed:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = deadline
        self._alarm = self._loop.call_later(max(0.0, deadline - self.clock()), self._tick)

    def _tick(self) -> None:
        self._alarm_at = float("inf")
        actions = self._layer.tick(self.clock())
        self.sent_again += sum(isinstance(action, Send) and not _is_trying(action.message) for action in actions)
        self._perform(actions)

    def _show(self, direction: Direction, hop: Hop, message: Message, data: bytes | None) -> None:
        """Let the observers see a message."""
        host = self._source_host(hop.remote_host) if is_wildcard(hop.local_host) else hop.local_host
        passage = Passage(direction, hop, (host, hop.local_port), message, self.clock(), data)
        for observer in self.observers:
            _guard(observer, passage)

    # Addresses

    def _via(self, hop: Hop) -> str:
        host, port = self._sent_by(hop)
        return str(Via(hop.transport.upper(), host, port, (("rport", None), ("branch", new_branch()))))

    def _sent_by(self, hop: Hop) -> tuple[str, int]:
        """The host and port at which the far end of `hop` finds us."""
        transport = self._transport(hop)
        host, port = (hop.local_host, hop.local_port) if transport is None else (transport.host, transport.port)
        if self._advertise is not None:
            return self._advertise, port
        return _bracketed(self._source_host(hop.remote_host) if is_wildcard(host) else host), port

    def _transport(self, hop: Hop) -> Transport | None:
        """The listener of a hop; where it is gone (a restart with other settings) another of its kind."""
        exact = self._transports.get((hop.transport, hop.local_host, hop.local_port))
        if exact is not None:
            return exact
        for (name, host, _), transport in self._transports.items():
            if name == hop.transport and _is_ipv6(host) == _is_ipv6(hop.remote_host):
                return transport
        return None

    def _way(self, request: Request, hop: Hop) -> Hop:
        """The hop, or where the peer listens that has closed its connection to us (RFC 3261 §18.1.1)."""
        transport = self._transport(hop)
        if transport is None or not transport.is_gone(hop):
            return hop
        try:
            return listening(next_hop(request), hop) or hop
        except SipSyntaxError:  # a Path that a proxy made up
            return hop

    def _source_host(self, remote: str) -> str:
        """Our address as the routing table chooses it towards `remote`."""
        known = self._source_hosts.get(remote)
        if known is None:
            with socket.socket(socket.AF_INET6 if _is_ipv6(remote) else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.connect((remote, 9))  # sends nothing
                    known = str(probe.getsockname()[0])
                except OSError:
                    return "::1" if _is_ipv6(remote) else "127.0.0.1"
            if len(self._source_hosts) >= 4096:
                self._source_hosts.clear()
            self._source_hosts[remote] = known
        return known


def _guard(handler: Callable[..., None], *arguments: object) -> bool:
    """Call a handler of the rooms above; False where it raised."""
    try:
        handler(*arguments)
    except Exception:
        log.exception("handler_failed", handler=getattr(handler, "__qualname__", repr(handler)))
        return False
    return True


def _is_trying(message: Message) -> bool:
    """Whether it is the 100 that a timer sends where nobody has said anything yet."""
    return isinstance(message, Response) and message.status == 100


def _is_ipv6(host: str) -> bool:
    return ":" in host


def _bracketed(host: str) -> str:
    return f"[{host}]" if _is_ipv6(host) and not host.startswith("[") else host
