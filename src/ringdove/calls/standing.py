"""What is known of a member at this moment, in the words of the ring rules (R1)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension, Presence
from ringdove.ring.eligibility import Standing

if TYPE_CHECKING:
    from .board import Board


def standing_of(
    board: "Board", extension: Extension, bindings: Iterable[StoredBinding], caller_id: int | None
) -> Standing:
    """Bindings are from the registrar, busy from our own calls, the rest from the extension's settings."""
    calls = board.busy.calls(extension.id)
    return Standing(
        bindings=tuple([binding.key for binding in bindings]),
        enabled=extension.enabled,
        dnd=extension.presence_status is Presence.DO_NOT_DISTURB,
        busy=calls > 0,
        call_waiting=extension.enb_call_waiting and calls < board.settings.max_calls_per_extension,
        is_caller=extension.id == caller_id,
    )
