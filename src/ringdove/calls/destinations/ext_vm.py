"""`ext_vm`: leave a message in the mailbox of an extension."""

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.voicemail import Mailbox, MailboxKind

from ..call import Call
from ..message import Box, leave_message


async def enter(call: Call, destination: Destination) -> Destination | None:
    """Let the caller leave a message; the call is over then."""
    extension = await call.board.store.extensions.get(int(destination.value))
    if extension is None:
        return END_CALL
    mailbox = Mailbox(MailboxKind.EXTENSION, extension.id)
    with call.book.hop("ext_vm", extension.id, extension.number, extension.name) as hop:
        greeting = await call.board.sounds.greeting(mailbox, extension.vm_greeting, extension.number)
        await leave_message(call, hop, Box((mailbox,), greeting, extension.vm_greeting))
    return None
