"""Holds the record of a call against what was seen on the wire: who was called, when, and how it ended."""

import itertools
from collections.abc import Sequence

from ringdove.model.story import Attempt, Disposition, HopOutcome, LegResult, Story
from ringdove.model.story import Hop as StoryHop
from ringdove.ring.engine import Why
from ringdove.ring.plan import members

from .legs import Leg, Ringing

ROUNDING = 0.0006
"""Seconds by which a time of the story may be off."""

STOPPED = {
    Why.ELSEWHERE: LegResult.ANSWERED_ELSEWHERE,
    Why.WINDOW_CLOSED: LegResult.NO_ANSWER,
    Why.DECLINED: LegResult.DECLINED_ELSEWHERE,
    Why.REGISTERED_ANEW: LegResult.REGISTERED_ANEW,
    Why.REMOVED: LegResult.REMOVED,
    Why.CALLER_GONE: LegResult.CALLER_GONE,
}
FAILED = {
    301: LegResult.DIVERTED,
    302: LegResult.DIVERTED,
    408: LegResult.NO_RESPONSE,
    480: LegResult.UNAVAILABLE,
    486: LegResult.BUSY,
    488: LegResult.NO_CODEC,
    503: LegResult.UNREACHABLE,
    600: LegResult.BUSY,
    603: LegResult.DECLINED,
    607: LegResult.DECLINED,
    608: LegResult.DECLINED,
}

Way = list[tuple[str, int, HopOutcome | None]]
"""Kind and id of each place that a call came to, and how it ended there."""


def check(story: Story, final: int | None, way: Way, rings: Sequence[Ringing], *, came: float, gone: bool) -> None:
    """A call that `came` then and went this `way`, whose caller got `final`, unless it was `gone` before.

    Raises AssertionError.
    """
    assert story.final_status == final
    told = [(hop.kind, int(hop.id or 0), hop.outcome) for hop in story.hops]
    # A caller that leaves while a destination is looked up has entered nothing, or nothing that rang.
    assert told == way or (gone and told[: len(way)] == way), (told, way)
    assert story.disposition is _disposition(final, gone=gone), story.disposition
    assert story.ended_at is not None
    zero = _zero(story, rings, came)
    rang = [hop for hop in story.hops if hop.ringing_from is not None]
    for hop, ringing in itertools.zip_longest(rang, rings):
        assert hop is not None, "the story tells less than was rung"
        assert ringing is not None, "the story tells of more than was rung"
        _near(hop.ringing_from, ringing.began.at - zero, "the hop begins")
        _check_hop(hop, ringing, zero)
    winners = [a.member.id for hop in story.hops for a in hop.attempts if a.result is LegResult.ANSWERED]
    assert winners == ([story.answered_by.id] if story.answered_by is not None else [])


def _zero(story: Story, rings: Sequence[Ringing], came: float) -> float:
    """When the call came: with the INVITE that was not turned away."""
    rang = [hop for hop in story.hops if hop.ringing_from is not None]
    if not rang:
        return came
    exact = rings[0].began.at - (rang[0].ringing_from or 0.0)
    return exact if abs(exact - came) > ROUNDING else came


def _disposition(final: int | None, *, gone: bool) -> Disposition:
    if final == 200:
        return Disposition.ANSWERED
    if gone:
        return Disposition.ABANDONED
    if final in (486, 600):
        return Disposition.BUSY
    return Disposition.NO_ANSWER if final in (408, 480, 603) else Disposition.FAILED


def _check_hop(hop: StoryHop, ringing: Ringing, zero: float) -> None:
    order = members(ringing.began.entries)
    assert [attempt.member.id for attempt in hop.attempts] == order, "R3"
    for attempt in hop.attempts:
        own = [leg for leg in ringing.legs if leg.member == attempt.member.id and leg.invited is not None]
        assert attempt.skipped == ringing.skipped.get(attempt.member.id or 0), attempt
        _check_attempt(attempt, own, zero)


def _check_attempt(attempt: Attempt, own: list[Leg], zero: float) -> None:
    assert len(attempt.legs) == len(own), attempt
    left = list(attempt.legs)
    for leg in own:
        assert leg.invited is not None
        invited = leg.invited - zero
        line = next((x for x in left if x.contact == leg.binding and abs(x.invited_at - invited) < 2 * ROUNDING), None)
        assert line is not None, f"the story knows nothing of {leg}"
        left.remove(line)
        assert (line.ringing_at is None) == (leg.rang is None), (line, leg)
        if leg.rang is not None:
            _near(line.ringing_at, leg.rang - zero, "it rings")
        result, status, ended = _fate(leg)
        assert line.result == result, (line, leg)
        _near(line.ended_at, ended - zero, "it ends")
        assert line.status in ((status,) if leg.stopped is None else (None, status)), (line, leg)


def _fate(leg: Leg) -> tuple[LegResult, int | None, float]:
    if leg.why is not None and leg.stopped is not None:
        return STOPPED[leg.why], leg.status, leg.stopped
    assert leg.over is not None
    assert leg.status is not None
    if leg.won:
        return LegResult.ANSWERED, 200, leg.over
    status = 488 if leg.status == 200 else leg.status
    return FAILED.get(status, LegResult.REFUSED), status, leg.over


def _near(told: float | None, true: float, what: str) -> None:
    assert told is not None, f"{what} at {true}, the story says nothing"
    assert abs(told - true) < 2 * ROUNDING, f"{what} at {true}, the story says {told}"
