"""Message waiting: the event package `message-summary` (RFC 3842)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ringdove.events.types import MailboxChanged
from ringdove.model.extension import Extension
from ringdove.model.voicemail import Mailbox, MailboxKind, MessageCount
from ringdove.sip.uri import Uri
from ringdove.store import Store

from .package import State, Topic


class MessageSummary:
    """How many messages wait in a mailbox.

    That of an extension is shown with the mailboxes that it shares, in one sum, as a phone has one lamp; a shared one
    can be watched alone under its group's number. `code` is what is dialled to listen to one's own.
    """

    event: Final = "message-summary"
    content_type: Final = "application/simple-message-summary"
    news: Final = (MailboxChanged,)

    def __init__(self, store: Store, code: str) -> None:
        self._store = store
        self._code = code

    async def touched(self, event: Any) -> Sequence[Topic]:
        """See `Package`: that of the mailbox; where it is shared, those of its members too."""
        mailbox: Mailbox = event.mailbox
        if mailbox.kind is MailboxKind.EXTENSION:
            return [_topic(mailbox)]
        members = await self._store.vm_groups.people(mailbox.id)
        return [_topic(mailbox), *(_topic(Mailbox(MailboxKind.EXTENSION, member)) for member in members)]

    async def topic(self, watcher: Extension, user: str) -> Topic | None:
        """See `Package`: one's own, by number, code or no user at all; or one that is shared, by its number."""
        if user in ("", watcher.number, watcher.reg_name, self._code):
            return self.own(watcher.id)
        shared = await self._store.vm_groups.of_member(watcher.id)
        return next((_topic(group.mailbox) for group in shared if group.number == user), None)

    async def state(self, topic: Topic) -> MessageCount:
        """See `Package`."""
        mailbox = topic.what
        assert isinstance(mailbox, Mailbox)  # noqa: S101 - all topics of this package are
        mailboxes = [mailbox]
        if mailbox.kind is MailboxKind.EXTENSION:
            mailboxes += [group.mailbox for group in await self._store.vm_groups.of_member(mailbox.id)]
        counts = (await self._store.messages.counts(mailboxes)).values()
        return MessageCount(sum(count.new for count in counts), sum(count.old for count in counts))

    def body(self, state: State, here: Uri) -> bytes:
        """See `Package`: RFC 3842 §5.2. Message-Account is what a phone dials when its message key is pressed."""
        assert isinstance(state, MessageCount)  # noqa: S101 - it is what `state` gave
        lines = [
            f"Messages-Waiting: {'yes' if state.new else 'no'}",
            f"Message-Account: {replace(here, user=self._code)}",
            f"Voice-Message: {state.new}/{state.old} (0/0)",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def own(self, extension_id: int) -> Topic:
        """See `Package`: the lamp of a phone that only registers is that of its extension's mailbox."""
        return _topic(Mailbox(MailboxKind.EXTENSION, extension_id))

    def audience(self, topic: Topic) -> int | None:
        """See `Package`."""
        mailbox = topic.what
        return mailbox.id if isinstance(mailbox, Mailbox) and mailbox.kind is MailboxKind.EXTENSION else None

    def is_worth_telling(self, state: State) -> bool:
        """See `Package`: a phone that was switched on shows no messages anyhow."""
        return state != MessageCount(0, 0)


def _topic(mailbox: Mailbox) -> Topic:
    return Topic(MessageSummary.event, mailbox)
