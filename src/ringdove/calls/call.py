"""One call from INVITE to record: who calls, where it goes, who answers, how it ends."""

import asyncio
import secrets
import time
from collections.abc import Iterable

import structlog

from ringdove.media.engine import (
    EngineUnavailable,
    MediaError,
    MediaSession,
    NoPortsLeft,
    PartyId,
    SessionId,
)
from ringdove.model.binding import StoredBinding
from ringdove.model.destination import Destination
from ringdove.model.extension import Extension
from ringdove.net.endpoint import IncomingRequest
from ringdove.ring.engine import Why
from ringdove.sip.message import Response
from ringdove.sip.sdp import SdpError, SessionDescription

from .board import Board
from .book import Book, LegBook, party_of
from .caller import CALLER, CallerLeg
from .destinations import KINDS, end_call
from .inbox import Inbox
from .invitation import Invitation, Look
from .leg import SDP, description_of
from .member import MemberLeg
from .talk import talk

log = structlog.get_logger(__name__)

MAX_HOPS = 20
"""Destinations that one call may enter (R12)."""


class Call:
    """One call. `run` is its whole life; `book.story` its record at any time."""

    class Ended(Exception):
        """The server ends the call: its media is lost, or the server stops."""

    def __init__(self, board: Board, incoming: IncomingRequest) -> None:
        self.board = board
        self.id = f"{int(time.time())}.{secrets.randbelow(10**9):09d}"
        self.inbox = Inbox()
        self.book = Book(self.id, incoming.request.target.user or "")
        self.caller = CallerLeg(board, self.inbox, incoming)
        self.verdict = 480
        """The status for the caller where nothing follows: what the last attempt came to."""
        self.media: MediaSession | None = None
        self._who: Extension | None = None
        self._offer: SessionDescription | None = None
        self._legs: list[MemberLeg] = []
        self._visited: set[Destination] = set()

    # The life of a call

    async def run(self) -> None:
        """Live through the call; returns when it is over and written down."""
        who = await self.board.authenticate(self.caller.request)
        if isinstance(who, Response):
            self.caller.challenge(who)
            return
        self._who = who
        story = self.book.story
        story.caller = party_of(who)
        begun = asyncio.create_task(self.board.store.calls.begin(story.model_copy(deep=True)))
        with structlog.contextvars.bound_contextvars(call=self.id), self.board.busy.busy(who.id):
            try:
                await self._go()
            except Call.Ended as end:
                self.book.ended("server", str(end))
                self.refuse(503)
            except Exception:
                log.exception("call_broke")
                self.book.ended("server", "an error in the server")
                self.refuse(500)
            finally:
                await self._close()
                await asyncio.wait([begun])  # whatever became of it, the record is written as a whole
                await self.board.store.calls.finish(story)

    async def _go(self) -> None:
        """Hear the caller's offer, then go from destination to destination until one keeps the call."""
        if self.caller.is_over or not await self._hear_offer():
            return
        destination = await self._route()
        while destination is not None and not self.caller.is_over:
            if destination in self._visited or len(self._visited) == MAX_HOPS:
                self._loop(destination)
                return
            self._visited.add(destination)
            enter = KINDS.get(destination.kind, end_call.enter)
            destination = await enter(self, destination)

    async def _hear_offer(self) -> bool:
        """Open the call's media on the caller's description; False when the call cannot be taken."""
        if (rejection := self.caller.check()) is not None:
            self.refuse(rejection.status, rejection.reason, rejection.headers)
            return False
        try:
            self.media = await self.board.media.open(SessionId(self.id))
            self._offer = description_of(self.caller.request)
            if self._offer is not None:
                self.media.offered(CALLER, self._offer)
        except EngineUnavailable:
            self.refuse(503, "the media engine is not ready")
        except (MediaError, SdpError) as why:
            self.refuse(488 if self.caller.request.content_type == SDP else 415, str(why))
        return not self.caller.is_over

    async def _route(self) -> Destination | None:
        found = await self.board.store.numbers.find(self.book.story.dialled)
        if found is None:
            self.refuse(404, "nobody has this number")
            return None
        return Destination(kind=found.kind, value=str(found.id))

    def _loop(self, destination: Destination) -> None:
        with self.book.hop(destination.kind, destination.value, outcome="loop"):
            self.refuse(482, f"a loop: {destination.kind} {destination.value} comes a second time")

    async def _close(self) -> None:
        """Whatever happened: no leg, port or dialog stays behind."""
        self.refuse(self.verdict)
        self.caller.bye()
        for leg in self._legs:
            leg.stop(None)
        if self.media is not None:
            await self.media.close()
        self.book.end(abandoned=self.caller.gave_up)

    # What destinations do with it

    @property
    def has_caller(self) -> bool:
        """Whether we know who calls; before that it is an attempt to call, not a call."""
        return self._who is not None

    @property
    def who(self) -> Extension:
        """The caller's extension."""
        assert self._who is not None  # noqa: S101 - known before the first destination
        return self._who

    def ringback(self) -> None:
        """Tell the caller that it rings; what was said before stands (ADR 0003)."""
        self.caller.ringback()

    def refuse(self, status: int, reason: str = "", headers: Iterable[tuple[str, str]] = ()) -> None:
        """End the call unanswered, unless it has ended or was answered."""
        if not self.caller.is_over:
            self.caller.refuse(status, headers)
            self.book.story.final_status = status
            self.book.ended("server", reason)

    async def member_leg(self, member: Extension, binding: StoredBinding, look: Look, book: LegBook) -> MemberLeg:
        """A leg towards one phone, with its offer ready to be sent; where none can be made, it has failed."""
        name = self.board.settings.caller_name_prefix.replace("{group}", look.group_name) if look.group_name else ""
        invitation = Invitation(self.who, member, binding, look.alert_info, name)
        leg = MemberLeg(self.board, self.inbox, PartyId(f"leg{len(self._legs) + 1}"), invitation, book)
        self._legs.append(leg)
        try:
            leg.offer = await self.session.invite(leg.party, toward=CALLER)
        except (NoPortsLeft, EngineUnavailable):
            leg.fail(503)
        return leg

    async def connect(self, winner: MemberLeg) -> None:
        """Answer the caller with the winner, whose audio is joined already, and keep the call until one hangs up."""
        try:
            media = await (
                self.session.accept(CALLER, self._offer)
                if self._offer is not None
                else self.session.invite(CALLER, toward=winner.party)
            )
        except MediaError as why:
            winner.fail(488)
            self.refuse(503 if isinstance(why, NoPortsLeft | EngineUnavailable) else 488, str(why))
            return
        if self.caller.is_over:  # it gave up while the media was made ready
            winner.stop(Why.CALLER_GONE)
            return
        self.caller.answer(media, self._offer)
        winner.won()
        self.book.answered(party_of(winner.invitation.callee))
        with self.board.busy.busy(winner.invitation.callee.id):
            gone = await talk(self, winner)
        self.book.ended("caller" if gone.leg is self.caller else "callee", gone.why)

    @property
    def session(self) -> MediaSession:
        """The call's media, which every destination may count on."""
        assert self.media is not None  # noqa: S101 - opened before the first destination
        return self.media
