"""Mailboxes as requests name them: by the number, or the id, of who has them."""

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel

from ringdove.api.errors import Problem
from ringdove.api.form import Fields, as_text
from ringdove.api.services import Services
from ringdove.events.types import MailboxChanged
from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind
from ringdove.model.voicemail import Mailbox, MailboxKind, MessageCount, VmGroup

Owner = Extension | VmGroup
"""Who has a mailbox."""


class MessageNumbers(BaseModel):
    """How many messages lie in a mailbox."""

    total: int
    unread: int

    @classmethod
    def of(cls, count: MessageCount) -> Self:
        """Return the same in the words of the interface."""
        return cls(total=count.new + count.old, unread=count.new)


async def owner_of(number: str, services: Services) -> Owner | None:
    """Return the extension or group voicemail with this number; None where it is something else, or nothing."""
    found = await services.store.numbers.find(number)
    if found is None or found.kind not in {DestinationKind.EXTENSION, DestinationKind.GROUP_VM}:
        return None
    return await by_id(MailboxKind(found.kind), found.id, services)


async def by_id(kind: MailboxKind, owner_id: int, services: Services) -> Owner | None:
    """Return the extension or group voicemail with this id."""
    if kind is MailboxKind.EXTENSION:
        return await services.store.extensions.get(owner_id)
    return await services.store.vm_groups.get(owner_id)


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
