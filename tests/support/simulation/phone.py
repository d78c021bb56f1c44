"""A simulated phone: it has an address on the network, moods when it is called, and habits when it calls.

What it does with a call is told by data (`Mood`, `Habit`); what it went through is kept for whoever judges.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from ringdove.net.endpoint import Endpoint, Hop, IncomingRequest
from ringdove.sip.dialog import Dialog, DialogId, new_request
from ringdove.sip.digest import authorize
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri

from .network import Address, Network

SDP = "application/sdp"
PORT = 5060


def sdp(formats: str = "0 101", direction: str = "sendrecv", version: int = 1) -> bytes:
    """What a phone says of its audio."""
    lines = [
        "v=0",
        f"o=- 7 {version} IN IP4 192.0.2.99",
        "s=-",
        "c=IN IP4 192.0.2.99",
        "t=0 0",
        f"m=audio 4000 RTP/AVP {formats}",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:101 telephone-event/8000",
        f"a={direction}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


REACTIONS = ("accept", "accept", "accept", "accept", "refuse", "glare", "ignore", "die")
"""What a phone may do about a re-INVITE or UPDATE with an offer."""
UNUSABLE = sdp("96")
"""A description without a codec that anybody knows."""


@dataclass(frozen=True)
class Mood:
    """What a phone does when it is called; seconds from the INVITE.

    `rings` is when it says 180, None for never. `thinks` is when it gives its final `status`, None for never.
    `late` is how long after a CANCEL it says 200 nevertheless; None where it obeys. `forks`: a second phone behind the
    same address answers too, at the same moment. `talks` is when it hangs up, counted from the ACK; `dies` when it is
    switched off.
    """

    rings: float | None = 0.05
    thinks: float | None = None
    status: int = 200
    body: bytes | None = None
    late: float | None = None
    forks: bool = False
    talks: float | None = None
    dies: float | None = None


@dataclass(frozen=True)
class Habit:
    """What a caller does; seconds from its INVITE, or from the 200 for `talks` and `chats`.

    `leaves` is when it loses patience, and `how` what it does then: CANCEL, BYE (on the early dialog), or die.
    """

    offers: bool = True
    leaves: float | None = None
    how: str = "cancel"
    talks: float | None = None
    chats: tuple[tuple[float, str], ...] = ()


class Phone:
    """One phone. `moods` is asked at each INVITE; `lines` are the calls that it is in now."""

    def __init__(self, endpoint: Endpoint, server: Address, host: str, user: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.endpoint = endpoint
        self.host = host
        self.user = user
        self.hop = Hop("udp", *server, host, PORT)
        self.moods: Callable[[], Mood] = Mood
        self.formats = "0 101"
        self.dice = Random(host)
        self.die: Callable[[], None] = lambda: None
        self.lines: dict[DialogId, Line] = {}
        self.taken: list[DialogId] = []
        """Every call that it has answered."""
        endpoint.on_request = self._on_request

    @classmethod
    async def on(cls, network: Network, server: Address, host: str, user: str) -> "Phone":
        """A phone at a host of its own."""
        endpoint = Endpoint(transports={"udp": network.listen})
        await endpoint.listen("udp", host, PORT)
        phone = cls(endpoint, server, host, user)
        phone.die = lambda: network.dead.add(host)
        return phone

    @property
    def contact(self) -> Uri:
        """Where it is called."""
        return self.endpoint.contact(self.hop, self.user)

    def enter(self, dialog: Dialog) -> "Line":
        """Be in a call from now on."""
        line = self.lines[dialog.id] = Line(self, dialog)
        self.endpoint.attach(dialog.id, line.on_request)
        return line

    def _on_request(self, incoming: IncomingRequest) -> None:
        if incoming.request.method == "INVITE":
            _Ringing(self, incoming, self.moods())
        else:
            incoming.reply(200 if incoming.request.method == "OPTIONS" else 405)


class _Ringing:
    """One INVITE to a phone."""

    def __init__(self, phone: Phone, incoming: IncomingRequest, mood: Mood) -> None:
        self._phone = phone
        self._incoming = incoming
        self._mood = mood
        self._body = sdp(phone.formats) if mood.body is None else mood.body
        incoming.on_cancel = self._cancelled
        if mood.rings is not None:
            phone.loop.call_later(mood.rings, incoming.reply, 180)
        if mood.thinks is not None:
            phone.loop.call_later(mood.thinks, self._decide)
        if mood.dies is not None:
            phone.loop.call_later(mood.dies, phone.die)

    def _decide(self) -> None:
        if self._incoming.answered:
            return
        if self._mood.status >= 300:
            self._incoming.reply(self._mood.status)
            return
        self._take()
        if self._mood.forks:
            self._fork()

    def _take(self) -> None:
        request, phone = self._incoming.request, self._phone
        line = phone.enter(Dialog.as_uas(request, self._incoming.local_tag, phone.contact))
        phone.taken.append(line.dialog.id)
        self._incoming.on_ack = lambda _: line.talk(self._mood.talks)
        self._incoming.on_no_ack = line.bye
        self._incoming.respond(line.dialog.respond(request, 200, body=self._body, content_type=SDP))

    def _fork(self) -> None:
        """Another phone, of which nobody knew, answers the same INVITE."""
        request, phone = self._incoming.request, self._phone
        line = phone.enter(Dialog.as_uas(request, f"{self._incoming.local_tag}-fork", phone.contact))
        phone.taken.append(line.dialog.id)
        response = line.dialog.respond(request, 200, body=self._body, content_type=SDP)
        for again in (0.0, 0.5, 1.5, 3.5, 7.5):  # no transaction repeats it, so this does
            phone.loop.call_later(again, self._repeat, response, line)

    def _repeat(self, response: Response, line: "Line") -> None:
        if line.is_open:
            (transport,) = self._phone.endpoint.listeners.all.values()
            transport.send(self._phone.hop, response.to_bytes())

    def _cancelled(self, _: Request | None) -> None:
        if self._mood.late is None:
            self._incoming.reply(487)
        else:
            self._phone.loop.call_later(self._mood.late, self._take_unless_answered)

    def _take_unless_answered(self) -> None:
        if not self._incoming.answered:
            self._take()


class Line:
    """One call that a phone is in."""

    def __init__(self, phone: Phone, dialog: Dialog) -> None:
        self.phone = phone
        self.dialog = dialog
        self._alarms: list[asyncio.TimerHandle] = []
        self._pending: list[IncomingRequest] = []
        """What it never answers, while the call lasts."""
        self._version = 1

    @property
    def is_open(self) -> bool:
        """Whether nobody has hung up yet."""
        return self.dialog.id in self.phone.lines

    def talk(self, seconds: float | None, chats: Sequence[tuple[float, str]] = ()) -> None:
        """Hang up after some seconds; None: leave that to the other side."""
        loop = self.phone.loop
        if self.is_open:
            self._alarms = [loop.call_later(at, self._chat, what) for at, what in chats]
            if seconds is not None:
                self._alarms.append(loop.call_later(seconds, self.bye))

    def bye(self) -> None:
        """Hang up."""
        if self.is_open:
            self._close()
            self._send("BYE")

    def on_request(self, incoming: IncomingRequest) -> None:
        """What the other side does."""
        request = incoming.request
        if (rejection := self.dialog.accept(request)) is not None:
            incoming.reply(rejection.status)
        elif request.method == "BYE":
            self._close()
            incoming.respond(self.dialog.respond(request, 200))
        elif request.method in ("INVITE", "UPDATE") and request.body:
            self._hear_offer(incoming, self.phone.dice.choice(REACTIONS))
        else:
            incoming.respond(self.dialog.respond(request, 200))

    def _hear_offer(self, incoming: IncomingRequest, reaction: str) -> None:
        request = incoming.request
        match reaction:
            case "accept":
                self._version += 1
                answer = sdp(self.phone.formats, version=self._version)
                incoming.on_no_ack = self.bye
                incoming.respond(self.dialog.respond(request, 200, body=answer, content_type=SDP))
            case "refuse":
                incoming.reply(488)
            case "glare":
                incoming.reply(491)
            case _:
                self._pending.append(incoming)
                if reaction == "die":
                    self.phone.loop.call_later(0.3, self.phone.die)

    def _chat(self, what: str) -> None:
        self._version += 1
        match what:
            case "hold":
                self._send("INVITE", sdp(self.phone.formats, "sendonly", self._version))
            case "resume":
                self._send("INVITE", sdp(self.phone.formats, version=self._version))
            case "codec":
                self._send("INVITE", sdp("9 101", version=self._version))
            case "update":
                self._send("UPDATE", sdp(self.phone.formats, version=self._version))
            case "refresh":
                self._send("UPDATE")
            case "info":
                self._send("INFO", b"Signal=1", "application/dtmf-relay")

    def _send(self, method: str, body: bytes = b"", kind: str = SDP) -> None:
        request = self.dialog.request(method, body=body, content_type=kind if body else "")

        def on_response(response: Response) -> None:
            self.dialog.learn(response)
            if method == "INVITE" and response.is_success:
                self.phone.endpoint.send_ack(self.dialog.ack(request.cseq.number), self.phone.hop)
            if Dialog.is_lost(response.status):
                self._close()

        self.phone.endpoint.send_request(
            request, self.phone.hop, on_response=on_response, on_failure=lambda _: self._close()
        )

    def _close(self) -> None:
        if self.phone.lines.pop(self.dialog.id, None) is not None:
            self.phone.endpoint.detach(self.dialog.id)
            for alarm in self._alarms:
                alarm.cancel()
            for incoming in self._pending:
                incoming.reply(487)


class Calling:
    """One call of a phone, from its INVITE on. `finals` are the final responses that it got, challenges aside."""

    def __init__(self, phone: Phone, number: str, password: str, habit: Habit) -> None:
        self._phone = phone
        self._password = password
        self._habit = habit
        self._early: Dialog | None = None
        self._left = False
        self.finals: list[int] = []
        self.failed = False
        """Nobody has answered."""
        target = Uri("sip", phone.hop.remote_host, user=number)
        self._invite = new_request(
            "INVITE",
            target,
            from_=NameAddr(Uri("sip", "pbx.test", user=phone.user)),
            contact=phone.contact,
            body=sdp(phone.formats) if habit.offers else b"",
            content_type=SDP if habit.offers else "",
        )
        self.call_id = self._invite.call_id
        self._send()
        if habit.leaves is not None:
            phone.loop.call_later(habit.leaves, self._leave)

    def _send(self) -> None:
        self._outgoing = self._phone.endpoint.send_request(
            self._invite, self._phone.hop, on_response=self._on_response, on_failure=self._on_failure
        )

    def _leave(self) -> None:
        self._left = True
        match self._habit.how:
            case "die":
                self._phone.die()
            case "bye" if self._early is not None and not self.finals:
                bye = self._early.request("BYE")
                self._phone.endpoint.send_request(bye, self._phone.hop, on_response=_ignore, on_failure=_ignore)
            case _:
                self._outgoing.cancel()

    def _on_failure(self, _: object) -> None:
        self.failed = True

    def _on_response(self, response: Response) -> None:
        if response.status == 401 and "Authorization" not in self._invite.headers:
            self._show_password(response)
        elif response.is_success:
            self._answered(response)
        elif response.is_final:
            self.finals.append(response.status)
        elif response.to.tag is not None:
            self._early = self._early or Dialog.as_uac(self._outgoing.request, response)

    def _show_password(self, challenge: Response) -> None:
        again = Request("INVITE", self._invite.uri, self._invite.headers.copy(), self._invite.body)
        again.headers.set("CSeq", f"{self._invite.cseq.number + 1} INVITE")
        offered = challenge.headers.get_all("WWW-Authenticate")
        proof = authorize(offered, self._phone.user, self._password, "INVITE", self._invite.uri)
        again.headers.add("Authorization", proof)
        self._invite = again
        self._send()
        if self._left:
            self._outgoing.cancel()

    def _answered(self, response: Response) -> None:
        dialog = Dialog.as_uac(self._outgoing.request, response)
        answer = b"" if self._habit.offers else sdp(self._phone.formats)
        ack = dialog.ack(self._invite.cseq.number, body=answer, content_type=SDP if answer else "")
        self._phone.endpoint.send_ack(ack, self._phone.hop)
        if self.finals:
            return
        self.finals.append(response.status)
        if self._early is not None:  # a BYE on the early dialog has used a number
            dialog.local_cseq = max(dialog.local_cseq, self._early.local_cseq)
        line = self._phone.enter(dialog)
        if self._left:
            line.bye()
        else:
            line.talk(self._habit.talks, self._habit.chats)


def _ignore(_: object) -> None:
    pass
