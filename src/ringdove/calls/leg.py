"""One SIP dialog of a call (RFC 3261 §12 to §15): what both kinds of legs share once there is a dialog."""

import asyncio
import itertools
import random
import secrets
from collections.abc import Iterable
from functools import partial

from ringdove.media.engine import Media, MediaSession, PartyId
from ringdove.net.endpoint import IncomingRequest, OutgoingRequest
from ringdove.sip.dialog import Dialog
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response, refusal_of
from ringdove.sip.reach import reach
from ringdove.sip.sdp import SdpError, SessionDescription
from ringdove.sip.sdp_exchange import Author
from ringdove.sip.session_timer import Due, SessionTimer
from ringdove.sip.transaction.actions import Failure
from ringdove.sip.uri import Uri

from .board import Board
from .description import SDP, description_of
from .inbox import Acknowledged, HungUp, Inbox, Passed, Reoffered

ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE")

_session_ids = itertools.count(secrets.randbits(48))
"""For the descriptions of our side; they tell sessions apart (RFC 8866 §5.2) and need not be secret."""

_TRY_AGAIN = 5.0
"""Seconds until a session refresh that found the phone engaged is tried again."""

_PASSED_ON = ("Info-Package", "Content-Disposition")
"""Fields of an INFO that mean something to the other side (RFC 6086)."""


