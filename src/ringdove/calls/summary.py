"""The one line that the log gets at the end of a call."""

from typing import Any

from ringdove.model.story import LegStory, Party, Story


def summary(story: Story) -> dict[str, Any]:
    """How the call went: its outcome and, in seconds since it came, the times of its legs. What is unknown is left out.

    Of the caller's leg `progress` is our first 180, 183 or 200 and `ack` its ACK. Of the others `invite` is our INVITE,
    `trying` and `ringing` their first 100 and 18x, `ok` their 200, which gets its ACK at once, `end` their end.
    """
    return _known(
        caller=story.caller.number,
        dialled=story.dialled,
        disposition=str(story.disposition or ""),
        status=story.final_status,
        ended_by=str(story.ended_by),
        reason=story.reason,
        answered_by=story.answered_by.number if story.answered_by else None,
        progress=story.progress_at,
        answered=story.answered_at,
        ack=story.acknowledged_at,
        ended=story.ended_at,
        sip_call_id=story.sip_call_id,
        legs=[_leg(attempt.member, leg) for hop in story.hops for attempt in hop.attempts for leg in attempt.legs],
    )


def _leg(member: Party, leg: LegStory) -> dict[str, Any]:
    return _known(
        leg=leg.leg,
        number=member.number,
        result=str(leg.result),
        status=leg.status,
        invite=leg.invited_at,
        trying=leg.trying_at,
        ringing=leg.ringing_at,
        ok=leg.answered_at,
        end=leg.ended_at,
        sip_call_id=leg.sip_call_id,
    )


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}
