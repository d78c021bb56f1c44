"""The caller's leg: the INVITE that opened the call, until and after its answer."""

import asyncio
from collections.abc import Iterable
from enum import Enum, auto

from ringdove.media.engine import Media, PartyId
from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.dialog import Dialog
from ringdove.sip.message import Request, Response
from ringdove.sip.reach import reach
from ringdove.sip.sdp import SessionDescription
from ringdove.sip.validator import Rejection

from .board import Board
from .book import Book
from .description import SDP
from .inbox import CallerGone, Inbox
from .leg import ALLOW, Leg, retry_after

CALLER = PartyId("caller")

_RINGBACK_EVERY = 60.0
"""Seconds between provisional responses, so that no proxy on the way loses patience (§13.3.1.1)."""


class _State(Enum):
    CALLING = auto()
    """No final response yet."""
    ANSWERED = auto()
    """It has a 200, but nobody has taken the call: it is played to."""
    CONNECTED = auto()
    OVER = auto()
    """Turned away, gone, or hung up."""


class CallerLeg(Leg):
    """The INVITE of the caller. It gets provisionals, then exactly one final response.

    `gave_up` says why it left before somebody took the call; "" while it has not.
    """

    __slots__ = (
        "_book",
        "_incoming",
        "_provisional",
        "_reminder",
        "_state",
        "gave_up",
        "request",
    )

    def __init__(self, board: Board, inbox: Inbox, incoming: IncomingRequest, book: Book) -> None:
        super().__init__(board, inbox, CALLER, incoming.source)
        self._book = book
        self.request: Request = incoming.request
        self.gave_up = ""
        self._incoming = incoming
        self._secure = "sips" in (self.request.target.scheme, *(c.uri.scheme for c in self.request.contacts))
        self._state = _State.CALLING
        self._provisional = 0
        """The status that it was told last."""
        self._reminder: asyncio.TimerHandle | None = None
        incoming.on_cancel = lambda _: self._give_up()

    @property
    def is_answered(self) -> bool:
        """Whether it has a 200 and is still there."""
        return self._state in (_State.ANSWERED, _State.CONNECTED)

    @property
    def is_over(self) -> bool:
        """Whether it has left or was turned away."""
        return self._state is _State.OVER

    def check(self) -> Rejection | None:
        """Why the INVITE cannot become a call: no way back or onward, or too short a session (RFC 4028 §9)."""
        if not self.request.contacts:
            return Rejection(400, "Missing Contact")  # §8.1.1.8
        if self.request.max_forwards == 0:
            # RFC 7332 §4: it would go on as new requests
            return Rejection(483, "it has come through as many servers as its Max-Forwards allowed")
        return self._timer.check(self.request)

    def ringback(self) -> None:
        """Tell the caller that it rings; once, and then once a minute."""
        if not self._provisional:
            self._proceed(180)

    def progress(self, media: Media, offer: SessionDescription) -> None:
        """Let the caller hear us before the answer: 183 with the description that the 200 will repeat (§13.2.1)."""
        self._proceed(183, self.author.answer(offer, media))

    def answer(self, media: Media, offer: SessionDescription | None) -> None:
        """200 with our description. Without `offer`, the caller made none and answers ours in its ACK."""
        if self._state is not _State.CALLING:
            return
        self._early()
        self._quiet()
        self._book.progressed()
        self._state = _State.ANSWERED
        self.settle(self._incoming, 200, media, offer)

    def connected(self) -> None:
        """Somebody has taken the call: from now on a caller that leaves has hung up."""
        self._state = _State.CONNECTED

    def refuse(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        """End the call: the final response, or where it was answered already a BYE that names the status."""
        if self._state is _State.CALLING:
            self._incoming.reply(status, headers=headers)
            self.leave()
        elif self.is_answered:
            self.bye(f"SIP;cause={status}")

    def challenge(self, response: Response) -> None:
        """Turn the INVITE away: its password was wrong."""
        self._incoming.respond(response)
        self._incoming.on_cancel = None

    def hang_up(self, why: str) -> None:
        """Hang up because of what the phone did or failed to do."""
        if self._state is _State.CONNECTED:
            super().hang_up(why)
        else:
            self._note_gone(why)
            self.bye()

    def leave(self) -> None:
        """Forget the dialog."""
        self._state = _State.OVER
        self._quiet()
        self._incoming.on_cancel = None
        super().leave()

    def _proceed(self, status: int, body: bytes = b"") -> None:
        """Say a provisional response, now and once a minute until there is something else to say."""
        if self._state is not _State.CALLING:
            return
        self._quiet()
        self._book.progressed()
        self._provisional = status
        response = self._early().respond(self.request, status, body=body, content_type=SDP, headers=[ALLOW])
        self._incoming.respond(response)
        self._reminder = asyncio.get_running_loop().call_later(_RINGBACK_EVERY, self._proceed, status, body)

    def _early(self) -> Dialog:
        """The dialog, which exists from the first response with a tag on (§12.1.1)."""
        if self._dialog is None:
            dialog = Dialog.as_uas(self.request, self._incoming.local_tag, self.contact)
            self.hop = reach(dialog.next_hop, self.request, self._incoming.source)
            self._enter(dialog)
        assert self._dialog is not None  # noqa: S101 - entered above
        return self._dialog

    def _quiet(self) -> None:
        if self._reminder is not None:
            self._reminder.cancel()

    def _give_up(self) -> None:
        """CANCEL, or BYE before the answer (§15)."""
        if self._state is _State.CALLING:
            self._note_gone()
            self.refuse(487)

    def _note_gone(self, why: str = "") -> None:
        self.gave_up = why or "the caller gave up"
        self._inbox.put(CallerGone())

    def _on_offer(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        if self.is_answered or (incoming.request.method == "UPDATE" and not incoming.request.body):
            super()._on_offer(incoming, dialog)
        else:  # its first offer is not answered yet (RFC 3311 §5.2, RFC 3261 §14.2)
            incoming.respond(dialog.respond(incoming.request, 500, headers=[retry_after()]))

    def _on_ack(self, ack: Request, *, answers: bool) -> None:
        self._book.acknowledged()
        super()._on_ack(ack, answers=answers)

    def _left(self, why: str = "", reasons: tuple[str, ...] = ()) -> None:
        match self._state:
            case _State.CONNECTED:
                super()._left(why, reasons)
            case _State.ANSWERED:
                self._note_gone(why)
                self.leave()
            case _State.CALLING:
                self._give_up()
