"""Sequences of messages, failures and waiting for the transaction layer: no fault, bounded state, and an end to all."""

from collections.abc import Iterable, Sequence

from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
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
    NoAck,
    Send,
    ServerKey,
    TransactionLayer,
)
from ringdove.sip.transaction.routing import stamp
from ringdove.sip.validator import check_request, check_response

from ..choices import Choices

CAPS = Caps(total=6, per_source=4)
STEPS = 150
HOPS = tuple(Hop(kind, f"192.0.2.{n}", 5070, "192.0.2.9", 5060) for kind in ("udp", "tcp") for n in (1, 2))
METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "UPDATE", "UNHEARD")
BRANCHES = (";branch=z9hG4bK1", ";branch=z9hG4bK2;rport", ";branch=z9hG4bK", ";branch=1", "", ";branch")
TAGS = ("", ";tag=1", ";tag=2", ";tag")
STATUSES = (100, 180, 199, 200, 299, 300, 401, 487, 699)
WAITS = (0.0, 0.1, 0.5, 2.0, 5.0, 31.9, 32.0, 64.0)
SEEDS: Sequence[bytes] = (
    bytes((0, 0, 0, 0, 0, 0, 0, 7, 2, 1, 0, 3, 1, 0, 0, 1, 0, 0, 0, 1, 0, 7, 7)),  # INVITE, 100, 200, ACK
    bytes((2, 0, 0, 5, 0, 1, 1, 3, 0, 5, 0, 7, 1, 4, 0, 1, 7, 6, 7, 7)),  # our INVITE, 180, CANCEL, 487
    bytes((0, 0, 1, 0, 2, 0, 0, 0, 2, 1, 0, 2, 0, 0, 6, 2, 7, 7)),  # INVITE over a stream that breaks
    bytes((2, 1, 3, 7, 2, 7, 3, 6, 3, 7, 6)),
)
WORDS: Sequence[bytes] = (
    *(bytes((step,)) for step in range(8)),
    b"\x00\x00\x00\x00\x00",
    b"\x02\x00\x00",
    b"\x07\x06",
    b"\x07\x07",
)


def check(data: bytes) -> None:
    """Steps, then the end of everything that has not ended."""
    world = World(Choices(data))
    for _ in range(STEPS):
        if not world.choices:
            break
        world.step()
    world.end()


class World:
    """A layer, and what its user knows of it, in the way that the endpoint keeps it."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.layer = TransactionLayer(caps=CAPS)
        self.now = 0.0
        self.incoming: dict[ServerKey, Request] = {}
        self.outgoing: dict[ClientKey, Request] = {}
        self.made = 0

    def step(self) -> None:
        """One thing that may happen."""
        pick, layer, now = self.choices.pick, self.layer, self.now
        match self.choices.number() % 8:
            case 0 | 1:
                self._receive_request()
            case 2:
                self._request(pick(("INVITE", "OPTIONS")), pick(HOPS))
            case 3 if self.outgoing:
                self._perform(layer.cancel(pick(list(self.outgoing)), [("Reason", "SIP;cause=200")], now))
            case 4 if self.incoming:
                key = pick(list(self.incoming))
                response = self.incoming[key].reply(pick(STATUSES), to_tag=pick(("1", "2")))
                self._perform(layer.respond(key, response, now))
            case 5 if self.outgoing:
                self._receive_response(self.outgoing[pick(list(self.outgoing))])
            case 6:
                self._perform(layer.transport_failed(pick(HOPS).remote, now))
            case _:
                self.now += pick(WAITS)
                self._perform(layer.tick(self.now))
        assert len(layer._merge) <= CAPS.total
        assert max(layer._per_source.values(), default=0) <= CAPS.per_source
        assert len(layer._clients) <= 2 * self.made  # each with a CANCEL

    def end(self) -> None:
        """Whatever is open is answered or cancelled; then nothing may be left after a while."""
        for key, request in list(self.incoming.items()):
            self._perform(self.layer.respond(key, request.reply(500, to_tag="1"), self.now))
        for client in list(self.outgoing):
            self._perform(self.layer.cancel(client, (), self.now))
        until = self.now + 200
        ticks = 0
        while (deadline := self.layer.deadline) is not None:
            ticks += 1
            assert deadline <= until
            assert ticks < 100 * STEPS
            self.now = max(self.now, deadline)
            self._perform(self.layer.tick(self.now))
        assert not self.incoming
        assert not self.outgoing
        layer = self.layer
        assert not len(layer)
        for table in (layer._by_remote, layer._accepted, layer._answers, layer._merge, layer._per_source):
            assert not table

    def _receive_request(self) -> None:
        pick = self.choices.pick
        method, source = pick(METHODS), pick(HOPS)
        headers = Headers(
            [
                ("Via", f"SIP/2.0/{source.transport.upper()} {pick(('192.0.2.1', 'a:5070'))}{pick(BRANCHES)}"),
                ("From", "<sip:a@b>;tag=1"),
                ("To", f"<sip:c@d>{pick(TAGS)}"),
                ("Call-ID", pick(("1", "2", "3", "4", "5", "6", "7"))),
                ("CSeq", f"{pick((1, 2))} {method}"),
                ("Contact", "<sip:a@192.0.2.1>"),
            ]
        )
        request = Request(method, "sip:c@d", headers)
        assert check_request(request) is None
        stamp(request, source)
        self._perform(self.layer.receive(request, source, self.now))

    def _receive_response(self, request: Request) -> None:
        pick = self.choices.pick
        response = request.reply(pick(STATUSES), to_tag=str(self.choices.number() % 20))
        if self.choices.number() % 8 == 7:
            response.headers.set("CSeq", f"{request.cseq.number} {pick(METHODS)}")
        assert check_response(response) is None
        for action in self._perform(self.layer.receive_response(response, self.now)):
            if isinstance(action, DeliverResponse) and response.is_success and request.method == "INVITE":
                ack = Request("ACK", "sip:c@d", response.headers.copy())
                ack.headers.set("CSeq", f"{request.cseq.number} ACK")
                if self.choices.flag():
                    self._perform(self.layer.acknowledge(ack, HOPS[0]))

    def _request(self, method: str, hop: Hop) -> None:
        self.made += 1
        headers = Headers(
            [
                ("Via", f"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKours{self.made}"),
                *(("From", "<sip:c@d>;tag=1"), ("To", "<sip:a@b>"), ("Call-ID", "ours"), ("CSeq", f"1 {method}")),
                ("Contact", "<sip:c@192.0.2.9>"),
            ]
        )
        request = Request(method, "sip:a@b", headers)
        key, actions = self.layer.request(request, hop, self.now)
        self.outgoing[key] = request
        self._perform(actions)

    def _perform(self, actions: Iterable[Action]) -> list[Action]:
        """Keep what is told of; nothing may be told of what has ended, or is not there yet."""
        done = list(actions)
        for action in done:
            match action:
                case Send(message, data):
                    assert message.to_bytes() == data
                case DeliverRequest(key, request):
                    assert key not in self.incoming
                    self.incoming[key] = request
                case DeliverResponse(key) | Failed(key):
                    assert key in self.outgoing
                case Cancelled(key) | AckReceived(key) | NoAck(key):
                    assert key in self.incoming
                case Ended(ClientKey() as key):
                    del self.outgoing[key]
                case Ended(ServerKey() as key):
                    # A request that the layer answers itself, as a CANCEL, was never handed up.
                    assert self.incoming.pop(key, None) or key.method == "CANCEL"
                case _:
                    raise AssertionError(action)
        return done
