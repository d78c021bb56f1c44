"""`ext_vm`: leave a message in the mailbox of an extension."""

from ringdove.model.destination import END_CALL, Destination

from ..call import Call
from ..message import leave_message


async def enter(call: Call, destination: Destination) -> Destination | None:
    """Let the caller leave a message; the call is over then."""
    extension = await call.board.store.extensions.get(int(destination.value))
    if extension is None:
        return END_CALL
    with call.book.hop("ext_vm", extension.id, extension.number, extension.name) as hop:
        await leave_message(call, hop, extension, [extension.mailbox])
    return None
