"""One call: its caller, its legs, its media, its record, and what destinations can do with it."""

import asyncio
import secrets
import time
from collections.abc import Iterable, Sequence

import structlog

from ringdove.media.engine import (
    EngineUnavailable,
    Media,
    MediaError,
    MediaSession,
    NoPortsLeft,
    NoUsableAudio,
    PartyId,
    SessionId,
    Stats,
)
from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.model.story import EndedBy, LegResult
from ringdove.net.endpoint import IncomingRequest
from ringdove.ring.engine import Why
from ringdove.sip.sdp import SdpError, SessionDescription

from .board import Board
from .book import Book, LegBook, party_of
from .caller import CALLER, CallerLeg
from .description import SDP, description_of
from .gate import Cap
from .inbox import Acknowledged, CallEnded, CallEvent, Ended, HeardOut, Inbox, Passed, Pressed, Reoffered
from .invitation import Invitation, Look
from .keys import BadKey, key_of
from .leg import Leg
from .member import MemberLeg
from .player import Player
from .sounds import Tune
from .talk import talk

log = structlog.get_logger(__name__)

_LONGEST_NUMBER = 64
_MEDIA_PATIENCE = 1.0
"""Seconds that the media engine may take to close a call's session."""


class Call:
    """One call, which `journey.run` takes from destination to destination; `book.story` is its record at any time."""

    def __init__(self, board: Board, incoming: IncomingRequest) -> None:
        self.board = board
        self.id = f"{int(time.time())}.{secrets.randbelow(10**9):09d}"
        self.inbox = Inbox()
        request = incoming.request
        self.book = Book(self.id, _number(request.target.user), board.endpoint.clock, sip_call_id=request.call_id)
        self.caller = CallerLeg(board, self.inbox, incoming, self.book)
        self.verdict = 480
        """The status for the caller where nothing follows: what the last attempt came to."""
        self.group_id: int | None = None
        """The ring group that the call came through last: what is heard on hold is its setting."""
        self.media: MediaSession | None = None
        self._who: Extension | None = None
        self._offer: SessionDescription | None = None
        self._answer: Media | None = None
        """Our description for the 200 to the caller."""
        self._mismatched: Sequence[PartyId] = ()
        """Whose codec the winner's does not meet."""
        self._player: Player | None = None
        self._legs: list[MemberLeg] = []
        """Those that may not be over yet."""
        self._legs_made = 0
        self._time_limit: asyncio.TimerHandle | None = None

    # Its beginning and end

    def comes_from(self, who: Extension) -> None:
        """The caller has shown who it is."""
        self._who = who
        self.book.story.caller = party_of(who)
        longest = self.board.settings.max_wait
        self._limit_time(Cap.WAIT, longest, Ended(f"{Cap.WAIT}: nobody took it within {longest} s", 480))

    async def hear_offer(self) -> bool:
        """Open the call's media on the caller's description; False, and refused, when the call cannot be taken."""
        if (rejection := self.caller.check()) is not None:
            self.refuse(rejection.status, rejection.reason, rejection.headers)
            return False
        try:
            self.media = await self.board.media.open(SessionId(self.id))
            self._offer = description_of(self.caller.request)
            if self._offer is not None:
                self.media.offered(CALLER, self._offer)
            await self.media.reserve(CALLER)
            answers_first = self.board.settings.answer_first
            self._player = Player(
                self.media, self.caller, self._offer, self.book, self.board.sounds, answers_first=answers_first
            )
        except (EngineUnavailable, NoPortsLeft) as why:
            self.refuse(503, str(why))
        except (MediaError, SdpError) as why:
            self.refuse(488 if self.caller.request.content_type == SDP else 415, str(why))
        return not self.caller.is_over

    def hang_up(self) -> None:
        """Whatever happened: no leg, dialog or timer stays behind, and the record is complete."""
        self._unlimit_time()
        if self._player is not None:
            self._player.over()
        if not self.caller.gave_up:
            self.book.ended(EndedBy.SERVER, "the server stopped")  # where nothing else was noted
        self.refuse(self.verdict)
        self.caller.bye()
        for leg in self._legs:
            leg.stop(None)
        self.book.end(abandoned=self.caller.gave_up)
        self.inbox.close()

    async def close_media(self) -> Stats | None:
        """No port stays behind; returns what flowed. An engine that answers too late gives ports back when it can."""
        if self.media is None:
            return None
        try:
            async with asyncio.timeout(_MEDIA_PATIENCE):
                return await self.media.close()
        except TimeoutError:
            log.warning("media_closes_late", call=self.id)
            return None

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

    @property
    def player(self) -> Player:
        """What the caller hears until somebody answers."""
        assert self._player is not None  # noqa: S101 - made before the first destination
        return self._player

    async def attend(self, event: CallEvent | None) -> None:
        """What has to be done about an event wherever the call is, until it is a talk. Raises CallEnded."""
        match event:
            case HeardOut(item=item):
                await self.player.ended(item)
            case Passed(leg, incoming):
                self._take_key(leg, incoming)  # there is nobody yet to pass it on to
            case Reoffered(leg, incoming) if leg is self.caller:
                try:
                    await leg.answer_here(incoming, self.session)
                except MediaError:
                    leg.settle(incoming, 488)
            case Reoffered(leg, incoming):
                leg.settle(incoming, 491)
            case Acknowledged(leg, answer) if leg is self.caller:
                try:
                    await self.session.answered(leg.party, answer)
                except MediaError as why:
                    leg.hang_up(f"the answer in the ACK cannot be used: {why}")
            case Ended() as end:
                raise CallEnded(end)

    def refuse(self, status: int, reason: str = "", headers: Iterable[tuple[str, str]] = ()) -> None:
        """End the call that nobody took, unless it has ended."""
        if not self.caller.is_over:
            self.caller.refuse(status, headers)
            self.book.refused(status, reason)

    def invitation(self, look: Look) -> Invitation:
        """What the phones are told of this call."""
        name = self.board.settings.caller_name_prefix.replace("{group}", look.group_name) if look.group_name else ""
        hops = self.caller.request.max_forwards - 1
        return Invitation(self.who, hops, look.alert_info, name)

    @property
    def legs_left(self) -> int:
        """How many phones it may still ring, over its whole life."""
        return self.board.settings.max_legs - self._legs_made

    @property
    def legs_up(self) -> int:
        """How many of its legs are not over, the caller's included."""
        return (not self.caller.is_over) + sum(leg.is_up for leg in self._legs)

    def member_leg(self, number: int, callee: Extension, binding: StoredBinding, book: LegBook) -> MemberLeg:
        """A leg towards one phone; `number` is the ring engine's. It wants an offer before it can be sent."""
        self._legs_made += 1
        party = PartyId(f"leg{self._legs_made}")
        leg = MemberLeg(self.board, self.inbox, party, number, callee, binding, book)
        self._legs.append(leg)
        return leg

    async def make_offers(self, legs: Iterable[MemberLeg]) -> None:
        """Give legs the offers for their INVITEs; where none can be made, they have failed.

        What one of them has waited for in vain, the others do not wait for.
        """
        has_ports = True
        for leg in legs:
            try:
                if has_ports:
                    leg.offer = await self.session.invite(leg.party, toward=CALLER, at=leg.hop.remote_host)
            except EngineUnavailable:
                has_ports = False
            except MediaError:
                pass
            if leg.offer is None:
                leg.fail(503, LegResult.NO_PORT)

    async def join(self, leg: MemberLeg) -> None:
        """Make the audio between the caller and an answered leg ready. Raises MediaError; the leg has to go then."""
        self._mismatched = await self.session.bridge(CALLER, leg.party, leg.answer)
        await self._describe(leg.party)

    async def take(self) -> bool:
        """Answer the caller ourselves: no phone rings any more, and what comes is between it and us.

        False, and the call is over, where it has left or no audio can be agreed with it in which we can speak.
        """
        self.player.over()
        try:
            await self._describe()
            if self._offer is not None and not self.session.can_play(CALLER):
                raise NoUsableAudio("it has no codec in which it can be heard or recorded")
        except EngineUnavailable as why:
            self.refuse(503, str(why))
        except MediaError as why:
            self.refuse(488, str(why))
        if self.caller.is_over:
            return False
        self._answer_caller()
        self._legs = []
        self.book.picked_up()
        return True

    async def connect(self, winner: MemberLeg) -> None:
        """Answer the caller with the winner, which is joined already, and keep the call until one hangs up."""
        self.player.over()
        if self.caller.is_over:
            winner.stop(Why.CALLER_GONE)
            return
        if not winner.is_answered:
            self.refuse(480, "the winner hung up at once")
            return
        self._answer_caller()
        winner.won()
        self._legs = [winner]  # what the others need no more is not kept for as long as the talk lasts
        self.book.answered(winner.who)
        self.board.records.save(self.book.story)
        with self.board.busy.busy(winner.callee.id):
            gone = await talk(
                self.inbox,
                self.session,
                self.caller,
                winner,
                book=self.book,
                music=self._music,
                mismatched=self._mismatched,
            )
        self.book.ended(EndedBy.CALLER if gone.leg is self.caller else EndedBy.CALLEE, gone.why)

    async def _describe(self, toward: PartyId | None = None) -> None:
        """Make our description for the 200 to the caller, unless it has one."""
        if self.caller.is_answered:
            return
        if self._offer is not None:
            self._answer = await self.session.accept(CALLER, self._offer)
        else:
            self._answer = await self.session.invite(CALLER, toward=toward, at=self.caller.hop.remote_host)

    def _answer_caller(self) -> None:
        if not self.caller.is_answered:
            assert self._answer is not None  # noqa: S101 - `join` and `take` have described us
            self.caller.answer(self._answer, self._offer)
        longest = self.board.settings.max_call_duration
        self._limit_time(Cap.CALL_DURATION, longest, Ended(f"{Cap.CALL_DURATION}: it lasted {longest} s", 408))
        self.caller.connected()

    @property
    def session(self) -> MediaSession:
        """The call's media, which every destination may count on."""
        assert self.media is not None  # noqa: S101 - opened before the first destination
        return self.media

    def _take_key(self, leg: Leg, incoming: IncomingRequest) -> None:
        """An INFO that may tell a key."""
        try:
            key = key_of(incoming.request.content_type, incoming.request.body)
        except BadKey:
            leg.settle(incoming, 400)
            return
        leg.settle(incoming, 200)
        if key is not None:
            self.inbox.put(Pressed(leg.party, key, by_info=True))

    def _limit_time(self, cap: Cap, seconds: int, end: Ended) -> None:
        """End the call after so many seconds, 0 for never; the limit before counts no more."""

        def over() -> None:
            self.board.gate.hits[cap] += 1
            self.inbox.put(end)

        self._unlimit_time()
        if seconds:
            self._time_limit = asyncio.get_running_loop().call_later(seconds, over)

    def _unlimit_time(self) -> None:
        if self._time_limit is not None:
            self._time_limit.cancel()

    async def _music(self) -> Tune | None:
        """What is heard on hold, by the settings of this moment."""
        group = None if self.group_id is None else await self.board.store.ring_groups.get(self.group_id)
        return await self.board.sounds.music(FOLLOW_SYSTEM if group is None else group.moh)


def _number(user: str | None) -> str:
    """The user part of a Request-URI as a number that may be looked up and written down."""
    return user if user is not None and user.isprintable() and len(user) <= _LONGEST_NUMBER else ""
