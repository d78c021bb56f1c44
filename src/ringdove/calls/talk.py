"""The talk: two legs connected, until one hangs up. Re-INVITEs and INFOs of one side are passed on to the other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import structlog

from ringdove.media.engine import MediaError, MediaSession, PartyId
from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.sdp import SdpError, SessionDescription

from .inbox import Acknowledged, CallEnded, Ended, HungUp, Inbox, Passed, Reoffered
from .leg import Leg, description_of

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def talk(inbox: Inbox, media: MediaSession, caller: Leg, callee: Leg) -> HungUp:
    """Keep caller and callee connected; returns who left, the other one hung up. Raises CallEnded."""
    return await _Talk(inbox, media, caller, callee).run()


class _Talk:
    def __init__(self, inbox: Inbox, media: MediaSession, caller: Leg, callee: Leg) -> None:
        self._inbox = inbox
        self._media = media
        self._other: dict[Leg, Leg] = {caller: callee, callee: caller}
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self) -> HungUp:
        try:
            while True:
                match await self._inbox.next():
                    case HungUp(leg) as gone if leg in self._other:
                        self._other[leg].bye(*gone.reasons)
                        return gone
                    case Reoffered(leg, incoming) if leg in self._other:
                        self._errand(self._pass_offer_on, leg, incoming)
                    case Passed(leg, incoming) if leg in self._other:
                        self._errand(self._pass_on, leg, incoming)
                    case Acknowledged(leg, answer) if leg in self._other:
                        self._errand(self._take_answer, leg, answer)
                    case Ended(reason):
                        raise CallEnded(reason)
        finally:
            for errand in self._errands:
                errand.cancel()

    async def _pass_on(self, leg: Leg, incoming: IncomingRequest) -> None:
        """INFO (a DTMF digit, a picture update): the other side's answer is the answer, unless it wants a password."""
        status = (await self._other[leg].pass_on(incoming.request)).status
        leg.settle(incoming, 403 if status in (401, 407) else status)

    async def _pass_offer_on(self, leg: Leg, incoming: IncomingRequest) -> None:
        """A re-INVITE or UPDATE (hold, another address or codec): offered to the other side, answered by ours."""
        other, media = self._other[leg], self._media
        if incoming.answered or other.is_renegotiating:  # cancelled already, or glare
            leg.settle(incoming, 491)
            return
        incoming.on_cancel = lambda _: other.withdraw()
        try:
            offer = description_of(incoming.request)
            if offer is None:  # §14.2: it asks for our offer, its answer comes in the ACK
                leg.settle(incoming, 200, await media.remake(leg.party))
                return
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

    async def _mend(self, parties: Iterable[PartyId]) -> None:
        """Make a fresh offer to parties whose codecs do not meet those of the other side."""
        for leg in [leg for leg in self._other if leg.party in set(parties)]:
            response = await leg.reinvite(await self._media.remake(leg.party))
            answer = description_of(response) if response.is_success else None
            if answer is None:
                self._media.refused(leg.party)
            else:
                await self._media.answered(leg.party, answer)

    def _errand(self, work: Callable[[Leg, T], Awaitable[None]], leg: Leg, about: T) -> None:
        """Do it beside the talk, so that a hang-up never waits for a phone that is slow to answer."""
        errand = asyncio.get_running_loop().create_task(self._do(work, leg, about))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _do(self, work: Callable[[Leg, T], Awaitable[None]], leg: Leg, about: T) -> None:
        try:
            await work(leg, about)
        except Exception:
            log.exception("errand_failed", leg=leg.party)
            if isinstance(about, IncomingRequest):
                leg.settle(about, 500)


class _Refused(Exception):
    """The other side refused the offer; its status is passed back, except for those that only concern us and it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status if status >= 300 and status not in (401, 407) else 488
