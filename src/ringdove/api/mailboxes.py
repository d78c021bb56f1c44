"""What the families of extensions and group voicemails have in common, as both have mailboxes."""

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel

from ringdove.api.errors import Problem
from ringdove.api.form import Fields, as_text
from ringdove.api.services import Services
from ringdove.events.types import MailboxChanged
from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.voicemail import Mailbox, MailboxKind, MessageCount


class MessageNumbers(BaseModel):
    """How many messages lie in a mailbox."""

    total: int
    unread: int

    @classmethod
    def of(cls, count: MessageCount) -> Self:
        """Return the same in the words of the interface."""
        return cls(total=count.new + count.old, unread=count.new)


async def greeting_problems(data: Fields, mailbox: Mailbox | None, services: Services) -> list[Problem]:
    """Say what is wrong about the `vm_greeting` of a request; where there is no `mailbox` yet, there is no greeting."""
    name = as_text(data.get("vm_greeting")) or FOLLOW_SYSTEM
    if name == FOLLOW_SYSTEM or (mailbox and await services.store.greetings.chosen(mailbox, name)):
        return []
    return [Problem("vm_greeting", "exist")]


def tell_members(people: Iterable[int], services: Services) -> None:
    """To members a shared mailbox is a part of their own: say that it may have changed for these extensions."""
    for extension_id in people:
        services.bus.publish(MailboxChanged(Mailbox(MailboxKind.EXTENSION, extension_id)))
