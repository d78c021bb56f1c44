"""Somebody dials into a mailbox: who it is, the main menu, and from mailbox to mailbox."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from ringdove.media.speech import Choice, Phrase
from ringdove.model.extension import Extension
from ringdove.model.story import HopOutcome
from ringdove.store.owners import Owner

from ..call import Call
from ..conversation import CallerLeft, Conversation, converse
from ..inbox import CallEnded
from ..menu import Menu, Tracks
from .listening import Listening
from .login import Login
from .options import Options

log = structlog.get_logger(__name__)

Enter = Callable[[], Awaitable[Owner | None]]
"""Lets somebody into a mailbox; None where that may not be."""

_OTHERS = "3456789"
"""The keys of other mailboxes."""
_MOST = 100
"""Times that one call may go on to another mailbox: each is told in its story."""


async def of_caller(call: Call) -> None:
    """The caller's own mailbox; the call is over then."""
    await _visit(call, lambda login: login.enter(call.who))


async def of_anybody(call: Call) -> None:
    """The mailbox whose number the caller keys in; the call is over then."""
    await _visit(call, Login.enter_number)


async def _visit(call: Call, enter: Callable[[Login], Awaitable[Owner | None]]) -> None:
    async def dialogue(talk: Conversation) -> None:
        visit = _Visit(call, talk)
        try:
            await visit.walk(partial(enter, visit.login))
        except (CallerLeft, CallEnded):
            raise
        except Exception:  # the store, or the disk
            log.exception("mailbox_failed", call=call.id)
            await talk.say(call.board.sounds.speech.phrase(Phrase.ERROR))

    await converse(call, dialogue, call.book.answered)


class _Visit:
    def __init__(self, call: Call, talk: Conversation) -> None:
        self._call = call
        self._talk = talk
        self._store = call.board.store
        self._speech = call.board.sounds.speech
        self._menu = Menu(talk, self._speech)
        self.login = Login(call, talk, self._menu)

    async def walk(self, enter: Enter | None) -> None:
        """From mailbox to mailbox, until the caller has enough or is not let in, or has gone on for ever."""
        visits = 0
        while enter is not None and visits <= _MOST:
            visits += 1
            with self._call.book.hop("voicemail", outcome=HopOutcome.NOT_ENTERED) as hop:
                owner = await enter()
                enter = None
                if owner is not None:
                    hop.id, hop.number, hop.name = str(owner.id), owner.number, owner.name
                    hop.outcome = HopOutcome.ENTERED
                    enter = await self._main_menu(owner)
        self._menu.note(Phrase.GOODBYE)
        await self._talk.say(self._menu.noted())

    async def _main_menu(self, owner: Owner) -> Enter | None:
        """Until the caller goes to another mailbox, which is returned, or has enough."""
        others = await self._others(owner)
        key = "*"
        while key == "*":
            new, old = await self._store.messages.count(owner.mailbox)
            self._menu.note(self._speech.count(new, old))
            key = await self._menu.choose(self._offers(new, old, others), silently="12")
            match key:
                case "1":
                    key = await self._listen(owner, read=False)
                case "2":
                    key = await self._listen(owner, read=True)
                case "0":
                    key = await Options(self._call, self._talk, self._menu, owner).walk()
        return partial(self.login.enter, others[key]) if key in others else None

    def _offers(self, new: int, old: int, others: Mapping[str, Owner]) -> dict[str, Tracks]:
        choices = {"1": Choice.NEW_MESSAGES} if new else {}
        choices |= {"2": Choice.OLD_MESSAGES} if old else {}
        offers = self._menu.offer(choices)
        for key, other in others.items():
            if isinstance(other, Extension):
                offers[key] = self._speech.option(Choice.OWN_MAILBOX, key)
            else:
                offers[key] = self._speech.option(Choice.GROUP_MAILBOX, key, other.number)
        return offers | self._menu.offer({"0": Choice.OPTIONS, "*": Choice.MENU_AGAIN, "#": Choice.EXIT})

    async def _others(self, owner: Owner) -> dict[str, Owner]:
        """The mailboxes that this person may go on to, by their keys: its own first, then those of its groups."""
        theirs: list[Owner] = [self.login.person, *await self.login.groups()]
        return dict(zip(_OTHERS, [one for one in theirs if one.mailbox != owner.mailbox], strict=False))

    async def _listen(self, owner: Owner, *, read: bool) -> str:
        preferences = owner if isinstance(owner, Extension) else self.login.person
        return await Listening(self._call, self._talk, self._menu, owner.mailbox, preferences).walk(read=read)
