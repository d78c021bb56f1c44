"""One call told as data: who called, every hop, every attempt, every code, with times.

Times inside a story are seconds since the call arrived; `started_at` is Unix time in seconds.
"""

from enum import StrEnum

from pydantic import BaseModel, Field


class Disposition(StrEnum):
    """How a call is counted (design section 8)."""

    ANSWERED = "ANSWERED"
    NO_ANSWER = "NO ANSWER"
    BUSY = "BUSY"
    FAILED = "FAILED"
    VOICEMAIL = "VOICEMAIL"
    ABANDONED = "ABANDONED"


class Party(BaseModel):
    """Somebody in a call. `id` is the extension's id; None for callers from outside."""

    id: int | None = None
    number: str
    name: str = ""


class Window(BaseModel):
    """The span [start, stop) in which a member was to ring, in seconds since the group began to ring."""

    start: float
    stop: float


class LegStory(BaseModel):
    """One INVITE to one phone."""

    contact: str
    invited_at: float
    ringing_at: float | None = None
    ended_at: float | None = None
    status: int | None = None
    """The final SIP status; None while it rings."""
    result: str = ""
    """In words. It won: answered. We stopped it: answered elsewhere, no answer (its window closed), declined on another
    phone, registered anew, caller gone, call ended. It failed: busy, declined, unavailable, no response, unreachable,
    no common codec, refused."""


class Attempt(BaseModel):
    """What happened to one member in one hop: when it rang, how it ended, or why it was skipped."""

    member: Party
    windows: list[Window] = Field(default_factory=list)
    legs: list[LegStory] = Field(default_factory=list)
    skipped: str | None = None
    result: str = ""


class Hop(BaseModel):
    """One destination that the call entered."""

    kind: str
    id: str = ""
    number: str = ""
    name: str = ""
    entered_at: float
    ringing_from: float | None = None
    left_at: float | None = None
    strategy: str | None = None
    attempts: list[Attempt] = Field(default_factory=list)
    outcome: str = ""
    """answered, unanswered, nobody_online, nobody_eligible, abandoned, loop, ended"""


class Story(BaseModel):
    """The record of one call; `ended_at` is None while it runs."""

    id: str
    started_at: float
    caller: Party
    dialled: str
    hops: list[Hop] = Field(default_factory=list)
    answered_at: float | None = None
    answered_by: Party | None = None
    ended_at: float | None = None
    ended_by: str = ""
    """caller, callee or server"""
    final_status: int | None = None
    """The status that the caller's INVITE got."""
    disposition: Disposition | None = None
    reason: str = ""
    """In words: why it ended as it did."""
