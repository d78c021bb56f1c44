"""What the caller hears until somebody answers. One player per call: it goes on from destination to destination."""

import itertools
from contextlib import suppress

from ringdove.media.engine import Item, ItemId, MediaError, MediaSession, Sound
from ringdove.media.sounds import RINGBACK
from ringdove.model.story import HeardKind
from ringdove.sip.sdp import SessionDescription

from .book import Book, HearBook
from .caller import CALLER, CallerLeg
from .sounds import Program, Sounds, Tune

_RINGBACK_TONE = Sound((RINGBACK,))


class Player:
    """Plays to the caller over early media, or after an answer of our own where `answers_first` is set (ADR 0011).

    A caller that cannot be played to (no description yet, no codec that sounds are kept in) is told that it rings.
    """

    def __init__(
        self,
        session: MediaSession,
        caller: CallerLeg,
        offer: SessionDescription | None,
        book: Book,
        sounds: Sounds,
        *,
        answers_first: bool,
    ) -> None:
        self._session = session
        self._caller = caller
        self._offer = offer
        self._book = book
        self._sounds = sounds
        self._answers_first = answers_first
        self._names = (ItemId(str(number)) for number in itertools.count(1))
        self._plays = False
        self._welcome: Tune | None = None
        self._join: ItemId | None = None
        """The join prompt that is heard now."""
        self._last: ItemId | None = None
        """What is heard then, without end."""
        self._hears: HearBook | None = None

    async def begin(self, program: Program) -> ItemId | None:
        """Let the caller hear the program from now on; returns the item of the join prompt where that is played.

        Where a place has nothing of its own, what is heard already goes on, and where nothing is, it rings.
        """
        if self._caller.is_over:
            return None
        welcome = program.welcome or self._welcome
        goes_on = program.join is None and welcome == self._welcome
        if goes_on or not await self._is_open():
            self.ringback()
            return None
        self._plays = True
        self._welcome = welcome
        if program.join is None:
            self._join = None
            self._now_hears_welcome()
            await self._play(self._endless())
        else:
            self._join = next(self._names)
            self._now_hears(HeardKind.JOIN_PROMPT, program.join.name)
            await self._play(Item(self._join, program.join.sound), self._endless())
        return self._join

    async def announce(self, tune: Tune, times: int) -> ItemId | None:
        """Let the caller hear the tune so many times, and then nothing; returns its item, None where it cannot be."""
        if self._caller.is_over or not await self._is_open():
            return None
        self._plays = True
        self._welcome = self._join = self._last = None
        item = next(self._names)
        self._now_hears(HeardKind.GREETING, tune.name)
        await self._play(Item(item, tune.sound, times))
        return item

    def ringback(self) -> None:
        """Tell the caller that it rings, unless it hears something already."""
        self._caller.ringback()

    async def ended(self, item: ItemId) -> None:
        """An item came to its end by itself. One without end can only be gone: its sound was deleted or replaced."""
        if item == self._join:
            self._join = None
            self._now_hears_welcome()
        elif item == self._last and self._welcome is not None:
            found = await self._sounds.find(self._welcome.name)
            self._welcome = found if found != self._welcome else None
            self._now_hears_welcome()
            await self._play(self._endless())

    def over(self) -> None:
        """The caller hears nothing of this from now on."""
        if self._hears is not None:
            self._hears.ended()

    async def _is_open(self) -> bool:
        """Open the way for sounds to the caller; whether there is one."""
        if not self._session.can_play(CALLER):
            return False
        if self._plays:
            return True
        if self._offer is None:
            return False
        try:
            media = await self._session.accept(CALLER, self._offer)
        except MediaError:
            return False
        if self._answers_first:
            self._caller.answer(media, self._offer)
            self._book.picked_up()
        else:
            self._caller.progress(media, self._offer)
        return True

    async def _play(self, *items: Item) -> None:
        with suppress(MediaError):  # whatever is wrong with the audio, the phones ring
            await self._session.play(CALLER, *items)

    def _endless(self) -> Item:
        """What is heard over and over, as a new item."""
        self._last = next(self._names)
        return Item(self._last, self._welcome.sound if self._welcome else _RINGBACK_TONE, times=None)

    def _now_hears_welcome(self) -> None:
        if self._welcome is None:
            self._now_hears(HeardKind.RINGBACK)
        else:
            self._now_hears(HeardKind.WELCOME_PROMPT, self._welcome.name)

    def _now_hears(self, kind: HeardKind, name: str = "") -> None:
        self.over()
        self._hears = self._book.hears(self._book.story.caller, kind, name)
