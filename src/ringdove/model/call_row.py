"""A call as one line of a list."""

from typing import Self

from pydantic import BaseModel, Field

from ringdove.model.story import Disposition, Party, Story


class CallRow(BaseModel):
    """A call in a list. Times are Unix seconds, durations seconds; what has not happened is null."""

    id: str
    start_time: float
    caller: Party
    dialled: str
    route: list[str] = Field(description="Where the call came to, one after the other: kind and number.")
    live: bool = Field(description="Whether the call is running.")
    disposition: Disposition | None
    answered_by: Party | None
    duration: float | None
    talk_duration: float | None
    message_duration: float | None = Field(description="Of the message that the caller left.")
    reason: str = Field(description="Why it ended as it did, in words.")

    @classmethod
    def of(cls, story: Story) -> Self:
        """Return the line for a call; durations to the millisecond."""
        talked = None
        if story.answered_at is not None and story.ended_at is not None:
            talked = round(max(0.0, story.ended_at - story.answered_at), 3)
        return cls(
            id=story.id,
            start_time=story.started_at,
            caller=story.caller,
            dialled=story.dialled,
            route=[f"{hop.kind} {hop.number}".strip() for hop in story.hops],
            live=story.ended_at is None,
            disposition=story.disposition,
            answered_by=story.answered_by,
            duration=None if story.ended_at is None else round(story.ended_at, 3),
            talk_duration=talked,
            message_duration=None if story.message is None else story.message.seconds,
            reason=story.reason,
        )
