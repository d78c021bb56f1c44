"""`group_vm`: leave a message in the mailbox that a group shares, or in the mailboxes of all its members."""

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.story import HopOutcome

from ..call import Call
from ..message import leave_message


async def enter(call: Call, destination: Destination) -> Destination | None:
    """Let the caller leave a message; the call is over then. Who of a group has no room left gets none.

    Where there is nobody to get it, the call ends before anything is said in vain.
    """
    group = await call.board.store.vm_groups.get(int(destination.value))
    if group is None:
        return END_CALL
    with call.book.hop("group_vm", group.id, group.number, group.name) as hop:
        mailboxes = await call.board.store.vm_groups.mailboxes(group)
        if not mailboxes:
            hop.outcome = HopOutcome.NOBODY_ELIGIBLE
            return END_CALL
        await leave_message(call, hop, group, mailboxes)
    return None
