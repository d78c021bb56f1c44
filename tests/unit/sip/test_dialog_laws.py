"""Two user agents in one dialog over a network that loses, repeats and reorders: in the end both tell the same story.

Either side offers, moves, sends INFO and hangs up at any time (RFC 3261 §12 and §14, RFC 3264, RFC 3311, RFC 4028).
"""

import asyncio
from dataclasses import dataclass
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringdove.net.endpoint import Endpoint, Hop, IncomingRequest
from ringdove.sip.codec import Codec
from ringdove.sip.dialog import Dialog, DialogId, DialogState, new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import SessionDescription, parse
from ringdove.sip.sdp_exchange import Author, Media, read_audio
from ringdove.sip.session_timer import Due, Policy, SessionTimer
from ringdove.sip.uri import Uri
from support.simulation.log import errors_logged
from support.simulation.loop import simulate, simulated_loop
from support.simulation.network import Network, Storm

SDP = "application/sdp"
ALLOW = ("Allow", "INVITE, ACK, BYE, INFO, UPDATE")
PROXIES = ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]
PCMU = Codec(0, "PCMU", 8000)


@dataclass(frozen=True)
class Step:
    """Somebody does something, so many seconds after the step before."""

    after: float
    side: int
    what: str


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from([0.0, 0.001, 0.02, 0.5, 3.0, 700.0]),
        st.integers(0, 1),
        st.sampled_from(["INVITE", "INVITE", "UPDATE", "move", "INFO"]),
    ),
    max_size=12,
)


