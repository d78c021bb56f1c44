"""Where a call can go, one file per kind. A new kind is a file beside these and one line in KINDS.

Entering a destination runs the call there to its end, or says where the call goes next.
"""

from collections.abc import Awaitable, Callable

from ringdove.model.destination import Destination
from ringdove.model.reference import DestinationKind

from ..call import Call
from . import end_call, ext_vm, extension, group_vm, play_greeting, ring_group

Enter = Callable[[Call, Destination], Awaitable[Destination | None]]

KINDS: dict[DestinationKind, Enter] = {
    DestinationKind.END_CALL: end_call.enter,
    DestinationKind.EXTENSION: extension.enter,
    DestinationKind.EXT_VM: ext_vm.enter,
    DestinationKind.GROUP_VM: group_vm.enter,
    DestinationKind.RING_GROUP: ring_group.enter,
    DestinationKind.PLAY_GREETING: play_greeting.enter,
}
"""The kinds that this build can enter."""
