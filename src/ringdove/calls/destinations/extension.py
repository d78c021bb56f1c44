"""`extension`: ring every phone of one person; nobody answering leads to its voicemail, or ends the call."""

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind
from ringdove.model.ring_group import RosterEntry
from ringdove.ring.engine import Finish, Outcome
from ringdove.ring.plan import Strategy

from ..call import Call
from ..ringing import Ringable, ring


async def enter(call: Call, destination: Destination) -> Destination | None:
    """Ring the extension for its `ring_timeout`; a group of one that ends as a group does."""
    extension = await call.board.store.extensions.get(int(destination.value))
    if extension is None:
        return END_CALL
    with call.book.hop("extension", extension.id, extension.number, extension.name) as hop:
        person = Ringable(
            strategy=Strategy.RING_ALL,
            ring_timeout=extension.ring_timeout,
            roster=[RosterEntry(members=(extension,))],
            may_divert=True,
        )
        result = await ring(call, hop, person)
        if not isinstance(result, Finish):
            await call.connect(result)
            return None
        call.verdict = result.status
        return None if result.outcome is Outcome.ABANDONED else _onward(extension)


def _onward(extension: Extension) -> Destination:
    """Its own voicemail, where it wants that; nobody could listen to it while the extension is disabled."""
    if extension.enb_vm and extension.enabled:
        return Destination(kind=DestinationKind.EXT_VM, value=str(extension.id))
    return END_CALL