class Agent:
    """One side. `agreed` is the last completed exchange of descriptions: offer and answer."""

    def __init__(self, endpoint: Endpoint, host: str, peer: str, dice: Random) -> None:
        self.loop = asyncio.get_running_loop()
        self.endpoint = endpoint
        self.host = host
        self.hop = Hop("udp", peer, 5060, host, 5060)
        self.author = Author(1, host)
        self.timer = SessionTimer(Policy(dice.choice((200, 400))))
        self.dialog: Dialog | None = None
        self.agreed: tuple[SessionDescription, SessionDescription] | None = None
        self.asking = False
        self.unacknowledged = False
        self.is_over = False
        self.accepted: list[int] = []
        self.finals: list[tuple[int, str, int]] = []
        """Of our requests: number, method, status."""
        self.sent = 0
        self.glares = 0
        self.versions: list[int] = []
        self._dice = dice
        self._port = 4000
        self._alarm: asyncio.TimerHandle | None = None
        endpoint.on_request = self.on_invite

    def media(self) -> Media:
        self._port += 2
        return Media(self.host, self._port, self._port + 1, (PCMU,))

    def contact(self) -> Uri:
        return Uri("sip", self.host, user=f"at-{self._port}")

    # As the caller

    def call(self) -> None:
        offer = self.author.offer(self.media())
        invite = new_request(
            "INVITE",
            Uri("sip", self.hop.remote_host),
            from_=NameAddr(Uri("sip", self.host)),
            contact=self.contact(),
            body=offer,
            content_type=SDP,
            headers=[ALLOW, *self.timer.offer(), *(("Record-Route", proxy) for proxy in PROXIES)],
        )

        def on_response(response: Response) -> None:
            if response.is_success:
                if self.dialog is None:
                    self.enter(Dialog.as_uac(outgoing.request, response))
                    self.agree(offer, response.body)
                    self.timed(response)
                assert self.dialog is not None
                self.endpoint.send_ack(self.dialog.ack(response.cseq.number), self.hop)

        outgoing = self.endpoint.send_request(invite, self.hop, on_response=on_response, on_failure=self.failed)

    # As the callee

    def on_invite(self, incoming: IncomingRequest) -> None:
        dialog = Dialog.as_uas(incoming.request, incoming.local_tag, self.contact())
        self.enter(dialog)
        self.answer(incoming, dialog)

    # As both

    def enter(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self.endpoint.attach(dialog.id, self.on_request)

    def ask(self, method: str) -> None:
        """Offer something new, or just say something."""
        dialog = self.dialog
        offers = method != "INFO"
        if dialog is None or self.is_over or (offers and (self.asking or self.unacknowledged)):
            return
        body = b""
        fields = [ALLOW]
        if offers:
            body = self.author.offer(self.media())
            dialog.contact = self.contact()
            fields += self.timer.offer()
            self.asking = True
        request = dialog.request(method, body=body, content_type=SDP if body else "", headers=fields)
        number = request.cseq.number
        self.sent += 1

        def on_response(response: Response) -> None:
            dialog.learn(response)
            if method == "INVITE" and response.is_success:
                self.endpoint.send_ack(dialog.ack(number), self.hop)
            if not response.is_final or (number, method, response.status) in self.finals:
                return
            self.finals.append((number, method, response.status))
            if offers:
                self.asking = False
                if response.is_success:
                    self.agree(body, response.body)
                    self.timed(response)
                elif response.status == 491:
                    self.glares += 1
                    pause = self._dice.uniform(2.1, 4.0) if self.host == "10.0.0.1" else self._dice.uniform(0, 2.0)
                    self.loop.call_later(pause, self.ask, method)
                else:  # what we sent after it was there before it (§12.2.2): refreshes, above all, are tried again
                    self.loop.call_later(1.0, self.ask, method)

        self.endpoint.send_request(request, self.hop, on_response=on_response, on_failure=self.failed)

    def bye(self) -> None:
        if self.dialog is not None and not self.is_over:
            self.over()
            self.sent += 1
            bye = self.dialog.request("BYE")
            heard = self.finals
            self.endpoint.send_request(
                bye,
                self.hop,
                on_response=lambda r: heard.append((bye.cseq.number, "BYE", r.status)),
                on_failure=self.failed,
            )

    def on_request(self, incoming: IncomingRequest) -> None:
        request, dialog = incoming.request, self.dialog
        assert dialog is not None
        assert [str(route) for route in request.routes] == (PROXIES if self.host == "10.0.0.1" else PROXIES[::-1])
        if (rejection := dialog.accept(request)) is not None:
            incoming.reply(rejection.status)
            return
        self.accepted.append(request.cseq.number)
        match request.method:
            case "BYE":
                self.over()
                incoming.respond(dialog.respond(request, 200))
            case "INVITE" | "UPDATE" if self.asking or self.unacknowledged:
                incoming.respond(dialog.respond(request, 491))
            case "INVITE" | "UPDATE":
                self.answer(incoming, dialog)
            case _:
                incoming.respond(dialog.respond(request, 200))

    def answer(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        request = incoming.request
        offer = parse(request.body)
        audio = read_audio(offer, lambda codec: codec.key == PCMU.key)
        assert audio is not None
        ours = self.media()
        dialog.contact = self.contact()
        body = self.author.answer(offer, Media(ours.address, ours.port, ours.rtcp_port, audio.codecs, line=audio.line))
        if request.method == "INVITE":
            self.unacknowledged = True
            incoming.on_ack = self.on_ack
            incoming.on_no_ack = self.bye
        fields = [ALLOW, *self.timer.accept(request, self.loop.time())]
        incoming.respond(dialog.respond(request, 200, body=body, content_type=SDP, headers=fields))
        self.agree(request.body, body)
        self.set_alarm()

    def on_ack(self, _: Request) -> None:
        self.unacknowledged = False

    def agree(self, offer: bytes, answer: bytes) -> None:
        self.agreed = parse(offer), parse(answer)
        mine = next(d for d in self.agreed if d.origin.user == self.host)
        self.versions.append(int(mine.origin.version))

    def failed(self, _: object) -> None:
        raise AssertionError("on this network everything arrives in the end")

    def timed(self, response: Response) -> None:
        self.timer.answered(response, self.loop.time())
        self.set_alarm()

    def set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if self.timer.deadline is not None and not self.is_over:
            self._alarm = self.loop.call_later(max(0.0, self.timer.deadline - self.loop.time()), self.on_alarm)

    def on_alarm(self) -> None:
        match self.timer.due(self.loop.time()):
            case Due.EXPIRED:
                raise AssertionError("a session that is refreshed never expires")
            case Due.REFRESH if self.asking or self.unacknowledged:
                self.timer.refresh_at = self.loop.time() + 5
            case Due.REFRESH:
                self.ask(self.timer.method)
        self.set_alarm()

    def over(self) -> None:
        self.is_over = True
        self.timer.stop()
        self.set_alarm()


async def play(script: list[Step], seed: int, rough: bool, last: int) -> int:
    dice = Random(seed)
    network = Network(Storm(dice, 0.15, 0.2, 0.2) if rough else Storm(dice))
    loop = simulated_loop()
    broken: list[str] = []
    loop.set_exception_handler(lambda _, context: broken.append(str(context)))
    agents = []
    for host, peer in (("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1")):
        endpoint = Endpoint(transports={"udp": network.listen})
        await endpoint.listen("udp", host, 5060)
        agents.append(Agent(endpoint, host, peer, dice))
    caller, callee = agents
    caller.call()
    at = 5.0
    for step in script:
        at += step.after
        loop.call_later(at, agents[step.side].ask, "INVITE" if step.what == "move" else step.what)
    loop.call_later(at + 1500, part, caller, callee, agents[last], broken)
    with errors_logged(broken):
        await loop.rest()
    assert not broken, broken
    for agent, other in ((caller, callee), (callee, caller)):
        assert agent.is_over, "both know that it is over"
        assert agent.accepted == sorted(set(agent.accepted)), "§12.2.2: numbers only go up"
        assert agent.sent == len(agent.finals), "one final response for each request"
        assert {status for _, _, status in agent.finals} <= {200, 491, 500}
        taken = [number for number, _, status in agent.finals if status != 500]
        assert sorted(taken) == other.accepted
        agent.endpoint.detach(agent.dialog.id if agent.dialog else DialogId("", "", ""))
        assert len(agent.endpoint._layer) == 0
    return caller.glares + callee.glares


def part(caller: Agent, callee: Agent, who: Agent, broken: list[str]) -> None:
    """Long after the last step, when no refresh is on its way: see that both agree, and hang up."""
    if any(agent.asking or agent.unacknowledged for agent in (caller, callee)):
        asyncio.get_running_loop().call_later(1.0, part, caller, callee, who, broken)
    else:
        broken += disagreements(caller, callee)
        who.bye()


def disagreements(caller: Agent, callee: Agent) -> list[str]:
    one, other = caller.dialog, callee.dialog
    assert one is not None
    assert other is not None
    claims = {
        "tags": one.id == DialogId(other.id.call_id, other.id.remote_tag, other.id.local_tag),
        "state": one.state is other.state is DialogState.CONFIRMED,
        "routes": one.route_set == tuple(reversed(other.route_set)),
        "targets": (one.remote_target, other.remote_target) == (other.contact, one.contact),
        "descriptions": caller.agreed == callee.agreed and caller.agreed is not None,
        "interval": caller.timer.interval == callee.timer.interval is not None,
        "one refreshes": caller.timer.we_refresh != callee.timer.we_refresh,
        "versions": all(a.versions == sorted(a.versions) for a in (caller, callee)),
    }
    return [f"they disagree on {what}" for what, holds in claims.items() if not holds]


@example([Step(700.0, 0, "INFO"), Step(700.0, 0, "INFO")], 2573, True, 0)  # an INFO overtakes a refresh
@settings(max_examples=120)
@given(steps, st.integers(0, 2**32), st.booleans(), st.integers(0, 1))
def test_both_sides_of_a_dialog_agree_in_the_end(script: list[Step], seed: int, rough: bool, last: int) -> None:
    simulate(lambda: play(script, seed, rough, last))


def test_glare_is_settled_by_waiting_for_different_times() -> None:
    both = [Step(1.0, 0, "INVITE"), Step(0.0, 1, "INVITE")]
    assert simulate(lambda: play(both, 1, False, 0)) == 2
