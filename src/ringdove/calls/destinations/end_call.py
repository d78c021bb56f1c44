"""`end_call`: hang up, with the code that the way here earned."""

from ringdove.model.destination import Destination
from ringdove.model.story import HopOutcome

from ..call import Call


async def enter(call: Call, destination: Destination) -> None:
    """Refuse the caller with the status of the last attempt (outcome table of the design)."""
    with call.book.hop("end_call", outcome=HopOutcome.ENDED):
        call.refuse(call.verdict)
