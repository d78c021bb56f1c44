"""Two layers over a network that loses, repeats and reorders, with users that do anything at any time.

The clock is simulated. What is drawn: requests of either side, when they are answered and how, CANCELs, late ACKs, the
fate of every datagram. What must hold whatever comes: RFC 3261 §17 with RFC 6026, seen from the users and on the wire.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import parse
from ringdove.sip.transaction import (
    AckReceived,
    Action,
    Cancelled,
    ClientKey,
    DeliverRequest,
    DeliverResponse,
    Ended,
    Failed,
    NoAck,
    Send,
    ServerKey,
    Timers,
    TransactionLayer,
)
from unit.sip.transaction.transaction_cases import request

TIMERS = Timers()
NOISE = 1e-6

fates = st.lists(st.lists(st.sampled_from([0.005, 0.02, 0.3, 1.0, 4.0]), max_size=3), max_size=12)
"""For each datagram in turn the delays with which it arrives, none beyond T4. None: lost; several: repeated."""
moments = st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0, 3.9, 8.0, 31.0, 33.0])
which = st.integers(0, 5)
"""Which of the transactions that wait, counted round."""


@dataclass
class Ours:
    """A request, as the user who sent it sees it."""

    side: int
    began: float
    heard: list[int] = field(default_factory=list)
    """Provisional statuses."""
    final: int | None = None
    """Its first final status; 0 where it failed."""
    over: float | None = None
    cancelled: bool = False
    acknowledges_after: float = 0.0
    acknowledged: bool = False
    ended: float | None = None


@dataclass
class Theirs:
    """A request, as the user who answers it sees it."""

    side: int
    request: Request
    began: float
    final: int | None = None
    answered: float | None = None
    sent: list[float] = field(default_factory=list)
    """When its 2xx went out."""
    confirmed: float | None = None
    """ACK, or none."""
    ended: float | None = None


class Lossy(RuleBasedStateMachine):
    """Both layers, their users, and the wire between them."""

    @initialize(transport=st.sampled_from(["udp", "udp", "udp", "tcp"]))
    def begin(self, transport: str) -> None:
        self.transport = transport
        self.layers = (TransactionLayer(TIMERS), TransactionLayer(TIMERS))
        self.now = 0.0
        self.fates: list[Sequence[float]] = []
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.order = count()
        self.names = count()
        self.ours: dict[tuple[int, ClientKey], Ours] = {}
        self.theirs: dict[tuple[int, ServerKey], list[Theirs]] = defaultdict(list)
        self.acks: Counter[tuple[int, str]] = Counter()

    # What users do

    @rule(side=st.integers(0, 1), method=st.sampled_from(["INVITE", "INVITE", "BYE", "INFO"]), slow=moments)
    def somebody_asks(self, side: int, method: str, slow: float) -> None:
        name = f"{side}-{next(self.names)}"
        message = request(method, branch=f"z9hG4bK{name}", call_id=name, sent_by=f"192.0.2.{side + 1}:5060")
        key, actions = self.layers[side].request(message, self.hop(side), self.now)
        self.ours[side, key] = Ours(side, self.now, acknowledges_after=slow)
        self.perform(side, actions)

    @rule(choice=which, status=st.sampled_from([100, 180, 183, 200, 200, 200, 302, 404, 486, 603]))
    def somebody_answers(self, choice: int, status: int) -> None:
        waiting = [(where, it) for where, all_ in self.theirs.items() for it in all_ if it.final is None]
        if waiting:
            (side, key), it = waiting[choice % len(waiting)]
            self.respond(side, key, it, status)

    @rule(choice=which)
    def somebody_cancels(self, choice: int) -> None:
        keys = [where for where in self.ours if where[1].method == "INVITE"]
        if keys:
            side, key = keys[choice % len(keys)]
            self.ours[side, key].cancelled |= self.ours[side, key].final is None
            self.perform(side, self.layers[side].cancel(key, [], self.now))

    @rule(more=fates)
    def the_weather_changes(self, more: list[list[float]]) -> None:
        self.fates += more

    @rule(datagrams=st.integers(5, 12))
    def nothing_gets_through(self, datagrams: int) -> None:
        self.fates += [()] * datagrams

    @rule(seconds=moments)
    def time_passes(self, seconds: float) -> None:
        self.run(self.now + seconds)

    def teardown(self) -> None:
        """Everybody answers what is asked, and cancels what is not answered: no timer ends that (§17.1.1.2)."""
        if not hasattr(self, "layers"):
            return
        for _ in range(3):
            for (side, served), all_ in list(self.theirs.items()):
                for it in all_:
                    if it.final is None:
                        self.respond(side, served, it, 200)
            self.run(self.now + 200)
            for (side, key), mine in self.ours.items():
                if mine.final is None:
                    mine.cancelled = True
                    self.perform(side, self.layers[side].cancel(key, [], self.now))
        assert not self.agenda, "it never comes to rest"
        for (_, key), mine in self.ours.items():
            assert mine.final is not None, f"{key} never ends"
            assert mine.ended is not None, f"{key} stays for ever"
            assert mine.over is not None
            assert mine.ended - mine.over <= TIMERS.timeout + NOISE, f"{key} outlives its timers"
        for (_, served), all_ in self.theirs.items():
            for it in all_:
                assert it.ended is not None, f"{served} stays for ever"
                assert it.answered is not None
                assert it.ended - it.answered <= TIMERS.timeout + TIMERS.t4 + NOISE, f"{served} outlives its timers"
                assert (it.confirmed is not None) == (served.method == "INVITE" and (it.final or 0) < 300)
        for layer in self.layers:
            assert len(layer) == 0
            assert layer.deadline is None
            assert not {name: table for name, table in vars(layer).items() if isinstance(table, dict) and table}

    # Time and the wire

    def at(self, delay: float, what: Callable[[], None]) -> None:
        heappush(self.agenda, (self.now + delay, next(self.order), what))

    def run(self, until: float) -> None:
        for _ in range(20_000):
            timers = [(at, side) for side, layer in enumerate(self.layers) if (at := layer.deadline) is not None]
            due = min([at for at, _ in timers] + [at for at, _, _ in self.agenda[:1]], default=until)
            if due > until or not (timers or self.agenda):
                self.now = until
                return
            self.now = max(self.now, due)
            if timers and min(timers)[0] <= due:
                side = min(timers)[1]
                self.perform(side, self.layers[side].tick(self.now))
            else:
                heappop(self.agenda)[2]()
        raise AssertionError("it goes round in circles")

    def hop(self, side: int) -> Hop:
        return Hop(self.transport, f"192.0.2.{2 - side}", 5060, f"192.0.2.{side + 1}", 5060)

    def arrive(self, side: int, data: bytes) -> None:
        message, layer = parse(data), self.layers[side]
        if isinstance(message, Response):
            self.perform(side, layer.receive_response(message, self.now))
        else:
            self.perform(side, layer.receive(message, self.hop(side), self.now))

    def perform(self, side: int, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(message, data):
                    self.look_at(side, message)
                    delays = self.fates.pop(0) if self.transport == "udp" and self.fates else (0.01,)
                    for delay in delays:
                        self.at(delay, partial(self.arrive, 1 - side, data))
                case DeliverResponse(key, response):
                    self.hear(side, key, response)
                case Failed(key):
                    mine = self.ours[side, key]
                    assert mine.final is None, "one outcome"
                    mine.final, mine.over = 0, self.now
                case Ended(ClientKey() as key):
                    assert self.ours[side, key].ended is None, "it ends once"
                    self.ours[side, key].ended = self.now
                case Ended(ServerKey() as key):
                    assert self.theirs[side, key][-1].ended is None, "it ends once"
                    self.theirs[side, key][-1].ended = self.now
                case DeliverRequest(key, message):
                    self.serve(side, key, message)
                case Cancelled(key, Request()):
                    it = self.theirs[side, key][-1]
                    assert it.final is None, "§9.2: a CANCEL that comes too late changes nothing"
                    self.respond(side, key, it, 487)
                case AckReceived(key) | NoAck(key):
                    self.confirm(side, key, isinstance(action, NoAck))

    def look_at(self, side: int, message: Request | Response) -> None:
        """What goes on the wire."""
        match message:
            case Request(method="CANCEL"):
                mine = self.ours[side, ClientKey(message.via.branch, "INVITE")]
                assert mine.heard, "§9.1: nothing is cancelled before the far end has shown itself"
                assert mine.cancelled
            case Request(method="ACK"):
                self.acks[side, message.via.branch] += 1
            case Response() if message.is_success and message.cseq.method == "INVITE":
                (it,) = (
                    it for (_, key), all_ in self.theirs.items() for it in all_ if key.branch == message.via.branch
                )
                assert it.confirmed is None, "§13.3.1.4: no 2xx after its ACK"
                if it.sent:
                    assert self.now - it.sent[-1] <= TIMERS.t2 + NOISE, "§13.3.1.4: at intervals of T2 at most"
                it.sent.append(self.now)
            case Response() if message.cseq.method == "CANCEL":
                assert message.status in (200, 481)

    # What users are told

    def serve(self, side: int, key: ServerKey, message: Request) -> None:
        for before in self.theirs[side, key]:
            assert before.ended is not None, "a request is handed up once"
            assert self.now - before.began >= TIMERS.timeout - NOISE, "a request is handed up once while it may be sent"
        self.theirs[side, key].append(Theirs(side, message, self.now))

    def respond(self, side: int, key: ServerKey, it: Theirs, status: int) -> None:
        if status >= 200:
            it.final, it.answered = status, self.now
        self.perform(side, self.layers[side].respond(key, it.request.reply(status, to_tag="callee"), self.now))

    def hear(self, side: int, key: ClientKey, response: Response) -> None:
        mine = self.ours[side, key]
        if not response.is_final:
            assert mine.final is None, "no provisional after the final response"
            mine.heard.append(response.status)
            return
        again = mine.final is not None
        invited = key.method == "INVITE"
        assert not again or (invited and response.is_success and mine.final == response.status), "one outcome"
        assert not again or not mine.acknowledged, "RFC 6026 §7.2: a 2xx is told until it is acknowledged"
        if not again:
            mine.final, mine.over = response.status, self.now
            if invited and response.is_success:
                self.at(mine.acknowledges_after, lambda: self.acknowledge(side, key, response))
            elif invited:
                assert self.acks[side, key.branch], "§17.1.1.3: a failure is acknowledged before it is told"

    def acknowledge(self, side: int, key: ClientKey, response: Response) -> None:
        if self.ours[side, key].ended is None:
            self.ours[side, key].acknowledged = True
        ack = request(
            "ACK",
            branch=f"{key.branch}ack",
            to_tag="callee",
            call_id=response.call_id,
            sent_by=f"192.0.2.{side + 1}:5060",
        )
        self.perform(side, self.layers[side].acknowledge(ack, self.hop(side)))

    def confirm(self, side: int, key: ServerKey, none: bool) -> None:
        it = self.theirs[side, key][-1]
        assert it.final == 200
        assert it.confirmed is None, "acknowledged or not, never both and never twice"
        assert it.answered is not None
        assert not none or self.transport == "tcp" or same(self.now - it.answered, TIMERS.timeout), "§13.3.1.4"
        it.confirmed = self.now


def same(one: float, other: float) -> bool:
    return abs(one - other) < NOISE


TestLossy = Lossy.TestCase
TestLossy.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_on_a_perfect_network_nothing_is_sent_twice() -> None:
    world = Lossy()
    world.begin("udp")
    world.somebody_asks(0, "INVITE", 0.0)
    world.time_passes(0.05)
    world.somebody_answers(0, 180)
    world.time_passes(1.0)
    world.somebody_answers(0, 486)
    world.teardown()
    ((mine,), (((it,)),)) = (world.ours.values(), world.theirs.values())
    assert (mine.heard, mine.final, it.final) == ([180], 486, 486)
    assert world.acks.total() == 1
