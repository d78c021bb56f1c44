"""Two layers back to back over a network that loses, repeats and reorders: every transaction ends, and ends once.

The clock is simulated; the network is drawn by hypothesis. Property: whatever the network does, the client's user
learns of exactly one end of each request (its first final response, or a failure), every transaction is announced as
ended, and nothing stays behind in either layer: no transaction, no timer.
"""

from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from transaction_cases import request

from ringdove.sip.headers import Headers
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
    TransactionLayer,
)

FATES = st.lists(st.lists(st.sampled_from([0.005, 0.02, 0.3, 1.0, 4.0, 40.0]), max_size=3), max_size=60)
"""For each message on the wire in turn: the delays with which it arrives. None: lost; several: repeated."""


@dataclass
class Plan:
    """One request, and how both users mean to treat it. Times are seconds after the step before."""

    method: str
    start: float
    provisional_after: float | None
    final_after: float | None
    status: int
    cancel_after: float | None


PLANS = st.lists(
    st.builds(
        Plan,
        method=st.sampled_from(["INVITE", "INVITE", "BYE", "REGISTER"]),
        start=st.sampled_from([0.0, 0.1, 3.0]),
        provisional_after=st.none() | st.sampled_from([0.0, 0.1, 1.0]),
        final_after=st.sampled_from([0.0, 0.15, 2.0, 10.0]),
        status=st.sampled_from([200, 302, 404, 486, 603]),
        cancel_after=st.none() | st.sampled_from([0.0, 0.1, 2.0, 9.0]),
    ),
    min_size=1,
    max_size=3,
)


@dataclass
class World:
    """Both layers, their users and the wire between them."""

    plans: list[Plan]
    fates: list[list[float]]
    transport: str
    now: float = 0.0
    ends: Counter[ClientKey] = field(default_factory=Counter)
    successes: Counter[ClientKey] = field(default_factory=Counter)
    ended: Counter[ClientKey | ServerKey] = field(default_factory=Counter)
    served: Counter[ServerKey] = field(default_factory=Counter)
    confirmations: Counter[ServerKey] = field(default_factory=Counter)
    taken: Counter[ServerKey] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.layers = (TransactionLayer(), TransactionLayer())
        self.order = count()
        self.agenda: list[tuple[float, int, object]] = []
        self.keys: list[ClientKey] = []

    def at(self, delay: float, what: object) -> None:
        heappush(self.agenda, (self.now + delay, next(self.order), what))

    def run(self) -> None:
        for number, plan in enumerate(self.plans):
            self.at(plan.start, ("start", number))
        for _ in range(20_000):
            timers = [(at, side) for side, layer in enumerate(self.layers) if (at := layer.deadline) is not None]
            if not timers and not self.agenda:
                return
            if timers and (not self.agenda or min(timers)[0] <= self.agenda[0][0]):
                at, side = min(timers)
                self.now = max(self.now, at)
                self.perform(side, self.layers[side].tick(self.now))
                continue
            self.now, _, what = heappop(self.agenda)
            self.happen(what)
        raise AssertionError("it never comes to rest")

    def happen(self, what: object) -> None:
        client = self.layers[0]
        match what:
            case ("start", int(number)):
                plan = self.plans[number]
                message = request(plan.method, branch=f"z9hG4bK{number}", call_id=f"call{number}")
                key, actions = client.request(message, self.hop(0), self.now)
                self.keys.append(key)
                self.perform(0, actions)
                if plan.cancel_after is not None:
                    self.at(plan.cancel_after, ("cancel", key))
            case ("cancel", ClientKey() as key):
                self.perform(0, client.cancel(key, [], self.now))
            case ("arrive", int(side), bytes(data)):
                self.perform(side, self.layers[side].receive(parse(data), self.hop(side), self.now))
            case ("respond", ServerKey() as key, Response() as response):
                self.respond(key, response)

    def respond(self, key: ServerKey, response: Response) -> None:
        actions = self.layers[1].respond(key, response, self.now)
        if actions and response.is_success and key.method == "INVITE":
            self.taken[key] += 1
        self.perform(1, actions)

    def hop(self, side: int) -> Hop:
        return Hop(self.transport, f"192.0.2.{2 - side}", 5060, f"192.0.2.{side + 1}", 5060)

    def perform(self, side: int, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(_, data):
                    delays = self.fates.pop(0) if self.transport == "udp" and self.fates else [0.01]
                    for delay in delays:
                        self.at(delay, ("arrive", 1 - side, data))
                case DeliverResponse(key, response) if response.is_success and key.method == "INVITE":
                    self.successes[key] += 1
                    if self.successes[key] == 1:
                        self.ends[key] += 1
                    ack = request("ACK", branch=f"{key.branch}ack", to_tag="callee", call_id=response.call_id)
                    self.perform(0, self.layers[0].acknowledge(ack, self.hop(0)))
                case DeliverResponse(key, response) if response.is_final:
                    self.ends[key] += 1
                case Failed(key):
                    self.ends[key] += 1
                case Ended(key):
                    self.ended[key] += 1
                case DeliverRequest(key, message):
                    self.serve(key, message)
                case Cancelled(key, Request() as cancel):
                    self.respond(
                        key, Request("INVITE", cancel.uri, self.invite_headers(cancel)).reply(487, to_tag="callee")
                    )
                case AckReceived(key) | NoAck(key):
                    self.confirmations[key] += 1

    def serve(self, key: ServerKey, message: Request) -> None:
        self.served[key] += 1
        plan = self.plans[int(key.branch.removeprefix("z9hG4bK"))]
        if plan.provisional_after is not None:
            self.at(plan.provisional_after, ("respond", key, message.reply(180, to_tag="callee")))
        if plan.final_after is not None:
            self.at(plan.final_after, ("respond", key, message.reply(plan.status, to_tag="callee")))

    @staticmethod
    def invite_headers(cancel: Request) -> Headers:
        headers = cancel.headers.copy()
        headers.set("CSeq", f"{cancel.cseq.number} INVITE")
        return headers


@settings(max_examples=150, deadline=None)
@given(PLANS, FATES, st.sampled_from(["udp", "udp", "udp", "tcp"]))
def test_every_transaction_ends_once_and_leaves_nothing(
    plans: list[Plan], fates: list[list[float]], transport: str
) -> None:
    world = World(plans, fates, transport)
    world.run()
    for key in world.keys:
        assert world.ends[key] == 1, key
        assert world.ended[key] == 1, key
    for served, times in world.served.items():
        assert world.ended[served] == times
        # A 2xx is either acknowledged or reported as not acknowledged, never both and never twice.
        assert world.confirmations[served] == world.taken[served]
    for layer in world.layers:
        assert len(layer) == 0
        assert layer.deadline is None
        tables = {name: table for name, table in vars(layer).items() if isinstance(table, dict) and table}
        assert not tables


def test_on_a_perfect_network_nothing_is_sent_twice() -> None:
    plan = Plan("INVITE", 0.0, 0.05, 0.3, 486, None)
    world = World([plan], [], "udp")
    world.run()
    assert world.ends == {ClientKey("z9hG4bK0", "INVITE"): 1}
    assert world.served.total() == 1
