"""An extension's own log: what each call was for the person at that extension."""

from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from ringdove.model.reference import DestinationKind
from ringdove.model.story import Attempt, Disposition, LegResult, Party, Story


class Direction(StrEnum):
    """Whether the extension was called or called somebody."""

    IN = "in"
    OUT = "out"


class LogResult(StrEnum):
    """What came of the call for this extension: for both directions, then of calls `in`, then of calls `out`."""

    ANSWERED = "answered"

    MISSED = "missed"
    """Nobody took it; voicemail is nobody."""
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    """Somebody else took it."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    """The number does not exist, the call came in a circle, an error …"""
    VOICEMAIL = "voicemail"
    """The caller could leave a message."""
    CANCELLED = "cancelled"
    """The caller gave up."""


class Line(NamedTuple):
    """How a call stands in one extension's log."""

    direction: Direction
    result: LogResult


_OUT = {
    Disposition.ANSWERED: LogResult.ANSWERED,
    Disposition.NO_ANSWER: LogResult.NO_ANSWER,
    Disposition.BUSY: LogResult.BUSY,
    Disposition.FAILED: LogResult.FAILED,
    Disposition.VOICEMAIL: LogResult.VOICEMAIL,
    Disposition.ABANDONED: LogResult.CANCELLED,
}


def lines(story: Story) -> dict[int, Line]:
    """In whose logs a call stands, and how, by extension; each has one line, the caller that of the caller.

    Nobody's while it is open how it ends: from the moment that somebody takes a call this says what it says at its end.
    """
    taken = story.answered_by is not None
    if not taken and story.ended_at is None:
        return {}
    result = LogResult.ANSWERED_ELSEWHERE if taken else LogResult.MISSED
    told = dict.fromkeys(_last_hops(story), Line(Direction.IN, result))
    if story.answered_by is not None and story.answered_by.id is not None:
        told[story.answered_by.id] = Line(Direction.IN, LogResult.ANSWERED)
    if story.caller.id is not None:
        came_to = LogResult.ANSWERED if taken else _OUT.get(story.disposition or Disposition.FAILED, LogResult.FAILED)
        told[story.caller.id] = Line(Direction.OUT, came_to)
    return told


def _last_hops(story: Story) -> dict[int, int]:
    """Who was called, with the index of the last hop that called them (ADR 0028).

    That is whoever a call to one person is for, rung or not, and the members of a group whose phones got an INVITE. In
    calls that nobody took, `enb_miss_call` of the group before speaks for those that it handed the call on to: all of
    them, or none.
    """
    called: dict[int, int] = {}
    includes: bool | None = None
    for index, hop in enumerate(story.hops):
        if includes is not False:
            alone = hop.kind == DestinationKind.EXTENSION
            for attempt in hop.attempts:
                if attempt.member.id is not None and (includes or alone or _was_called(attempt)):
                    called[attempt.member.id] = index
        includes = hop.enb_miss_call if story.answered_by is None else None
    return called


def _was_called(attempt: Attempt) -> bool:
    for leg in attempt.legs:  # noqa: SIM110 - asked of every member whenever a call is written down, so it is quick
        if leg.result is not LegResult.NO_PORT:
            return True
    return False


class LogGroup(BaseModel):
    """A ring group that a call came through, as it was named then."""

    id: int
    number: str
    name: str


class LogRow(BaseModel):
    """A call in an extension's log. Times are Unix seconds, durations seconds."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "call_id": "1795746258.958513492",
                "time": 1795746258.41,
                "direction": "in",
                "result": "answered",
                "with": {"id": 3075, "number": "2003", "name": "Carol"},
                "dialled": "6300",
                "ring_group": {"id": 1, "number": "6300", "name": "Technical Support"},
                "duration": 34.2,
                "talk_duration": 28.9,
            }
        },
    )

    call_id: str
    time: float = Field(description="When the call began.")
    direction: Direction
    result: LogResult
    with_: Party = Field(
        alias="with",
        description="`in`: the caller. `out`: who took the call; where nobody did, what was dialled. `id` is the "
        "extension's; null for everybody else.",
    )
    dialled: str = Field(description="The number that the caller dialled.")
    ring_group: LogGroup | None = Field(
        description="`in`: the last ring group on the call's way to this extension. `out`: the last one on its whole "
        "way. Null where there was none."
    )
    duration: float = Field(description="Until the call was over, or until somebody else took it.")
    talk_duration: float | None = Field(description="Null where this extension did not talk.")

    @classmethod
    def of(cls, story: Story, extension_id: int, line: Line) -> Self:
        """Return the row for a call that is over and stands as `line` in this extension's log."""
        until = story.ended_at or 0.0
        talked = None
        if line.result is LogResult.ANSWERED_ELSEWHERE:
            until = story.answered_at or until
        elif line.result is LogResult.ANSWERED and story.answered_at is not None:
            talked = round(max(0.0, until - story.answered_at), 3)
        return cls(
            call_id=story.id,
            time=story.started_at,
            direction=line.direction,
            result=line.result,
            with_=story.caller if line.direction is Direction.IN else story.answered_by or _dialled(story),
            dialled=story.dialled,
            ring_group=_ring_group(story, extension_id, line),
            duration=round(until, 3),
            talk_duration=talked,
        )


def _dialled(story: Story) -> Party:
    """What was dialled, named where that is known."""
    first = story.hops[0] if story.hops else None
    if first is None or first.number != story.dialled:
        return Party(number=story.dialled)
    id_ = int(first.id) if first.kind == DestinationKind.EXTENSION else None
    return Party(id=id_, number=first.number, name=first.name)


def _ring_group(story: Story, extension_id: int, line: Line) -> LogGroup | None:
    end = len(story.hops)
    if line.direction is Direction.IN:
        end = _last_hops(story).get(extension_id, end) + 1
    for hop in reversed(story.hops[:end]):
        if hop.kind == DestinationKind.RING_GROUP and hop.number:
            return LogGroup(id=int(hop.id), number=hop.number, name=hop.name)
    return None
