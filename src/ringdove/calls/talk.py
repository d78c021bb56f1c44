"""The talk: two legs connected, until one hangs up. A side that puts the other on hold is answered here, and the other
hears music (ADR 0012); only a change of codec and INFOs are passed on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import structlog

from ringdove.media.engine import Item, ItemId, MediaError, MediaSession, NoUsableAudio, PartyId
from ringdove.model.story import HeardKind
from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.sdp import SdpError, SessionDescription

from .book import HearBook
from .inbox import Acknowledged, CallEnded, Ended, HungUp, Passed, Reoffered
from .leg import Leg, description_of

if TYPE_CHECKING:
    from .call import Call
    from .member import MemberLeg

log = structlog.get_logger(__name__)

_MUSIC = ItemId("moh")


async def talk(call: "Call", callee: "MemberLeg", mismatched: Iterable[PartyId] = ()) -> HungUp:
    """Keep the caller and `callee` connected; returns who left, the other one hung up. Raises CallEnded.

    `mismatched` are those whose codec has to be agreed anew before the other side can be heard.
    """
    return await _Talk(call, callee).run(mismatched)


async def answer_here(media: MediaSession, leg: Leg, incoming: IncomingRequest) -> None:
    """Answer a re-INVITE or UPDATE by ourselves; 488 where its offer has no codec that the other side agreed to."""
    try:
        await _answer(media, leg, incoming)
    except NoUsableAudio:
        leg.settle(incoming, 488)


async def _answer(media: MediaSession, leg: Leg, incoming: IncomingRequest) -> None:
    """As `answer_here`. Raises NoUsableAudio."""
    offer = description_of(incoming.request)
    if offer is None:  # §14.2: it asks for our offer, its answer comes in the ACK
        leg.settle(incoming, 200, await media.remake(leg.party))
    else:
        leg.settle(incoming, 200, await media.reoffer(leg.party, offer), offer)


class _Talk:
    def __init__(self, call: "Call", callee: "MemberLeg") -> None:
        caller = call.caller
        self._call = call
        self._media = call.session
        self._other: dict[Leg, Leg] = {caller: callee, callee: caller}
        self._held: dict[Leg, HearBook] = {}
        """Who is on hold."""
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self, mismatched: Iterable[PartyId]) -> HungUp:
        self._errand(self._mend, tuple(mismatched))
        try:
            while True:
                match await self._call.inbox.next():
                    case HungUp(leg) as gone if leg in self._other:
                        self._other[leg].bye(*gone.reasons)
                        return gone
                    case Reoffered(leg, incoming) if leg in self._other:
                        self._errand(self._hear_offer, leg, incoming)
                    case Passed(leg, incoming) if leg in self._other:
                        self._errand(self._pass_on, leg, incoming)
                    case Acknowledged(leg, answer) if leg in self._other:
                        self._errand(self._take_answer, leg, answer)
                    case Ended(reason):
                        raise CallEnded(reason)
        finally:
            for errand in self._errands:
                errand.cancel()
            for held in self._held.values():
                held.ended()

    async def _pass_on(self, leg: Leg, incoming: IncomingRequest) -> None:
        """INFO (a DTMF digit, a picture update): the other side's answer is the answer, unless it wants a password."""
        status = (await self._other[leg].pass_on(incoming.request)).status
        leg.settle(incoming, 403 if status in (401, 407) else status)

    async def _hear_offer(self, leg: Leg, incoming: IncomingRequest) -> None:
        """A re-INVITE or UPDATE: hold, resume, another address are answered here; another codec asks the other side."""
        try:
            await _answer(self._media, leg, incoming)
        except NoUsableAudio:
            await self._pass_offer_on(leg, incoming)
        await self._mind_hold(leg)

    async def _pass_offer_on(self, leg: Leg, incoming: IncomingRequest) -> None:
        """Offer it to the other side, and answer by what that says."""
        other, media = self._other[leg], self._media
        if incoming.answered or other.is_renegotiating:  # cancelled already, or glare
            leg.settle(incoming, 491)
            return
        incoming.on_cancel = lambda _: other.withdraw()
        try:
            offer = description_of(incoming.request)
            assert offer is not None  # noqa: S101 - it was looked at before
            media.offered(leg.party, offer)
            response = await other.reinvite(await media.remake(other.party))
            answer = description_of(response) if response.is_success else None
            if answer is None:
                raise _Refused(response.status)
            await self._mend(await media.answered(other.party, answer))
            leg.settle(incoming, 200, await media.reoffer(leg.party, offer), offer)
        except (MediaError, SdpError, _Refused) as why:
            media.refused(other.party)
            media.refused(leg.party)
            leg.settle(incoming, why.status if isinstance(why, _Refused) else 488)

    async def _take_answer(self, leg: Leg, answer: SessionDescription) -> None:
        try:
            await self._mend(await self._media.answered(leg.party, answer))
        except (MediaError, SdpError) as why:
            leg.hang_up(f"the answer in the ACK cannot be used: {why}")
        else:
            await self._mind_hold(leg)

    async def _mend(self, parties: Iterable[PartyId]) -> None:
        """Make a fresh offer to parties whose codecs do not meet those of the other side."""
        for leg in [leg for leg in self._other if leg.party in set(parties)]:
            await leg.acknowledged()
            response = await leg.reinvite(await self._media.remake(leg.party))
            answer = description_of(response) if response.is_success else None
            if answer is None:
                self._media.refused(leg.party)
            else:
                await self._media.answered(leg.party, answer)

    async def _mind_hold(self, leg: Leg) -> None:
        """Play music to the other side while `leg` has it on hold, and stop it when that is over."""
        other, media = self._other[leg], self._media
        if media.on_hold(leg.party) == (other in self._held):
            return
        if other in self._held:
            self._held.pop(other).ended()
            await media.stop(other.party)
            return
        held = self._held[other] = self._call.book.hears(self._call.party(other), HeardKind.MOH)
        music = await self._call.board.sounds.music(self._call.moh)
        if music is not None and self._held.get(other) is held and media.can_play(other.party):
            held.called(music.name)
            await media.play(other.party, Item(_MUSIC, music.sound, times=None))

    def _errand(self, work: Callable[..., Awaitable[None]], *about: object) -> None:
        """Do it beside the talk, so that a hang-up never waits for a phone that is slow to answer."""
        errand = asyncio.get_running_loop().create_task(self._do(work, *about))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _do(self, work: Callable[..., Awaitable[None]], *about: object) -> None:
        try:
            await work(*about)
        except Exception:
            log.exception("errand_failed")
            match about:
                case Leg() as leg, IncomingRequest() as incoming:
                    leg.settle(incoming, 500)


class _Refused(Exception):
    """The other side refused the offer; its status is passed back, except for those that only concern us and it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status if status >= 300 and status not in (401, 407) else 488
