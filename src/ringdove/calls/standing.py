"""What is known of a member at this moment, in the words of the ring rules (R1)."""

from typing import TYPE_CHECKING

from ringdove.model.extension import Extension, Presence
from ringdove.ring.eligibility import Standing

if TYPE_CHECKING:
    from .board import Board


def standing_of(board: "Board", extension: Extension, caller_id: int | None) -> Standing:
    """Bindings from the registrar, busy from our own calls, the rest from the extension's settings."""
    return Standing(
        bindings=tuple(binding.key for binding in board.bindings(extension.id)),
        enabled=extension.enabled,
        dnd=extension.presence_status is Presence.DO_NOT_DISTURB,
        busy=extension.id in board.busy,
        call_waiting=extension.enb_call_waiting,
        is_caller=extension.id == caller_id,
    )
