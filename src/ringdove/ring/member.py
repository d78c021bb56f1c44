"""What a ringing knows of one member."""

from dataclasses import dataclass, field

from .eligibility import Skip, Standing


@dataclass(slots=True)
class Member:
    """One member in one ringing; the engine writes, plans only look."""

    standing: Standing
    legs: dict[int, str] = field(default_factory=dict)
    """The legs that ring, with their bindings."""
    tried: set[str] = field(default_factory=set)
    """Bindings that rang in the window that is open."""
    declined: bool = False
    skipped: Skip | None = None
    """Why it did not ring when it was last looked at."""
    result: int = 480
    """The most telling failure: 486 busy, 603 declined, 480 the rest."""
