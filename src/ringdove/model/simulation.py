"""What a call to a ring group would do at this moment."""

from pydantic import BaseModel, Field

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


class Simulation(BaseModel):
    """The plan for the present state."""

    windows: list[SimulatedWindow] = Field(default_factory=list)
    skipped: list[SkippedMember] = Field(default_factory=list)
