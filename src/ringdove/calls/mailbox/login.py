"""Who gets into which mailbox. Whoever is kept out learns nothing by it, whatever it was that was wrong (ADR 0032)."""

import asyncio
import hmac
import secrets
import time

import structlog

from ringdove.media.speech import Phrase
from ringdove.model.extension import Extension
from ringdove.model.voicemail import Mailbox, VmGroup
from ringdove.store.owners import Owner

from ..call import Call
from ..conversation import Conversation
from ..menu import Menu

log = structlog.get_logger(__name__)

TRIES = 3
"""In one call."""
_VERDICT = 0.5
"""Seconds until a PIN is said to be wrong, however much there was to look up for that."""


class Login:
    """Lets somebody in, by its phone, its groups and its PIN."""

    def __init__(self, call: Call, talk: Conversation, menu: Menu) -> None:
        self._phone = call.who
        self._talk = talk
        self._menu = menu
        self._store = call.board.store
        self._guesses = call.board.guesses
        self._call_id = call.id
        self._open: set[Mailbox] = set()
        """What it has given the PIN of in this call."""
        self.person = call.who
        """Who it is: the owner of the phone, until it gives the PIN of another extension."""

    async def enter_number(self) -> Owner | None:
        """Ask for a mailbox until it may be entered, and return whose it is; None where that never is so."""
        for _ in range(TRIES):
            number = await self._keyed(Phrase.ENTER_MAILBOX)
            owner = await self._find(number)
            if owner is not None and await self._is_free(owner):
                return owner
            if await self._gives_pin(owner):
                return owner
        return None

    async def enter(self, owner: Owner) -> Owner | None:
        """Return whose mailbox it is once it may be entered, asking for its PIN if need be; else None."""
        if await self._is_free(owner):
            return owner
        for _ in range(TRIES):
            if await self._gives_pin(owner):
                return owner
        return None

    async def groups(self) -> tuple[VmGroup, ...]:
        """The groups that share a mailbox with this person."""
        return await self._store.vm_groups.of_member(self.person.id)

    async def _find(self, number: str) -> Owner | None:
        """Whose mailbox has this number; that of a disabled extension is none, as nobody could listen to it."""
        owner = await self._store.owners.find(number)
        return None if isinstance(owner, Extension) and not owner.enabled else owner

    async def _is_free(self, owner: Owner) -> bool:
        """Whether it needs no PIN: its own, unless it wants to be asked, or that of a group it is in, likewise."""
        if owner.mailbox in self._open:
            return True
        if owner.enb_vm_pin:
            return False
        if isinstance(owner, Extension):
            return owner.id == self._phone.id
        return any(group.id == owner.id for group in await self.groups())

    async def _gives_pin(self, owner: Owner | None) -> bool:
        """Ask for the PIN once; None is a mailbox that is not there, which is not to be noticed."""
        pin = await self._keyed(Phrase.ENTER_PASSWORD)
        verdict = asyncio.get_running_loop().time() + _VERDICT
        right = self._check(owner, pin)
        if owner is None or not right:
            await self._talk.rest(verdict)
            self._menu.note(Phrase.LOGIN_INCORRECT)
            return False
        self._open.add(owner.mailbox)
        if isinstance(owner, Extension):
            self.person = owner
        return True

    def _check(self, owner: Owner | None, pin: str) -> bool:
        """Whether this is the PIN, and may be: guessing is of no use after a few failures."""
        now = time.time()
        name = owner.number if owner is not None else ""
        caller, mailbox = f"extension {self._phone.number}", f"mailbox {name}"
        from_own_phone = owner is not None and owner.mailbox == self._phone.mailbox
        sources = [caller] if owner is None or from_own_phone else [caller, mailbox]
        expected = owner.vm_pin if owner is not None else None
        right = hmac.compare_digest(pin.encode(), (expected or secrets.token_hex()).encode())
        if any(self._guesses.of(source, now) for source in sources):
            right = False
        elif right:
            self._guesses.succeeded(caller, name)
            self._guesses.succeeded(mailbox, self._phone.number)
        elif pin:
            self._guesses.failed(caller, "pin", name, now)
            if mailbox in sources:
                self._guesses.failed(mailbox, "pin", self._phone.number, now)
        if not right:
            log.info("mailbox_login_failed", call=self._call_id, extension=self._phone.number, mailbox=name)
        return right

    async def _keyed(self, question: Phrase) -> str:
        self._menu.note(question)
        return await self._talk.number(self._menu.noted())
