"""A leg towards one phone of a member: INVITE, CANCEL, and what to do with an answer that comes too late (R4, R5)."""

from collections.abc import Iterable
from enum import Enum, auto

import structlog

from ringdove.events.types import LegBegan
from ringdove.media.engine import Media, PartyId
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.model.story import LegResult, Party
from ringdove.net.endpoint import Endpoint, OutgoingRequest
from ringdove.ring.engine import Why
from ringdove.sip.dialog import Dialog
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import SdpError, SessionDescription
from ringdove.sip.transaction.actions import Failure
from ringdove.sip.uri import Uri

from .board import Board
from .book import LegBook
from .description import SDP, description_of
from .inbox import Inbox, LegAnswered, LegFailed, LegRang
from .invitation import Invitation
from .leg import ALLOW, Leg, ignore

log = structlog.get_logger(__name__)

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""What tells a phone not to show a missed call (RFC 3326, R5)."""

ELSEWHERE_Q850 = "Q.850;cause=26"
"""The same for phones that read this form only; by setting."""

_STOPPED: dict[Why | None, LegResult] = {
    Why.ELSEWHERE: LegResult.ANSWERED_ELSEWHERE,
    Why.WINDOW_CLOSED: LegResult.NO_ANSWER,
    Why.DECLINED: LegResult.DECLINED_ELSEWHERE,
    Why.REGISTERED_ANEW: LegResult.REGISTERED_ANEW,
    Why.REMOVED: LegResult.REMOVED,
    Why.CALLER_GONE: LegResult.CALLER_GONE,
    Why.DIVERTED: LegResult.DIVERTED_ELSEWHERE,
    None: LegResult.CALL_ENDED,
}
_FAILED: dict[int, LegResult] = {
    301: LegResult.DIVERTED,
    302: LegResult.DIVERTED,
    408: LegResult.NO_RESPONSE,
    480: LegResult.UNAVAILABLE,
    486: LegResult.BUSY,
    488: LegResult.NO_CODEC,
    503: LegResult.UNREACHABLE,
    600: LegResult.BUSY,
    603: LegResult.DECLINED,
    607: LegResult.DECLINED,
    608: LegResult.DECLINED,
}


class _State(Enum):
    NEW = auto()
    INVITED = auto()
    ANSWERED = auto()
    OVER = auto()
    """Stopped or failed: an answer that still comes is acknowledged and hung up."""


class MemberLeg(Leg):
    """One INVITE to one phone, and the dialog that may come of it.

    `number` is the ring engine's name for it, `answer` the phone's description, once given.
    """

    __slots__ = (
        "_binding",
        "_book",
        "_connected",
        "_farewell",
        "_outgoing",
        "_state",
        "answer",
        "callee",
        "diverted_to",
        "number",
        "offer",
    )

    def __init__(
        self,
        board: Board,
        inbox: Inbox,
        party: PartyId,
        number: int,
        callee: Extension,
        binding: StoredBinding,
        book: LegBook,
    ) -> None:
        super().__init__(board, inbox, party, Hop.of_binding(binding))
        self.number = number
        self.callee = callee
        self.answer: SessionDescription | None = None
        self.offer: Media | None = None
        """Our description, to be sent with the INVITE."""
        self.diverted_to = ""
        """The number that a phone has refused the call in favour of (3xx); we follow it to voicemail only."""
        self._binding = binding
        self._book = book
        self._secure = Uri.parse(binding.contact).scheme == "sips"
        self._state = _State.NEW
        self._connected = False
        self._farewell: list[str] = []
        """Reason values for the CANCEL, and for the BYE to an answer that came too late."""
        self._outgoing: OutgoingRequest | None = None
        """The INVITE, until its final response: what refers to each other waits for the garbage collector."""

    @property
    def is_answered(self) -> bool:
        """Whether it was answered, and not ended since."""
        return self._state is _State.ANSWERED

    @property
    def is_up(self) -> bool:
        """Whether it rings, or was answered and not ended since."""
        return self._state in (_State.INVITED, _State.ANSWERED)

    @property
    def who(self) -> Party:
        """Who is called, as the story names them."""
        return self._book.member

    def invite(self, invitation: Invitation) -> None:
        """Send the INVITE with our offer, in this turn of the loop (R11). A leg without an offer has failed."""
        if self.offer is None:
            self._inbox.put(LegFailed(self, 503))
            return
        self._said = self.author.offer(self.offer)
        self._state = _State.INVITED
        request = invitation.request(self.callee, self._binding, self.contact, (ALLOW, *self._timer.offer()))
        self._book.invited(self.party, request.call_id)
        self.board.bus.publish(LegBegan(self._book.call_id, self.party, request.call_id, self.who))
        self._tell("leg_invited", number=self.callee.number)
        self._send(request)

    def stop(self, why: Why | None) -> None:
        """End it: CANCEL while it rings, BYE where it was answered; None where the server ends the call.

        Only a lost race is told to the phone as such (R5).
        """
        before, self._state = self._state, _State.OVER
        if before in (_State.NEW, _State.OVER):
            return
        self._book.ended(_STOPPED[why])
        self._tell("leg_stopped", why=str(_STOPPED[why]))
        if why is Why.ELSEWHERE:
            self._farewell += [ELSEWHERE, ELSEWHERE_Q850] if self.board.settings.q850_reason else [ELSEWHERE]
        if before is _State.ANSWERED:
            self.bye(*self._farewell)
        elif self._outgoing is not None:
            self._outgoing.cancel([("Reason", reason) for reason in self._farewell])

    def fail(self, status: int, result: LegResult | None = None) -> None:
        """It could not be sent, or was answered in a way that cannot be used."""
        before, self._state = self._state, _State.OVER
        self._book.ended(result or _FAILED.get(status, LegResult.REFUSED), status)
        self._tell("leg_failed", status=status)
        if before is _State.ANSWERED:
            self.bye()

    def won(self) -> None:
        """It is connected to the caller."""
        self._connected = True
        self._book.ended(LegResult.ANSWERED, 200)

    def _send(self, request: Request) -> None:
        request.set_body(SDP, self._said)
        self._outgoing = self.board.endpoint.send_request(
            request, self.hop, on_response=self._on_response, on_failure=self._on_failure
        )

    def _ask_again(self) -> None:
        """The session interval was too small for a proxy or the phone (RFC 4028 §7.3)."""
        assert self._outgoing is not None  # noqa: S101 - it is what was refused
        before = self._outgoing.request
        again = Request(before.method, before.uri, before.headers.copy())
        again.headers.remove("Via")
        again.headers.set("CSeq", f"{before.cseq.number + 1} INVITE")
        for name, value in self._timer.offer():
            again.headers.set(name, value)
        self._send(again)

    def _on_response(self, response: Response) -> None:
        status = response.status
        if status == 100:
            self._book.tried()
        elif status < 200:
            self._rang(status)
        elif status < 300:
            self._on_success(response)
        elif self._state is _State.INVITED and self._timer.rejected(response):
            self._ask_again()
        else:
            self.diverted_to = _diverted_to(response)
            self._refused(status)

    def _rang(self, status: int) -> None:
        if self._state is _State.INVITED and self._book.rang():
            self._tell("leg_rang", status=status)
            if not self._book.caller_knows:
                self._inbox.put(LegRang(self))

    def _on_failure(self, failure: Failure) -> None:
        self._refused(failure.status)

    def _on_success(self, response: Response) -> None:
        """A 2xx is always acknowledged; the first one while it rings is the answer, a late one is hung up (R4)."""
        outgoing, self._outgoing = self._outgoing, None
        assert outgoing is not None  # noqa: S101 - from now on what is said to it is `answers` to hear
        answers = _Answers(self.board.endpoint, outgoing, self.hop, self._farewell)
        outgoing.on_response, outgoing.on_failure = answers.another, ignore
        self._book.answered()
        self._tell("leg_answered", late=self._state is not _State.INVITED)
        dialog, self.hop = answers.acknowledge(response)
        if self._state is not _State.INVITED:
            answers.hang_up(dialog, self.hop)
            self._book.said(response.status)
            return
        try:
            self.answer = description_of(response)
        except SdpError:
            self.answer = None
        if self.answer is None:
            answers.hang_up(dialog, self.hop)
            self._refused(488)
            return
        self._heard = response.body
        self._state = _State.ANSWERED
        self._enter(dialog)
        self._timer.answered(response, self.board.endpoint.clock())
        self._set_alarm()
        self._inbox.put(LegAnswered(self))

    def _refused(self, status: int) -> None:
        self._outgoing = None
        if self._state is _State.INVITED:
            self._tell("leg_refused", status=status)
            self._state = _State.OVER
            self._book.ended(_FAILED.get(status, LegResult.REFUSED), status)
            self._inbox.put(LegFailed(self, status))
        else:
            self._book.said(status)

    def _tell(self, event: str, **more: str | int) -> None:
        if self.board.logs_legs:
            log.debug(event, call=self._book.call_id, leg=self.party, sip_call_id=self._book.sip_call_id, **more)

    def _left(self, why: str = "", reasons: tuple[str, ...] = ()) -> None:
        """A phone that hangs up before it is connected has failed like one that refuses (R6)."""
        if self._connected:
            super()._left(why, reasons)
            return
        self.leave()
        self._state = _State.OVER
        self._book.ended(LegResult.HUNG_UP)
        self._inbox.put(LegFailed(self, 480))


class _Answers:
    """The answers to one INVITE, of which a fork may bring more for half a minute (RFC 6026 §8.4): nothing here keeps
    the leg, and with it the call, for so long.
    """

    __slots__ = ("_endpoint", "_farewell", "_hop", "_invite", "_sent_to")

    def __init__(self, endpoint: Endpoint, outgoing: OutgoingRequest, hop: Hop, farewell: Iterable[str]) -> None:
        self._endpoint = endpoint
        self._invite = outgoing.request
        self._sent_to = outgoing.hop
        self._hop = hop
        self._farewell = farewell

    def acknowledge(self, response: Response) -> tuple[Dialog, Hop]:
        """Send the ACK; returns the dialog, and where its messages go."""
        dialog = Dialog.as_uac(self._invite, response)
        # An INVITE too large for UDP went over TCP, and the phone stays there.
        hop = self._sent_to if dialog.next_hop.transport == self._sent_to.transport else self._hop
        self._endpoint.send_ack(dialog.ack(response.cseq.number), hop)
        return dialog, hop

    def hang_up(self, dialog: Dialog, hop: Hop) -> None:
        """End a dialog that is not the call's: a late answer, or a second one behind a fork."""
        bye = dialog.request("BYE", headers=[("Reason", reason) for reason in self._farewell])
        self._endpoint.send_request(bye, hop, on_response=ignore, on_failure=ignore)

    def another(self, response: Response) -> None:
        """Another phone behind a fork answered: only the first 2xx may be the call's (R4)."""
        if response.is_success:
            self.hang_up(*self.acknowledge(response))


def _diverted_to(response: Response) -> str:
    """The number that a 301 or 302 names first (§21.3); "" where there is none."""
    if response.status not in (301, 302):
        return ""
    try:
        contacts = response.contacts
    except SipSyntaxError:
        return ""
    return contacts[0].uri.user or "" if contacts else ""
