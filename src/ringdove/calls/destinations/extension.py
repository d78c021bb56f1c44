"""`extension`: ring every phone of one person; nobody answering ends the call."""

from ringdove.model.destination import END_CALL, Destination
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
        )
        result = await ring(call, hop, person)
        if not isinstance(result, Finish):
            await call.connect(result)
            return None
        call.verdict = result.status
        return None if result.outcome is Outcome.ABANDONED else END_CALL
