"""Who may ring (R1): one pure function over what is known of a member."""

from enum import StrEnum
from typing import NamedTuple


class Skip(StrEnum):
    """Why a member is not rung; the story uses these words."""

    CALLER = "caller"
    DISABLED = "disabled"
    OFFLINE = "offline"
    DND = "dnd"
    BUSY = "busy"
    TOO_MANY_LEGS = "too_many_legs"
    """It might ring, but the call has rung as many phones as one call may."""


class Standing(NamedTuple):
    """What is known of a member at one moment. `bindings` are the keys of its live bindings."""

    bindings: tuple[str, ...] = ()
    enabled: bool = True
    dnd: bool = False
    busy: bool = False
    call_waiting: bool = True
    is_caller: bool = False


def skip_reason(standing: Standing) -> Skip | None:
    """None for a member that may ring, else the first reason that holds."""
    if standing.is_caller:
        return Skip.CALLER
    if not standing.enabled:
        return Skip.DISABLED
    if not standing.bindings:
        return Skip.OFFLINE
    if standing.dnd:
        return Skip.DND
    if standing.busy and not standing.call_waiting:
        return Skip.BUSY
    return None
