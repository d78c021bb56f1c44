"""What callers of a mailbox hear before the tone: recorded, listened to, or the system's again."""

from functools import partial

from ringdove.media.sounds import BEEP
from ringdove.media.speech import Choice, Phrase
from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.voicemail import RECORDED_GREETING, RECORDED_NAME
from ringdove.store.owners import Owner
from ringdove.voicemail.postbox import NoRoom

from ..call import Call
from ..conversation import Conversation
from ..menu import Menu

_SHORTEST = 0.2
"""Seconds of speech that the shortest name has."""
_LONGEST_NAME = 10.0
"""Seconds."""
_TAKES = 5
"""How often somebody may record before it has to choose anew what it wants."""


class Options:
    """The options of one mailbox."""

    def __init__(self, call: Call, talk: Conversation, menu: Menu, owner: Owner) -> None:
        self._talk = talk
        self._menu = menu
        self._mailbox = owner.mailbox
        self._store = call.board.store
        self._settings = call.board.settings
        self._sounds = call.board.sounds
        self._postbox = call.board.postbox
        self._mailboxes = call.board.mailboxes

    async def walk(self) -> str:
        """Returns "*" where the main menu is wanted, "#" where the caller wants to leave."""
        offers = self._menu.offer(
            {
                "1": Choice.RECORD_GREETING,
                "2": Choice.RECORD_NAME,
                "3": Choice.HEAR_GREETING,
                "4": Choice.USE_SYSTEM_GREETING,
                "*": Choice.MAIN_MENU,
                "#": Choice.EXIT,
            }
        )
        while (key := await self._menu.choose(offers) or "*") not in "*#":
            try:
                match key:
                    case "1":
                        await self._record_greeting()
                    case "2":
                        await self._record_name()
                    case "3":
                        await self._hear()
                    case "4":
                        await self._mailboxes.choose_greeting(self._mailbox, FOLLOW_SYSTEM)
                        self._menu.note(Phrase.SYSTEM_GREETING)
            except NoRoom:
                self._menu.note(Phrase.NO_ROOM)
        return key

    async def _record_greeting(self) -> None:
        if await self._record(RECORDED_GREETING, self._settings.vm_longest):
            await self._mailboxes.choose_greeting(self._mailbox, RECORDED_GREETING)
            self._menu.note(Phrase.GREETING_SAVED)

    async def _record_name(self) -> None:
        if await self._record(RECORDED_NAME, _LONGEST_NAME):
            self._menu.note(Phrase.NAME_SAVED)

    async def _record(self, name: str, longest: float) -> bool:
        """Let the caller record until it accepts what it hears, and keep that under this name; False where it gives up,
        and all is as it was before.
        """
        for _ in range(_TAKES):
            self._menu.note(Phrase.RECORD_AFTER_TONE)
            await self._talk.say(self._menu.noted(), keys="#")
            await self._talk.say((BEEP,))
            async with self._postbox.draft() as draft:
                take = await self._talk.record(draft, longest=longest, quiet=self._settings.vm_silence)
                if take.over is not None:
                    raise take.over
                if take.heard < _SHORTEST:
                    self._menu.note(Phrase.TOO_SHORT)
                    continue
                match await self._menu.review(partial(self._postbox.listen, draft), silently="*") or "*":
                    case "1":
                        await self._mailboxes.save_greeting(self._mailbox, name, draft)
                        return True
                    case "*":
                        return False
        return False

    async def _hear(self) -> None:
        """Let the caller hear what callers hear before the tone."""
        owner = await self._store.owners.get(self._mailbox)
        if owner is not None:
            self._menu.note(await self._sounds.greeting(owner))
