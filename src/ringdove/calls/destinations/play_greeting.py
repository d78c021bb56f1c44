"""`play_greeting`: let the caller hear a prompt so many times, then hang up."""

from ringdove.model.destination import Destination
from ringdove.model.story import HopOutcome

from ..call import Call
from ..hearing import hear_out


async def enter(call: Call, destination: Destination) -> None:
    """Play the prompt `prefix` times, 0 for not at all (ADR 0023), and end with the status of the last attempt.

    It is heard before an answer where prompts are (ADR 0011), so the end is a final response, or a BYE where the
    caller has a 200 already. A prompt that was deleted meanwhile is not waited for.
    """
    times = int(destination.prefix or "1")
    file = destination.value
    with call.book.hop("play_greeting", file, name=file, outcome=HopOutcome.ENDED) as hop:
        tune = await call.board.sounds.find(file)
        if tune is not None and times:
            item = await call.player.announce(tune, times)
            if not await hear_out(call, item, tune, times):
                hop.outcome = HopOutcome.ABANDONED
        call.refuse(call.verdict)
