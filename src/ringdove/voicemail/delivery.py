"""The way of letters into mailboxes: each is tried until it is there, or set aside where that cannot be."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxChanged, MessageLeft
from ringdove.media import recordings
from ringdove.media.files.process import AT_ONCE, ProcessFault
from ringdove.media.library import Kept
from ringdove.media.recordings import KEPT_SILENCE, recover
from ringdove.model.voicemail import Message, NewMessage
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.store.errors import UNAVAILABLE, in_one_line

from .pace import Pace
from .spool import Letter, Spool

log = structlog.get_logger(__name__)

PACE = Pace(first=0.25, longest=300.0, limit=300.0)
"""How letters are tried again: they are only given up for reasons that do not pass by themselves."""
_AT_ONCE = 2 * AT_ONCE
"""So many letters are worked on side by side: enough for the processes that transcode (`media.files`) to go from one to
the next, and no more, as callers who listen to what they have just said wait for these, too.
"""
_LAST_WORDS = 5.0
"""Seconds at the end for what is on its way; the next start finds what is left."""


@dataclass(eq=False, slots=True)
class _Parcel:
    """What a call has left: its takes, oldest first, of which the last one that is a message counts."""

    takes: list[Letter]
    due: float = 0.0
    """When it is tried, on the loop's clock."""
    failures: int = 0
    hopeless_since: float | None = None
    """Since when it has failed for reasons that do not pass by themselves."""
    told: str = ""
    """Why it waits, as it was logged last."""
    in_hand: bool = False
    """Somebody works on it."""


class Delivery:
    """Delivers letters, each until it is done: no caller waits for the store or the disk.

    `ended` is told of each letter that is under way no longer.
    """

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        bus: Bus,
        settings: Settings,
        spool: Spool,
        ended: Callable[[Letter], None],
        pace: Pace,
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._bus = bus
        self._settings = settings
        self._spool = spool
        self._ended = ended
        self._pace = pace
        self._parcels: list[_Parcel] = []
        self._news, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Deliver from now on."""
        self._workers = [asyncio.create_task(self._work(), name="voicemail") for _ in range(_AT_ONCE)]

    async def close(self) -> None:
        """Deliver what there is, as far as that is quickly done."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._empty.wait()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def add(self, takes: list[Letter]) -> None:
        """Have the last of these that is a message delivered; they go then."""
        self._parcels.append(_Parcel(takes))
        self._news.set()
        self._empty.clear()

    @property
    def waiting(self) -> int:
        """How many calls have left something that is not delivered yet."""
        return len(self._parcels)

    def is_message(self, heard: float) -> bool:
        """Whether a recording is one: enough is heard in it (`vm_shortest`), in seconds, and anything at all."""
        return heard > 0 and heard >= self._settings.vm_shortest

    async def _work(self) -> None:
        while True:
            parcel = await self._next()
            parcel.in_hand = True
            await self._try(parcel)
            parcel.in_hand = False
            if not self._parcels:
                self._empty.set()

    async def _next(self) -> _Parcel:
        """The oldest that is due and that nobody works on."""
        while True:
            self._news.clear()
            free = [parcel for parcel in self._parcels if not parcel.in_hand]
            for parcel in free:
                if parcel.due <= _now():
                    return parcel
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min((parcel.due for parcel in free), default=None)):
                    await self._news.wait()

    async def _try(self, parcel: _Parcel) -> None:
        try:
            await self._deliver(parcel)
        except Exception as why:  # the store, the disk, a process that was killed; what was recorded stays
            if _passes(why):
                parcel.hopeless_since = None
            elif parcel.hopeless_since is None:
                parcel.hopeless_since = _now()
            elif _now() - parcel.hopeless_since >= self._pace.limit and await self._is_set_aside(
                parcel, in_one_line(why)
            ):
                return
            self._put_off(parcel, in_one_line(why))
        else:
            self._parcels.remove(parcel)

    async def _deliver(self, parcel: _Parcel) -> None:
        while parcel.takes and not await self._is_delivered(parcel.takes[-1]):
            await self._remove(parcel, parcel.takes[-1])
        for letter in parcel.takes[:]:  # the message goes last: after a crash between the others do not count either
            await self._remove(parcel, letter)

    async def _is_delivered(self, letter: Letter) -> bool:
        """Deliver one; False where it is no message."""
        file = self._spool.file(letter)
        seconds = await recover(file, KEPT_SILENCE)
        if seconds is None or not self.is_message(await recordings.heard(file)):
            log.info("letter_too_short", letter=letter.id, call=letter.call_id, seconds=seconds)
            return False
        messages = await self._put(letter, seconds)
        for message in messages:
            self._bus.publish(MessageLeft(message))
            self._bus.publish(MailboxChanged(message.mailbox))
        got = [f"{message.mailbox.kind} {message.mailbox.id}" for message in messages]
        log.info("letter_delivered", letter=letter.id, call=letter.call_id, seconds=round(seconds, 3), mailboxes=got)
        return True

    async def _put(self, letter: Letter, seconds: float) -> list[Message]:
        """Put it into the mailboxes; done a second time, it is there once. Returns what is there new."""
        digests = set[str]()

        async def save(kept: Kept) -> tuple[list[Message], None]:
            digests.add(kept.digest)
            new = NewMessage(
                caller_number=letter.caller_number,
                caller_name=letter.caller_name,
                time=letter.time,
                seconds=seconds,
                digest=kept.digest,
                size=kept.size,
                call_id=letter.call_id,
            )
            by_mail = self._settings.smtp is not None
            return await self._store.messages.deliver(letter.id, letter.mailboxes, new, mail=by_mail), None

        file = self._spool.file(letter)
        messages = await self._shelf.keep(file, file.name, save)
        if not messages:  # nobody is there any more, or all had it
            await self._shelf.discard(*digests)
        return messages

    async def _remove(self, parcel: _Parcel, letter: Letter) -> None:
        self._ended(letter)
        await asyncio.to_thread(self._spool.remove, letter)
        parcel.takes.remove(letter)

    def _put_off(self, parcel: _Parcel, reason: str) -> None:
        parcel.failures += 1
        parcel.due = _now() + self._pace.pause(parcel.failures)
        if reason != parcel.told:
            parcel.told = reason
            log.warning("letter_waits", letter=parcel.takes[-1].id, error=reason)

    async def _is_set_aside(self, parcel: _Parcel, reason: str) -> bool:
        """Set the letter aside that was tried in vain, and have the take before it tried; False where it cannot be."""
        letter = parcel.takes[-1]
        try:
            folder = await asyncio.to_thread(self._spool.set_aside, letter.id)
        except OSError:
            return False
        log.error("letter_set_aside", letter=letter.id, call=letter.call_id, folder=str(folder), error=reason)
        self._ended(letter)
        self._parcels.remove(parcel)
        if len(parcel.takes) > 1:
            self.add(parcel.takes[:-1])
        return True


def _passes(why: Exception) -> bool:
    """Whether it may pass by itself: the disk is full, the database is locked or not there."""
    return isinstance(why, (OSError, *UNAVAILABLE)) and not isinstance(why, ProcessFault)


def _now() -> float:
    return asyncio.get_running_loop().time()
