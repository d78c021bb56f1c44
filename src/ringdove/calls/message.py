"""A caller leaves a message: greeting, tone, recording, and a look back at it. What was recorded is never lost."""

from collections.abc import Sequence
from functools import partial

from ringdove.media.sounds import BEEP
from ringdove.media.speech import Phrase
from ringdove.model.story import HeardKind, Hop, HopOutcome, Recorded
from ringdove.model.voicemail import Mailbox
from ringdove.store.owners import Owner
from ringdove.voicemail.postbox import NoRoom
from ringdove.voicemail.spool import Letter

from .call import Call
from .conversation import Conversation, converse
from .menu import Menu

_TAKES = 5
"""How often a caller may record before what is there is sent, as it is without a word from the caller."""


async def leave_message(call: Call, hop: Hop, owner: Owner, mailboxes: Sequence[Mailbox]) -> None:
    """Answer the caller, let it hear the greeting of `owner` and leave a message in these mailboxes, and hang up."""
    hop.outcome = HopOutcome.NO_MESSAGE

    async def dialogue(talk: Conversation) -> None:
        await _Message(call, talk, hop, owner, mailboxes).take()

    await converse(call, dialogue, call.book.reached_voicemail)


class _Message:
    def __init__(self, call: Call, talk: Conversation, hop: Hop, owner: Owner, mailboxes: Sequence[Mailbox]) -> None:
        self._call = call
        self._talk = talk
        self._hop = hop
        self._owner = owner
        self._mailboxes = mailboxes
        self._postbox = call.board.postbox
        self._speech = call.board.sounds.speech
        self._menu = Menu(talk, self._speech)
        self._settings = call.board.settings
        self._blank: Letter | None = None
        """One that was begun, and nothing of use is in it yet."""
        self._takes: list[Letter] = []
        """The last recording in which enough is heard, and those after it of which that is not known yet."""

    async def take(self) -> None:
        words = list[Phrase]()
        try:
            await self._begin()
            await self._greet()
            for _ in range(_TAKES):
                await self._record()
                if not self._takes:
                    await self._talk.say(self._speech.phrase(Phrase.TOO_SHORT))
                elif await self._accepts(self._takes[-1]):
                    break
        except NoRoom as why:
            if not self._takes:
                self._hop.outcome = HopOutcome.MAILBOX_FULL
            words.append(Phrase.NO_ROOM if why.mailbox is None else Phrase.MAILBOX_FULL)
        finally:  # whatever ended it: a hang-up, the end of the server
            if self._takes:
                self._postbox.send(*self._takes)
            await self._discard_blank()
        if self._takes:
            words.append(Phrase.MESSAGE_SENT)
        await self._say(*(words or [Phrase.NOTHING_RECORDED]), Phrase.GOODBYE)

    async def _begin(self) -> Letter:
        """A letter to record into; there may be one already."""
        if self._blank is not None:
            return self._blank
        who = self._call.book.story.caller
        self._blank = await self._postbox.begin(
            self._mailboxes, caller_number=who.number, caller_name=who.name, call_id=self._call.id
        )
        return self._blank

    async def _greet(self) -> None:
        greeting = await self._call.board.sounds.greeting(self._owner)
        heard = self._call.book.hears(self._call.book.story.caller, HeardKind.GREETING, self._owner.vm_greeting)
        try:
            await self._talk.say(greeting, keys="#")
        finally:
            heard.ended()

    async def _record(self) -> None:
        """One take. It takes the place of those before if enough is heard in it."""
        letter, settings = await self._begin(), self._settings
        await self._talk.say((BEEP,))
        file, began = self._postbox.file(letter), self._call.book.now()
        try:
            take = await self._talk.record(file, longest=settings.vm_longest, quiet=settings.vm_silence)
        except BaseException:  # the server stops at once, for instance: whether it is a message is found out later
            self._blank = None
            self._takes.append(letter)
            raise
        if take.seconds is None:
            self._keep(letter, began, self._call.book.now() - began)
        elif self._postbox.is_message(take.heard):
            before, self._takes = self._takes, []
            self._keep(letter, began, take.seconds)
            for one in before:
                await self._postbox.discard(one)
        else:
            await self._discard_blank()
        if take.over is not None:
            raise take.over

    def _keep(self, letter: Letter, began: float, seconds: float) -> None:
        """What is in it is a message, as far as is known."""
        self._blank = None
        self._takes.append(letter)
        self._hop.outcome = HopOutcome.MESSAGE_LEFT
        self._hop.message = Recorded(began_at=began, seconds=round(seconds, 3))

    async def _accepts(self, letter: Letter) -> bool:
        """Whether the caller leaves it at this recording; False where it wants to record again."""
        listen = partial(self._postbox.listen, self._postbox.file(letter))
        return await self._menu.review(listen, silently="#") != "3"

    async def _discard_blank(self) -> None:
        letter, self._blank = self._blank, None
        if letter is not None:
            await self._postbox.discard(letter)

    async def _say(self, *phrases: Phrase) -> None:
        for phrase in phrases:
            await self._talk.say(self._speech.phrase(phrase))
