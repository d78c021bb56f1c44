"""Feature codes: what is dialled to reach the server itself instead of somebody, by the settings."""

from collections.abc import Awaitable, Callable

from ringdove.model.destination import Destination
from ringdove.model.reference import DestinationKind
from ringdove.settings import Settings

from . import mailbox
from .call import Call

Feature = Callable[[Call], Awaitable[Destination | None]]
"""Does what a code is for; returns where the call goes on, None where it is over."""

_TAKES_MESSAGES = {
    DestinationKind.EXTENSION: DestinationKind.EXT_VM,
    DestinationKind.GROUP_VM: DestinationKind.GROUP_VM,
}
"""What has a mailbox, and the destination that leaves something there."""


def find(dialled: str, settings: Settings) -> Feature | None:
    """The feature that was dialled; None where it is a number like any other."""
    if dialled == settings.vm_code:
        return mailbox.of_caller
    if dialled == settings.vm_main_code:
        return mailbox.of_anybody
    if dialled.startswith(settings.vm_to_code):
        return _leave_message
    return None


async def _leave_message(call: Call) -> Destination | None:
    """To the voicemail of the number behind the code, without ringing anybody."""
    number = call.book.story.dialled.removeprefix(call.board.settings.vm_to_code)
    found = await call.board.store.numbers.find(number)
    kind = _TAKES_MESSAGES.get(found.kind) if found is not None else None
    if found is None or kind is None:
        call.refuse(404, "nobody with a mailbox has this number")
        return None
    return Destination(kind=kind, value=str(found.id))
