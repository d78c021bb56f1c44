"""The talk: two legs connected, until one hangs up. A side that puts the other on hold is answered here, and the other
hears music (ADR 0012); only a change of codec and INFOs are passed on.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from ringdove.media.engine import Item, ItemId, MediaError, MediaSession, NoUsableAudio, PartyId
from ringdove.model.story import HeardKind
from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.sdp import SdpError, SessionDescription

from .book import Book, HearBook
from .caller import CallerLeg
from .description import description_of
from .inbox import Acknowledged, CallEnded, Ended, HeardOut, HungUp, Inbox, Passed, Reoffered
from .leg import Leg
from .member import MemberLeg
from .sounds import Tune

log = structlog.get_logger(__name__)

_MUSIC = ItemId("moh")
_TRIES = 3
"""Re-INVITEs that are sent where the phone sends one of its own at the same time."""
_OURS, _THEIRS = (2.1, 4.0), (0.0, 2.0)
"""Seconds until the next one, by whose the Call-ID is (§14.1)."""


Music = Callable[[], Awaitable[Tune | None]]
"""Looks up what is heard on hold."""


async def talk(
    inbox: Inbox,
    media: MediaSession,
    caller: CallerLeg,
    callee: MemberLeg,
    *,
    book: Book,
    music: Music,
    mismatched: Sequence[PartyId] = (),
) -> HungUp:
    """Keep caller and callee connected; returns who left, the other one hung up. Raises CallEnded.

    `mismatched` are those whose codec has to be agreed anew before the other side can be heard.
    """
    return await _Talk(inbox, media, caller, callee, book, music).run(mismatched)


class _Talk:
    def __init__(
        self, inbox: Inbox, media: MediaSession, caller: CallerLeg, callee: MemberLeg, book: Book, music: Music
    ) -> None:
        self._inbox = inbox
        self._media = media
        self._book = book
        self._find_music = music
        self._other: dict[Leg, Leg] = {caller: callee, callee: caller}
        self._names = {caller: book.story.caller, callee: callee.who}
        self._held: dict[Leg, HearBook] = {}
        """Who is on hold."""
        self._music: dict[Leg, Tune] = {}
        """What each was played last."""
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self, mismatched: Sequence[PartyId]) -> HungUp:
        if mismatched or any(map(self._is_held, self._other)):
            self._errand(self._settle_in, mismatched)
        try:
            while True:
                match await self._inbox.next():
                    case HungUp(leg) as gone if leg in self._other:
                        self._other[leg].bye(*gone.reasons)
                        return gone
                    case Reoffered(leg, incoming) if leg in self._other:
                        self._errand(self._hear_offer, leg, incoming)
                    case Passed(leg, incoming) if leg in self._other:
                        self._errand(self._pass_on, leg, incoming)
                    case Acknowledged(leg, answer) if leg in self._other:
                        self._errand(self._take_answer, leg, answer)
                    case HeardOut(party, item):
                        self._errand(self._play_on, party, item)
                    case Ended() as end:
                        raise CallEnded(end)
        finally:
            for errand in self._errands:
                errand.cancel()
            for held in self._held.values():
                held.ended()

    async def _settle_in(self, mismatched: Iterable[PartyId]) -> None:
        """Either side may be on hold from the beginning, or have codecs that the other does not hear."""
        await self._mend(mismatched)
        await self._mind_holds()

    async def _pass_on(self, leg: Leg, incoming: IncomingRequest) -> None:
        """INFO (a DTMF digit, a picture update): the other side's answer is the answer, unless it wants a password."""
        status = (await self._other[leg].pass_on(incoming.request)).status
        leg.settle(incoming, 403 if status in (401, 407) else status)

    async def _hear_offer(self, leg: Leg, incoming: IncomingRequest) -> None:
        """A re-INVITE or UPDATE: hold, resume, another address are answered here; another codec asks the other side."""
        try:
            await leg.answer_here(incoming, self._media)
        except NoUsableAudio:
            await self._pass_offer_on(leg, incoming)
        await self._mind_holds()

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
        except MediaError as why:
            leg.hang_up(f"the answer in the ACK cannot be used: {why}")
        else:
            await self._mind_holds()

    async def _mend(self, mismatched: Iterable[PartyId]) -> None:
        """Have one whose codec the other does not hear agree anew, or else the other; without any the talk is over."""
        for leg in [leg for leg in self._other if leg.party in set(mismatched)]:
            if not await self._agree(leg) and not await self._agree(self._other[leg]):
                leg.hang_up("the two phones have no codec in common")

    async def _agree(self, leg: Leg) -> bool:
        """Offer the codecs of the other side; whether the two hear each other then. After glare it is tried again."""
        for _ in range(_TRIES):
            await leg.acknowledged()
            response = await leg.reinvite(await self._media.remake(leg.party))
            if response.status != 491:
                break
            self._media.refused(leg.party)
            pause = _THEIRS if isinstance(leg, CallerLeg) else _OURS
            await asyncio.sleep(random.uniform(*pause))  # noqa: S311 - it need not be secret
        try:
            answer = description_of(response) if response.is_success else None
            if answer is not None:
                return not await self._media.answered(leg.party, answer)
        except (MediaError, SdpError):
            log.info("answer_not_usable", leg=leg.party)
        self._media.refused(leg.party)
        return False

    async def _mind_holds(self) -> None:
        """See to it that who is held by the other side hears music."""
        for leg in self._other:
            waits = self._is_held(leg)
            if waits and leg not in self._held:
                self._held[leg] = self._book.hears(self._names[leg], HeardKind.MOH)
                await self._play(leg)
            elif not waits and leg in self._held:
                self._held.pop(leg).ended()
                await self._media.stop(leg.party)

    def _is_held(self, leg: Leg) -> bool:
        """Whether it waits for the other side, and does not have that wait as well."""
        return self._media.on_hold(self._other[leg].party) and not self._media.on_hold(leg.party)

    async def _play_on(self, party: PartyId, item: ItemId) -> None:
        """Music has no end, so its files must be gone: another playlist, or the same one anew, may be there."""
        for leg, music in list(self._music.items()):
            if leg.party == party and item == _MUSIC and leg in self._held:
                await self._play(leg, instead_of=music)

    async def _play(self, leg: Leg, instead_of: Tune | None = None) -> None:
        held = self._held[leg]
        music = await self._find_music()
        still_waits = self._held.get(leg) is held
        if music is None or music == instead_of or not still_waits or not self._media.can_play(leg.party):
            return
        self._music[leg] = music
        held.called(music.name)
        await self._media.play(leg.party, Item(_MUSIC, music.sound, times=None))

    def _errand(self, work: Callable[..., Awaitable[None]], *about: object) -> None:
        """Do it beside the talk, so that a hang-up never waits for a phone that is slow to answer."""
        errand = asyncio.get_running_loop().create_task(self._do(work, *about))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _do(self, work: Callable[..., Awaitable[None]], *about: object) -> None:
        try:
            await work(*about)
        except Exception:
            log.exception("errand_failed", leg=next((one.party for one in about if isinstance(one, Leg)), None))
            match about:
                case Leg() as leg, IncomingRequest() as incoming:
                    leg.settle(incoming, 500)


class _Refused(Exception):
    """The other side refused the offer; its status is passed back, except for those that only concern us and it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status if status >= 300 and status not in (401, 407) else 488
