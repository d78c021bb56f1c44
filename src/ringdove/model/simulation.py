"""What a call to a ring group would do at this moment."""

from pydantic import BaseModel, Field

from ringdove.model.reference import DestinationKind
from ringdove.model.story import Party
from ringdove.ring.eligibility import Skip


class SimulatedWindow(BaseModel):
    """A member that would ring in the span [start, stop), in seconds since the group began to ring."""

    member: Party
    start: float
    stop: float


class SkippedMember(BaseModel):
    """A member that would not ring, and why."""

    member: Party
    reason: Skip


class Onward(BaseModel):
    """Where the call would go on: the kind of destination, and which one; `number` and `name` are "" where it has none.

    The name of a `play_greeting` is that of its prompt.
    """

    kind: DestinationKind
    number: str = ""
    name: str = ""


class Simulation(BaseModel):
    """The plan for the present state. `onward`: where the call goes that nobody answers, at once without windows."""

    windows: list[SimulatedWindow] = Field(default_factory=list)
    skipped: list[SkippedMember] = Field(default_factory=list)
    onward: Onward = Onward(kind=DestinationKind.END_CALL)
