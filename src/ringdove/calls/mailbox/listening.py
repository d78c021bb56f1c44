"""One message after the other: heard, kept, deleted."""

from datetime import datetime
from pathlib import Path

import structlog

from ringdove.media.speech import Choice, Phrase
from ringdove.model.extension import Extension
from ringdove.model.voicemail import Mailbox, Message
from ringdove.store.listing import Listing

from ..call import Call
from ..conversation import Conversation
from ..menu import Menu

log = structlog.get_logger(__name__)


class Listening:
    """A walk through the messages that were there when it began.

    `preferences`: whose settings say what is told of each. Somebody else may walk through the same messages: those that
    are gone are passed over.
    """

    def __init__(self, call: Call, talk: Conversation, menu: Menu, mailbox: Mailbox, preferences: Extension) -> None:
        self._call_id = call.id
        self._talk = talk
        self._menu = menu
        self._mailbox = mailbox
        self._preferences = preferences
        self._store = call.board.store
        self._sounds = call.board.sounds
        self._speech = call.board.sounds.speech
        self._mailboxes = call.board.mailboxes
        self._messages: list[Message] = []
        self._place = 0
        self._doomed: set[int] = set()
        """Those that are deleted when the walk ends, however it does."""
        self._actions = {
            "3": self._tell_all,
            "4": self._go_back,
            "5": self._repeat,
            "6": self._go_on,
            "7": self._delete_or_restore,
            "9": self._save,
        }

    async def walk(self, *, read: bool) -> str:
        """Through the new messages or, where `read` or there are none, those that were read; the oldest first.

        Returns "*" where the main menu is wanted, "#" where the caller wants to leave.
        """
        self._messages = await self._lying(read=read) or await self._lying(read=True)
        try:
            key = await self._play(Phrase.FIRST_MESSAGE)
            while (key := key or await self._ask()) in self._actions:
                key = await self._actions[key]()
        finally:
            await self._delete()
        return key

    async def _lying(self, *, read: bool) -> list[Message]:
        _, messages = await self._store.messages.page(self._mailbox, Listing(sort_by="time"), read=read)
        return messages

    async def _ask(self) -> str:
        """What to do now; who does not say is taken back to the main menu."""
        is_doomed = self._message.id in self._doomed
        choices = {"5": Choice.REPEAT}
        if self._place > 0:
            choices["4"] = Choice.PREVIOUS
        if self._place + 1 < len(self._messages):
            choices["6"] = Choice.NEXT
        choices |= {"7": Choice.RESTORE if is_doomed else Choice.DELETE, "9": Choice.SAVE, "3": Choice.ENVELOPE}
        choices |= {"*": Choice.MAIN_MENU, "#": Choice.EXIT}
        return await self._menu.choose(self._menu.offer(choices), silently="46") or "*"

    @property
    def _message(self) -> Message:
        return self._messages[self._place]

    # What the keys do: each returns the key that was pressed meanwhile, or "".

    async def _repeat(self) -> str:
        return await self._play(None)

    async def _go_back(self) -> str:
        if self._place == 0:
            self._menu.note(Phrase.NO_MORE_MESSAGES)
            return ""
        self._place -= 1
        return await self._play(Phrase.PREVIOUS_MESSAGE)

    async def _go_on(self) -> str:
        if self._place + 1 >= len(self._messages):
            self._menu.note(Phrase.NO_MORE_MESSAGES)
            return ""
        self._place += 1
        return await self._play(Phrase.NEXT_MESSAGE)

    async def _tell_all(self) -> str:
        self._menu.note(self._received(), self._caller(), self._length())
        return ""

    async def _delete_or_restore(self) -> str:
        self._doomed ^= {self._message.id}
        is_doomed = self._message.id in self._doomed
        self._menu.note(Phrase.MESSAGE_DELETED if is_doomed else Phrase.MESSAGE_RESTORED)
        return ""

    async def _save(self) -> str:
        self._doomed.discard(self._message.id)
        await self._mark_as_read()
        self._menu.note(Phrase.MESSAGE_SAVED)
        return ""

    # One message

    async def _play(self, moved: Phrase | None) -> str:
        """Say which message it is and let it be heard. It counts as read from its first sound on.

        `moved` is what is said of one in the middle; None where it is the same again.
        """
        if not await self._is_there():
            self._menu.note(Phrase.NO_MORE_MESSAGES)
            return "*"
        self._menu.note(*self._position(moved), *self._envelope())
        if key := await self._talk.say(self._menu.noted(), self._keys):
            return key
        await self._mark_as_read()
        return await self._talk.say((self._sounds.track(self._message.digest),), self._keys)

    async def _mark_as_read(self) -> None:
        if not self._message.read:
            await self._mailboxes.mark(self._message.id, read=True)

    async def _is_there(self) -> bool:
        """Go on to a message that nobody else has deleted meanwhile; False where none is left."""
        while self._messages:
            if (message := await self._store.messages.get(self._message.id)) is not None:
                self._messages[self._place] = message
                return True
            del self._messages[self._place]
            self._place = max(0, min(self._place, len(self._messages) - 1))
        return False

    @property
    def _keys(self) -> str:
        return "".join(self._actions) + "*#"

    def _position(self, moved: Phrase | None) -> list[Phrase]:
        if self._place == 0:
            return [Phrase.FIRST_MESSAGE]
        if self._place + 1 == len(self._messages):
            return [Phrase.LAST_MESSAGE]
        return [] if moved is None else [moved]

    def _envelope(self) -> list[tuple[Path, ...]]:
        told = self._preferences
        parts = (
            (told.enb_vm_play_datetime, self._received),
            (told.enb_vm_play_caller_id, self._caller),
            (told.enb_vm_play_duration, self._length),
        )
        return [said() for wanted, said in parts if wanted]

    def _received(self) -> tuple[Path, ...]:
        when = datetime.fromtimestamp(self._message.time).astimezone()
        return self._speech.received(when, datetime.now().astimezone())

    def _caller(self) -> tuple[Path, ...]:
        return self._speech.caller(self._message.caller_number or None)

    def _length(self) -> tuple[Path, ...]:
        return self._speech.length(self._message.seconds)

    async def _delete(self) -> None:
        """What was to be deleted goes now; the caller may have hung up for that."""
        if not self._doomed:
            return
        try:
            await self._mailboxes.delete(self._doomed)
        except Exception:  # whatever ended the walk goes on up
            log.exception("messages_not_deleted", call=self._call_id)
