"""Where callers leave messages: whether there is room, what is being recorded, and its way into the mailboxes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxFull
from ringdove.media.library import BrokenAudio
from ringdove.model.voicemail import Mailbox, MessageCount, Undelivered
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store

from .delivery import PACE, Delivery
from .pace import Pace
from .spool import Letter, Spool, new_id

log = structlog.get_logger(__name__)

MIB = 1 << 20
SPARE = 64 * MIB
"""Octets of the disk that messages leave for everything else."""
_PATIENCE = 2.0
"""Seconds that a caller waits for the store to say whether there is room."""


class NoRoom(Exception):
    """No message can be taken; `mailbox` says that this one is full, None that there is no room for anybody's."""

    def __init__(self, mailbox: Mailbox | None, reason: str) -> None:
        super().__init__(reason)
        self.mailbox = mailbox


class Postbox:
    """Takes letters in and has them delivered: no caller waits for the store or the disk."""

    def __init__(self, store: Store, shelf: Shelf, bus: Bus, settings: Settings, pace: Pace = PACE) -> None:
        self._store = store
        self._shelf = shelf
        self._bus = bus
        self._settings = settings
        self._spool = Spool(settings.spool)
        self._open: dict[str, Letter] = {}
        """Letters that are under way, by their ids."""
        self._heard: dict[Path, str] = {}
        """What of each recording that is kept nowhere yet is in the library, to be listened to."""
        self._delivery = Delivery(store, shelf, bus, settings, self._spool, self._ended, pace)

    async def start(self) -> None:
        """Deliver from now on, first what an earlier run has left."""
        calls: dict[str, list[Letter]] = {}
        for letter in await asyncio.to_thread(lambda: list(self._spool.left())):
            log.info("letter_found", letter=letter.id, call=letter.call_id)
            self._open[letter.id] = letter
            calls.setdefault(letter.call_id, []).append(letter)
        for takes in calls.values():
            self.send(*takes)
        self._delivery.start()

    async def close(self) -> None:
        """Deliver what was sent, as far as that is quickly done."""
        await self._delivery.close()

    async def begin(
        self, mailboxes: Sequence[Mailbox], *, caller_number: str, caller_name: str, call_id: str
    ) -> Letter:
        """A letter to those of these mailboxes that have room. Record to its `file`, then `send` or `discard` it.

        All letters of a call together take one place in a mailbox: one takes the place of the other. Raises NoRoom, of
        which the bus is told as well.
        """
        letter = Letter(
            id=new_id(),
            mailboxes=(),
            caller_number=caller_number,
            caller_name=caller_name,
            call_id=call_id,
            time=time.time(),
        )
        try:
            await self._check_disk()
            counts = await self._counts(mailboxes)
            letter = letter.model_copy(update={"mailboxes": self._with_room(counts, call_id)})
            self._open[letter.id] = letter  # in the turn of the loop that has seen its place
            await asyncio.to_thread(self._spool.begin, letter)
        except OSError as error:
            self._open.pop(letter.id, None)
            raise self._no_room((), f"the disk: {error.strerror}") from error
        return letter

    def file(self, letter: Letter) -> Path:
        """Where it is recorded to: a WAV file."""
        return self._spool.file(letter)

    def is_message(self, heard: float) -> bool:
        """Whether a recording is one, of which so many seconds are speech."""
        return self._delivery.is_message(heard)

    async def listen(self, recording: Path) -> tuple[Path, ...]:
        """The track of what was recorded, to be heard before it is sent; nothing where that cannot be."""
        try:
            track = await self._shelf.listen(recording)
        except (BrokenAudio, OSError):
            return ()
        self._heard[recording] = track.name
        return (track,)

    def send(self, *takes: Letter) -> None:
        """Have the last take of a call that is a message delivered, recorded to its end or not; it is not lost from
        here on, and the others go. The oldest comes first.
        """
        self._delivery.add(list(takes))

    def undelivered(self) -> Undelivered:
        """What was sent and is in no mailbox. Looks into a folder, which takes no time to speak of."""
        return Undelivered(waiting=self._delivery.waiting, set_aside=self._spool.aside)

    async def discard(self, letter: Letter) -> None:
        """It is not wanted any more."""
        self._open.pop(letter.id, None)
        with suppress(OSError):
            await asyncio.to_thread(self._spool.remove, letter)
        await self._unheard(self.file(letter))

    async def _unheard(self, recording: Path) -> None:
        """What could be listened to for a look back is of no use any more, unless it was kept."""
        if digest := self._heard.pop(recording, None):
            try:
                await self._shelf.discard(digest)
            except Exception:  # the store or the disk; the next start clears it away
                log.exception("recording_not_removed")

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[Path]:
        """A WAV file to record something else to: it goes when the block ends. Raises NoRoom."""
        await self._check_disk()
        draft = self._spool.draft()
        try:
            yield draft
        finally:
            with suppress(OSError):
                await asyncio.to_thread(self._spool.erase, draft)
            await self._unheard(draft)

    def _ended(self, letter: Letter) -> None:
        """It is delivered, or cannot be."""
        self._open.pop(letter.id, None)
        self._heard.pop(self.file(letter), None)

    # Room

    async def _counts(self, mailboxes: Sequence[Mailbox]) -> Mapping[Mailbox, MessageCount]:
        """How many messages are in each, where all together leave room for more; raises NoRoom.

        A store that fails costs the limits, not the message, which waits for it in the spool.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                octets = (await self._store.messages.usage_in_total()).octets
                counts = await self._store.messages.counts(mailboxes)
        except Exception:  # the store: better one message too many than one lost
            log.exception("messages_not_counted")
            return dict.fromkeys(mailboxes, MessageCount(0, 0))
        if octets >= self._settings.vm_storage * MIB:
            raise self._no_room((), f"messages take {self._settings.vm_storage} MiB (vm_storage)")
        return counts

    def _with_room(self, counts: Mapping[Mailbox, MessageCount], call_id: str) -> tuple[Mailbox, ...]:
        others = {(one.call_id, mailbox) for one in self._open.values() for mailbox in one.mailboxes}
        taken = Counter(mailbox for other, mailbox in others if other != call_id)
        most = self._settings.vm_messages
        full = [mailbox for mailbox, count in counts.items() if sum(count) + taken[mailbox] >= most]
        if full:
            no_room = self._no_room(full, f"{most} messages (vm_messages)")
            if len(full) == len(counts):
                raise no_room
        return tuple(mailbox for mailbox in counts if mailbox not in full)

    async def _check_disk(self) -> None:
        if await asyncio.to_thread(lambda: self._spool.free) < SPARE:
            raise self._no_room((), "the disk is nearly full")

    def _no_room(self, full: Sequence[Mailbox], reason: str) -> NoRoom:
        """What there is to raise where all of these are full, or, where that is none, there is no room for anybody."""
        log.warning("mailbox_full", reason=reason, mailboxes=[f"{box.kind} {box.id}" for box in full])
        for mailbox in full or (None,):
            self._bus.publish(MailboxFull(mailbox, reason))
        return NoRoom(full[0] if full else None, reason)
