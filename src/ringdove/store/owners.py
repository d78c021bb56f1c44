"""Who has a mailbox: extensions and group voicemails, found by mailbox or by number."""

from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind
from ringdove.model.voicemail import Mailbox, MailboxKind, VmGroup
from ringdove.store.extensions import Extensions
from ringdove.store.numbers import Numbers
from ringdove.store.vm_groups import VmGroups

Owner = Extension | VmGroup
"""Who has a mailbox."""


class Owners:
    """Finds them, from memory where they were asked for before."""

    def __init__(self, numbers: Numbers, extensions: Extensions, vm_groups: VmGroups) -> None:
        self._numbers = numbers
        self._extensions = extensions
        self._vm_groups = vm_groups

    async def get(self, mailbox: Mailbox) -> Owner | None:
        """Return the extension or group voicemail that has this mailbox."""
        if mailbox.kind is MailboxKind.EXTENSION:
            return await self._extensions.get(mailbox.id)
        return await self._vm_groups.get(mailbox.id)

    async def find(self, number: str) -> Owner | None:
        """Return the extension or group voicemail with this number; None where it is something else, or nothing."""
        found = await self._numbers.find(number)
        if found is None or found.kind not in {DestinationKind.EXTENSION, DestinationKind.GROUP_VM}:
            return None
        return await self.get(Mailbox(MailboxKind(found.kind), found.id))
