"""Tells people of new messages by e-mail: each mail once, as far as SMTP allows, and until it is sent (ADR 0031)."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxChanged, MessageLeft
from ringdove.media.library import Library
from ringdove.model.extension import Extension
from ringdove.model.voicemail import AfterVmNotify, MailboxKind, Message, NewVmNotify
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.store.errors import in_one_line
from ringdove.store.mails import OwedMail

from .mail_text import Mail, Unwritable, about, plain
from .pace import Pace
from .smtp import Link, NoWay, Refused

log = structlog.get_logger(__name__)

T = TypeVar("T")

PACE = Pace(first=60.0, longest=3600.0, limit=5 * 86_400.0)
_AT_ONCE = 30.0
"""Seconds that somebody waits for a mail of his own to be sent."""
_LAST_WORDS = 5.0
"""Seconds at the end for the mail that is under way."""


@dataclass(eq=False, slots=True)
class _Waiting:
    """A mail that is owed. `due` is on the loop's clock; `accepted` says of what, once the server has it."""

    owed: OwedMail
    due: float
    failures: int = 0
    bare: bool = False
    """Its recording is too large for the server."""
    accepted: "_Draft | None" = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A mail, what it is about and whom it is for."""

    mail: Mail
    message: Message
    after: AfterVmNotify


class Mailer:
    """Sends what is owed, one mail at a time over one connection, in a thread: no call waits for it.

    A mail that the server does not take now, and a server that is not there, are asked again less and less often. What
    is owed is in the store until the server has accepted it, so that the next start goes on with it, at once.
    `done` counts mails: sent, failed.
    """

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        audio: Library,
        bus: Bus,
        settings: Settings,
        pace: Pace = PACE,
    ) -> None:
        assert settings.smtp_from is not None  # noqa: S101 - settings want it where there is a server
        self._sender = settings.smtp_from
        self.done: Counter[str] = Counter(sent=0, failed=0)
        self._store = store
        self._shelf = shelf
        self._audio = audio
        self._bus = bus
        self._settings = settings
        self._pace = pace
        self._waiting: dict[int, _Waiting] = {}
        self._newest = 0
        """The highest id of what was found in the store."""
        self._shut = 0
        """How often in a row there was no way to send anything."""
        self._told = ""
        """Why, as it was logged last."""
        self._again_at = 0.0
        """When the way is tried again, on the loop's clock."""
        self._link: Link | None = None
        self._news = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None
        bus.subscribe(MessageLeft, lambda _: self._news.set())

    @property
    def waiting(self) -> int:
        """How many mails are owed."""
        return len(self._waiting)

    def start(self) -> None:
        """Send from now on, first what an earlier run has left."""
        self._worker = asyncio.create_task(self._work(), name="mail")

    async def close(self) -> None:
        """Send the mail that is under way, as far as that is quickly done; the next start sends the others."""
        self._closing = True
        self._news.set()
        if self._worker is None:
            return
        _, late = await asyncio.wait([self._worker], timeout=_LAST_WORDS)
        if late and self._link is not None:
            self._link.abort()
            await asyncio.wait(late, timeout=1)
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def write(
        self, subject: str, text: str, *, to: tuple[str, ...], cc: tuple[str, ...] = (), bcc: tuple[str, ...] = ()
    ) -> None:
        """Send a mail of somebody's own now, over a connection of its own. Raises Unwritable, Refused, NoWay."""
        mail = plain(self._sender, subject, text, to=to, cc=cc, bcc=bcc)
        link = Link(self._settings)

        def send() -> None:
            with closing(link):
                link.send(mail)

        try:
            async with asyncio.timeout(_AT_ONCE):
                await _apart(send)
        except TimeoutError:
            link.abort()
            raise NoWay("the server does not answer") from None

    async def _work(self) -> None:
        while not self._closing:
            self._news.clear()
            try:
                await self._look()
                await self._round()
            except NoWay as why:
                self._no_way(str(why))
            except Exception as error:  # the store or the disk, or a fault of ours: the mails stay
                self._no_way(in_one_line(error))
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next()):
                    await self._news.wait()

    async def _look(self) -> None:
        """Find what is owed since the last look."""
        for owed in await self._store.mails.owed(after=self._newest):
            self._waiting[owed.id] = _Waiting(owed, _now())
            self._newest = owed.id

    def _next(self) -> float | None:
        """When there is something to do, on the loop's clock."""
        soonest = min((waiting.due for waiting in self._waiting.values()), default=None)
        return max(self._again_at, soonest or 0.0) if self._shut else soonest

    async def _round(self) -> None:
        """Send everything that is due."""
        now = _now()
        if now < self._again_at:
            return
        due = [waiting for waiting in self._waiting.values() if waiting.due <= now]
        if not due:
            self._shut = 0
            return
        self._link = link = Link(self._settings)
        try:
            for waiting in due:
                if self._closing:
                    return
                await self._handle(waiting, link)
            if self._told:
                log.info("mails_go_out")
            self._shut, self._told = 0, ""
        except NoWay as why:
            for waiting in due:
                if waiting.owed.id in self._waiting and self._is_old(waiting):
                    await self._give_up(waiting, str(why))
            raise
        finally:
            await _apart(link.close)

    async def _handle(self, waiting: _Waiting, link: Link) -> None:
        """Send one mail, unless nobody wants it any more. Raises NoWay."""
        if waiting.accepted is None:
            try:
                draft = await self._draft(waiting)
                if draft is None:
                    await self._forget(waiting)
                    return
                await _apart(lambda: link.send(draft.mail))
            except (Refused, Unwritable, OSError) as why:
                await self._refused(waiting, why)
                return
            waiting.accepted = draft
            self.done["sent"] += 1
            log.info("mail_sent", **_which(waiting.owed))
        await self._accepted(waiting, waiting.accepted)

    async def _draft(self, waiting: _Waiting) -> _Draft | None:
        """What is to be sent, as settings and message are now; None where that is nothing any more."""
        owed = waiting.owed
        message = await self._store.messages.get(owed.message_id)
        to = await self._store.extensions.get(owed.extension_id)
        if message is None or to is None or to.new_vm_notify is NewVmNotify.NO or not to.email_addr:
            return None
        mailbox, own = await self._mailbox(message, to)
        with_it = to.new_vm_notify is NewVmNotify.WITH_ATTACHMENT
        too_large = with_it and waiting.bare
        original = partial(self._audio.original, message.digest)
        try:
            recording = await asyncio.to_thread(original) if with_it and not too_large else None
            mail = about(
                message,
                to,
                mailbox=mailbox,
                sender=self._sender,
                code=self._settings.vm_code if own else None,
                recording=recording,
                too_large=too_large,
            )
        except (Unwritable, OSError):
            raise
        except Exception as fault:  # of ours: it must not hold up the others
            log.exception("mail_not_written", **_which(owed))
            raise Unwritable("it cannot be written") from fault
        return _Draft(mail, message, to.after_vm_notify if own and not too_large else AfterVmNotify.NO)

    async def _mailbox(self, message: Message, to: Extension) -> tuple[str, bool]:
        """The name of the mailbox, and whether it is one's own: what others share is not for one to clear away."""
        kind, owner = message.mailbox
        if kind is MailboxKind.EXTENSION:
            return f"{to.number} {to.name}".removesuffix(f" {to.number}"), True
        group = await self._store.vm_groups.get(owner)
        return f"{group.number} {group.name}" if group else "", False

    async def _accepted(self, waiting: _Waiting, draft: _Draft) -> None:
        """The server has it: do with the message what its owner wants. Done again where the store fails."""
        changed = await self._store.mails.settle(waiting.owed, draft.after)
        self._waiting.pop(waiting.owed.id, None)
        if changed:
            self._bus.publish(MailboxChanged(draft.message.mailbox))
        if draft.after is AfterVmNotify.DELETE:
            await self._shelf.discard(draft.message.digest)

    async def _refused(self, waiting: _Waiting, why: Exception) -> None:
        """The server, or the disk, does not want this mail."""
        if isinstance(why, Refused) and why.too_large and not waiting.bare:
            waiting.bare = True  # tried again at once; it stays due
            return
        if isinstance(why, Unwritable) or (isinstance(why, Refused) and why.for_good) or self._is_old(waiting):
            await self._give_up(waiting, str(why))
            return
        waiting.failures += 1
        waiting.due = _now() + self._pace.pause(waiting.failures)
        if waiting.failures == 1:
            log.warning("mail_put_off", reason=str(why), **_which(waiting.owed))

    async def _give_up(self, waiting: _Waiting, reason: str) -> None:
        await self._forget(waiting)
        self.done["failed"] += 1
        log.error("mail_failed", reason=reason, **_which(waiting.owed))

    async def _forget(self, waiting: _Waiting) -> None:
        await self._store.mails.settle(waiting.owed)
        self._waiting.pop(waiting.owed.id, None)

    def _is_old(self, waiting: _Waiting) -> bool:
        return waiting.accepted is None and time.time() - waiting.owed.since >= self._pace.limit

    def _no_way(self, reason: str) -> None:
        """Nothing can be sent now."""
        self._shut += 1
        self._again_at = _now() + self._pace.pause(self._shut)
        if reason != self._told and not self._closing:
            self._told = reason
            log.warning("mails_wait", waiting=self.waiting, reason=reason)


def _which(owed: OwedMail) -> dict[str, int]:
    """What a log says of a mail; not the address."""
    return {"message": owed.message_id, "extension": owed.extension_id}


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _apart(work: Callable[[], T]) -> T:
    """Do `work` in a thread that no end of the program waits for: the mail server may take minutes to say nothing."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def tell(outcome: Callable[[], None]) -> None:
        if not result.done():  # else nobody waits any more
            outcome()

    def run() -> None:
        try:
            outcome = partial(result.set_result, work())
        except Exception as error:  # it is raised where somebody waits for it
            outcome = partial(result.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell, outcome)

    threading.Thread(target=run, name="mail", daemon=True).start()
    return await result