class Leg:
    """One dialog between us and a phone. What the phone does on it goes to the call's inbox.

    `party` is the leg's name in the media session. `hop` is where its messages go.
    """

    __slots__ = (
        "_acknowledged",
        "_alarm",
        "_asked",
        "_asking",
        "_awaits_answer",
        "_dialog",
        "_heard",
        "_inbox",
        "_open",
        "_refreshing",
        "_reinvited",
        "_said",
        "_said_answers",
        "_secure",
        "_timer",
        "_unacknowledged",
        "author",
        "board",
        "hop",
        "party",
    )

    def __init__(self, board: Board, inbox: Inbox, party: PartyId, hop: Hop) -> None:
        self.board = board
        self.party = party
        self.hop = hop
        self.author = Author(next(_session_ids))
        self._inbox = inbox
        self._secure = False
        """The phone goes by a SIPS URI, and is to be answered with one (§8.1.1.8, §12.1.1)."""
        self._dialog: Dialog | None = None
        self._timer = SessionTimer()
        self._alarm: asyncio.TimerHandle | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._asking = False
        """A re-INVITE of ours is in flight."""
        self._reinvited: OutgoingRequest | None = None
        """That re-INVITE."""
        self._asked: IncomingRequest | None = None
        """A re-INVITE or UPDATE of the phone that has no final answer yet."""
        self._open: set[IncomingRequest] = set()
        """Requests of the phone that the call has to answer."""
        self._unacknowledged: IncomingRequest | None = None
        """The INVITE whose 200 of ours waits for its ACK."""
        self._acknowledged: asyncio.Event | None = None
        """Set by that ACK; there where somebody waits for it."""
        self._awaits_answer = False
        """That ACK is to answer an offer of ours."""
        self._heard = b""
        """The last description that the phone sent; a refresh says the same again."""
        self._said = b""
        """Our last description."""
        self._said_answers = False
        """It was the answer to what was heard, and may be said again when that is."""

    @property
    def contact(self) -> Uri:
        """Our Contact as this phone sees it."""
        return self.board.endpoint.contact(self.hop, secure=self._secure)

    @property
    def is_renegotiating(self) -> bool:
        """Whether an INVITE or offer is open, in either direction (§14.1)."""
        return self._asking or self._asked is not None or self._unacknowledged is not None

    # From us to the phone

    async def reinvite(self, media: Media) -> Response:
        """Offer `media` in a re-INVITE; returns the final response, its 2xx acknowledged."""
        return await self._reinvite(self.author.offer(media))

    async def acknowledged(self) -> None:
        """Return when no 200 of ours waits for its ACK: before that the phone may be offered nothing new (§14.1)."""
        if self._unacknowledged is not None:
            self._acknowledged = self._acknowledged or asyncio.Event()
            await self._acknowledged.wait()

    def withdraw(self) -> None:
        """Cancel a re-INVITE of ours that has no final response yet; that still comes."""
        if self._reinvited is not None:
            self._reinvited.cancel()

    async def pass_on(self, request: Request) -> Response:
        """Send the phone a request that the other party sent (INFO); returns its final response."""
        kept = [(name, value) for name, value in request.headers if name in _PASSED_ON]
        return await self._request(request.method, request.body, request.headers.get("Content-Type") or "", kept)

    def settle(
        self,
        incoming: IncomingRequest,
        status: int,
        media: Media | None = None,
        offer: SessionDescription | None = None,
    ) -> None:
        """Send the final response to a request of the phone.

        With `media`, it carries our answer to `offer`; without `offer`, an offer of ours, which the ACK will answer.
        """
        self._open.discard(incoming)
        if incoming is self._asked:
            self._asked = None
        if self._dialog is None or incoming.answered:
            return
        body = b""
        if media is not None:
            body = self._said = self.author.offer(media) if offer is None else self.author.answer(offer, media)
            self._said_answers = offer is not None
            self._awaits_answer = offer is None
            self._heard = incoming.request.body or self._heard
            incoming.on_ack = partial(self._on_ack, answers=offer is None)
            incoming.on_no_ack = self._on_no_ack
            if incoming.request.method == "INVITE":
                self._unacknowledged = incoming
        incoming.respond(self._response(self._dialog, incoming.request, status, body))

    async def answer_here(self, incoming: IncomingRequest, media: MediaSession) -> None:
        """Answer a re-INVITE or UPDATE of the phone by ourselves.

        Raises NoUsableAudio where it has no codec that the other side hears; it is not answered then.
        """
        offer = description_of(incoming.request)
        if offer is None:  # §14.2: it asks for our offer, its answer comes in the ACK
            self.settle(incoming, 200, await media.remake(self.party))
        else:
            self.settle(incoming, 200, await media.reoffer(self.party, offer), offer)

    def bye(self, *reasons: str) -> None:
        """Hang up; nothing to do where there is no dialog any more. `reasons` are Reason values (RFC 3326).

        A phone that has not acknowledged our 200 hears of it when it has, or will not any more (§15).
        """
        dialog = self._dialog
        if dialog is None:
            return
        self.leave()
        request = dialog.request("BYE", headers=[("Reason", reason) for reason in reasons])

        endpoint, hop = self.board.endpoint, self.hop

        def send(_: Request | None = None) -> None:
            endpoint.send_request(request, hop, on_response=ignore, on_failure=ignore)

        if (unacknowledged := self._unacknowledged) is None:
            send()
        else:
            self._unacknowledged = None
            unacknowledged.on_ack = unacknowledged.on_no_ack = send

    def hang_up(self, why: str) -> None:
        """Hang up because of what the phone did or failed to do, and tell the call `why`."""
        self.bye()
        self._inbox.put(HungUp(self, why))

    def leave(self) -> None:
        """Forget the dialog: what is open is answered 487 or taken back, what still comes is answered 481.

        A phone that fell silent after a 100 would leave our re-INVITE open for ever.
        """
        self.withdraw()
        for incoming in self._open:
            incoming.reply(487)
        self._open.clear()
        if self._dialog is not None:
            self.board.endpoint.detach(self._dialog.id)
            self._dialog = None
        self._timer.stop()
        self._set_alarm()
        if self._refreshing is not None and self._refreshing is not asyncio.current_task():
            self._refreshing.cancel()

    # From the phone to us

    def _enter(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self.board.endpoint.attach(dialog.id, self._on_request)

    def _on_request(self, incoming: IncomingRequest) -> None:
        request, dialog = incoming.request, self._dialog
        if dialog is None:
            incoming.respond(request.reply(481))
        elif (rejection := dialog.accept(request)) is not None:
            incoming.respond(request.reply(rejection.status, rejection.reason))
        elif request.method == "BYE":
            incoming.respond(dialog.respond(request, 200))
            self._left(reasons=tuple(request.headers.get_all("Reason")))
        elif request.method in ("INVITE", "UPDATE"):
            self._on_offer(incoming, dialog)
        elif request.method == "INFO":
            self._open.add(incoming)
            self._inbox.put(Passed(self, incoming))
        else:
            status = 200 if request.method == "OPTIONS" else refusal_of(request.method)
            incoming.respond(dialog.respond(request, status, headers=[ALLOW]))

    def _left(self, why: str = "", reasons: tuple[str, ...] = ()) -> None:
        """The phone hung up, with these Reason values, or is gone."""
        self.leave()
        self._inbox.put(HungUp(self, why, reasons))

    def _on_offer(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        """A re-INVITE or UPDATE: glare and refreshes end here, an offer goes to the call."""
        request = incoming.request
        offers = request.method == "INVITE" or bool(request.body)
        if self._asking or (self._awaits_answer and offers) or (self._asked is not None and request.method == "UPDATE"):
            incoming.respond(dialog.respond(request, 491))  # §14.2, RFC 3311 §5.2
            return
        if self._asked is not None:
            incoming.respond(dialog.respond(request, 500, headers=[retry_after()]))
            return
        if (too_short := self._timer.check(request)) is not None:
            incoming.respond(dialog.respond(request, too_short.status, headers=too_short.headers))
            return
        try:
            description_of(request)
        except SdpError:
            status = 488 if request.content_type == SDP else 415
            incoming.respond(dialog.respond(request, status, headers=[("Accept", SDP)]))
            return
        self.hop = reach(dialog.next_hop, request, incoming.source, self.hop)
        if request.body and request.body == self._heard and self._said_answers:
            incoming.respond(self._response(dialog, request, 200, self._said))
        elif not request.body and request.method == "UPDATE":
            incoming.respond(self._response(dialog, request, 200, b""))
        else:
            self._asked = incoming
            self._open.add(incoming)
            self._inbox.put(Reoffered(self, incoming))

    def _on_ack(self, ack: Request, *, answers: bool) -> None:
        """The ACK to our 200; with `answers` it has to answer an offer of ours."""
        self._nothing_unacknowledged()
        self._awaits_answer = False
        if not answers:
            return
        try:
            answer = description_of(ack)
        except SdpError:
            answer = None
        if answer is None:
            self.hang_up("the ACK carried no answer to our offer")
        else:
            self._heard = ack.body
            self._said_answers = False
            self._inbox.put(Acknowledged(self, answer))

    def _on_no_ack(self) -> None:
        self._nothing_unacknowledged()
        self.hang_up("our answer was never acknowledged")  # §13.3.1.4

    def _nothing_unacknowledged(self) -> None:
        if self._unacknowledged is not None:
            self._unacknowledged.on_ack = self._unacknowledged.on_no_ack = None
            self._unacknowledged = None
        if self._acknowledged is not None:
            self._acknowledged.set()
            self._acknowledged = None

    # Within the dialog

    def _response(self, dialog: Dialog, request: Request, status: int, body: bytes) -> Response:
        headers = [ALLOW]
        if status < 300 and request.method in ("INVITE", "UPDATE"):
            headers += self._timer.accept(request, self.board.endpoint.clock())
            self._set_alarm()
        return dialog.respond(request, status, body=body, content_type=SDP, headers=headers)

    async def _reinvite(self, body: bytes) -> Response:
        self._asking = True
        try:
            response = await self._request("INVITE", body)
        finally:
            self._asking = False
        if response.is_success:
            self._said, self._heard = body, response.body
            self._said_answers = False
        return response

    async def _request(
        self, method: str, body: bytes = b"", content_type: str = SDP, headers: Iterable[tuple[str, str]] = ()
    ) -> Response:
        """Send a request in the dialog; returns its final response, 408 or 503 where none came."""
        dialog = self._dialog
        if dialog is None:
            return Response(481)
        refreshes = method in ("INVITE", "UPDATE")
        extra = [ALLOW, *self._timer.offer()] if refreshes else list(headers)
        request = dialog.request(method, body=body, content_type=content_type, headers=extra)
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def on_response(response: Response) -> None:
            dialog.learn(response)
            if method == "INVITE" and response.is_success:
                self.board.endpoint.send_ack(dialog.ack(request.cseq.number), self.hop)
            if response.is_final and not final.done():
                final.set_result(response)

        def on_failure(failure: Failure) -> None:
            if not final.done():
                final.set_result(request.reply(failure.status))

        sent = self.board.endpoint.send_request(request, self.hop, on_response=on_response, on_failure=on_failure)
        if method == "INVITE":
            self._reinvited = sent
        try:
            response = await final
        finally:
            if self._reinvited is sent:
                self._reinvited = None
        if self._dialog is not dialog:
            return response  # it ended meanwhile
        if Dialog.is_lost(response.status):
            self._left(f"the phone has lost the call ({response.status})")
        elif refreshes and response.is_success:
            self._timer.answered(response, self.board.endpoint.clock())
            self._set_alarm()
        elif refreshes and self._timer.rejected(response):
            return await self._request(method, body, content_type)
        return response

    # The session timer (RFC 4028)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        at = self._timer.deadline
        wait = None if at is None else max(0.0, at - self.board.endpoint.clock())
        self._alarm = None if wait is None else asyncio.get_running_loop().call_later(wait, self._on_alarm)

    def _on_alarm(self) -> None:
        match self._timer.due(self.board.endpoint.clock()):
            case Due.REFRESH:
                self._refreshing = asyncio.create_task(self._refresh())
            case Due.EXPIRED:
                self.hang_up("the phone did not refresh its session")
        self._set_alarm()

    async def _refresh(self) -> None:
        if not self.is_renegotiating:
            if self._timer.method == "UPDATE":
                await self._request("UPDATE")
            else:
                await self._reinvite(self._said)
        if self._dialog is not None and self._timer.refresh_at is None and self._timer.we_refresh:
            self._timer.refresh_at = self.board.endpoint.clock() + _TRY_AGAIN
            self._set_alarm()


def retry_after() -> tuple[str, str]:
    """When to offer again (§14.2): random, so that two sides do not meet again."""
    return "Retry-After", str(random.randint(0, 10))  # noqa: S311 - it need not be secret


def ignore(_: object) -> None:
    """What is said to a BYE changes nothing."""
