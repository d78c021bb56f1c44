"""Where callers leave messages: whether there is room, what is being recorded, and its way into the mailboxes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import ExtensionChanged, MailboxChanged, MailboxFull, MessageLeft
from ringdove.media import recordings
from ringdove.media.library import BrokenAudio, Kept
from ringdove.media.recordings import KEPT_QUIET, recover
from ringdove.model.voicemail import Greeting, Mailbox, MailboxKind, Message, MessageCount, NewMessage
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store

from .spool import Letter, Spool, new_id

log = structlog.get_logger(__name__)

MIB = 1 << 20
SPARE = 64 * MIB
"""Octets of the disk that messages leave for everything else."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
"""Seconds until what could not be delivered is tried again; doubled each time."""
_PATIENCE = 2.0
"""Seconds that a caller waits for the store to say whether there is room."""
_LAST_WORDS = 5.0
"""Seconds at the end for what is on its way; the next start finds what is left."""


class NoRoom(Exception):
    """No message can be taken; `mailbox` says that this one is full, None that there is no room for anybody's."""

    def __init__(self, mailbox: Mailbox | None, reason: str) -> None:
        super().__init__(reason)
        self.mailbox = mailbox


class Postbox:
    """Takes letters in and delivers them, each until it is done: no caller waits for the store or the disk."""

    def __init__(self, store: Store, shelf: Shelf, bus: Bus, settings: Settings) -> None:
        self._store = store
        self._shelf = shelf
        self._bus = bus
        self._settings = settings
        self._spool = Spool(settings.data / "voicemail")
        self._open: dict[str, Letter] = {}
        """Letters that are under way, by their ids."""
        self._heard: dict[Path, str] = {}
        """What of each recording that is kept nowhere yet is in the library, to be listened to."""
        self._sent: dict[str, Letter] = {}
        self._news, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Deliver from now on, first what an earlier run has left."""
        for letter in await asyncio.to_thread(lambda: list(self._spool.left())):
            log.info("letter_found", letter=letter.id, call=letter.call_id)
            self._open[letter.id] = letter
            self.send(letter)
        self._worker = asyncio.create_task(self._deliver_all(), name="voicemail")

    async def close(self) -> None:
        """Deliver what was sent, as far as that is quickly done."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._empty.wait()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

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
        """Whether a recording is one: enough is heard in it (`vm_shortest`), in seconds, and anything at all."""
        return heard > 0 and heard >= self._settings.vm_shortest

    async def listen(self, recording: Path) -> tuple[Path, ...]:
        """The track of what was recorded, to be heard before it is sent; nothing where that cannot be."""
        try:
            track = await self._shelf.listen(recording)
        except (BrokenAudio, OSError):
            return ()
        self._heard[recording] = track.name
        return (track,)

    def send(self, letter: Letter) -> None:
        """Have it delivered, recorded to its end or not; it is not lost from here on."""
        self._sent[letter.id] = letter
        self._news.set()
        self._empty.clear()

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

    # Messages and greetings that are there

    async def mark_as_read(self, message: Message) -> None:
        """Somebody has listened to it."""
        if not message.read and await self._store.messages.mark(message.id, True) is not None:
            self._bus.publish(MailboxChanged(message.mailbox))

    async def delete(self, mailbox: Mailbox, message_ids: Iterable[int]) -> None:
        """Messages of a mailbox are not wanted any more; those that are gone already are fine."""
        gone = [message for one in message_ids if (message := await self._store.messages.delete(one)) is not None]
        if gone:
            self._bus.publish(MailboxChanged(mailbox))
            await self._shelf.discard(*(message.digest for message in gone))

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

    async def keep_greeting(self, mailbox: Mailbox, name: str, draft: Path) -> None:
        """Save a recording as the greeting of this name, in place of the one before."""

        async def save(kept: Kept) -> tuple[Greeting, Greeting | None]:
            greeting = Greeting(
                mailbox=mailbox,
                file=name,
                digest=kept.digest,
                seconds=kept.seconds,
                size=kept.size,
                uploaded_at=time.time(),
            )
            return await self._store.greetings.save(greeting)

        await self._shelf.keep(draft, name, save)

    async def use_greeting(self, mailbox: Mailbox, file: str) -> None:
        """Have callers hear this greeting of a mailbox from now on, or the system's (FOLLOW_SYSTEM)."""
        if mailbox.kind is MailboxKind.GROUP:
            await self._store.vm_groups.update(mailbox.id, lambda group: group.model_copy(update={"vm_greeting": file}))
            return
        await self._store.extensions.update(mailbox.id, lambda one: one.model_copy(update={"vm_greeting": file}))
        self._bus.publish(ExtensionChanged(mailbox.id))

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

    # Delivery

    async def _deliver_all(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            self._news.clear()
            failed = [letter for letter in list(self._sent.values()) if not await self._delivered(letter)]
            if not self._sent:
                self._empty.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause if failed else None):
                    await self._news.wait()
            pause = min(_LONGEST_PAUSE, 2 * pause) if failed else _FIRST_PAUSE

    async def _delivered(self, letter: Letter) -> bool:
        """Deliver one letter; False where that has to be tried again."""
        try:
            for message in await self._deliver(letter):
                self._bus.publish(MessageLeft(message))
                self._bus.publish(MailboxChanged(message.mailbox))
            self._open.pop(letter.id, None)
            await asyncio.to_thread(self._spool.remove, letter)
        except Exception as why:  # the store, the disk, a process that was killed; what was recorded stays
            log.warning("letter_waits", letter=letter.id, error=f"{type(why).__name__}: {why}".partition("\n")[0])
            return False
        del self._sent[letter.id]
        self._heard.pop(self.file(letter), None)
        return True

    async def _deliver(self, letter: Letter) -> list[Message]:
        """Put it into the mailboxes; done a second time, it is there once."""
        file = self.file(letter)
        seconds = await recover(file, KEPT_QUIET)
        if seconds is None or not self.is_message(await recordings.heard(file)):
            log.info("letter_too_short", letter=letter.id, seconds=seconds)
            return []

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

        messages = await self._shelf.keep(file, file.name, save)
        if not messages:  # nobody is there any more, or all had it
            await self._shelf.discard(*digests)
        return messages
