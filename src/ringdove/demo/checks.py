"""Whether all went as described: each check says what was to happen, and what the phones and the record saw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ringdove.model.simulation import Simulation
from ringdove.model.story import Disposition

from .audio import PACKET_SECONDS
from .data import PEOPLE
from .incoming import DECLINED, IncomingLine
from .line import Ending, Line
from .scenes import ALICE, BOB, CAROL, FRIDA, STEP_SECONDS
from .stage import Performance

TOGETHER: Final = 0.05
"""Seconds within which phones that ring together get their INVITEs."""
ON_TIME: Final = 0.25
"""Seconds that a planned moment may be off: 0.05 is the rule (R11), the rest is for a busy machine."""
MOST: Final = 0.9
"""The share of a talk's packets that has to be heard: the last are on the way when the other side hangs up."""

_ELSEWHERE = "Call completed elsewhere"


@dataclass(frozen=True, slots=True)
class Check:
    """`rule` is what was to happen, `seen` is what did."""

    rule: str
    holds: bool
    seen: str


def all_at_once(played: Performance) -> Iterator[Check]:
    """ring_all, answered by Bob."""
    yield _rang_together(played)
    yield _answered(played, BOB, told=(ALICE, CAROL))
    yield _audio(played, BOB)
    yield _record(played, BOB)


def after_a_delay(played: Performance, delay: float) -> Iterator[Check]:
    """custom: nobody rings before the delay; declined by Alice, answered by Carol."""
    waited = [ring.began_at - played.call.began_at for ring in played.rings]
    yield Check(
        f"{played.scene.number}: still for {delay:g} s, then rang",
        bool(waited) and abs(min(waited) - delay) < ON_TIME,
        f"first INVITE after {min(waited):.2f} s" if waited else "nobody was rung",
    )
    yield _rang_together(played)
    alice, carol = played.ring_of(ALICE), played.ring_of(CAROL)
    yield Check(
        f"{played.scene.number}: Alice declined, the others rang on",
        alice is not None
        and alice.status == DECLINED
        and alice.over_at is not None
        and carol is not None
        and (carol.over_at is None or carol.over_at > alice.over_at),
        f"Alice: {_end_of(alice)}; Carol: {_end_of(carol)}",
    )
    yield _answered(played, CAROL, told=(BOB,))
    yield _audio(played, CAROL)
    yield _record(played, CAROL)


def nobody_answers(played: Performance, foretold: Simulation) -> Iterator[Check]:
    """memory_hunt as `ringgroup/simulate` foretold it, then on to Frida."""
    number, origin = played.scene.number, played.call.began_at
    windows = foretold.windows
    rings = {w.member.number: played.ring_of(w.member.number) for w in windows}
    began = [ring.began_at - origin for ring in rings.values() if ring is not None]
    yield Check(
        f"{number}: one more rang every {STEP_SECONDS} s, as foretold",
        [w.start for w in windows] == [0, STEP_SECONDS, 2 * STEP_SECONDS] and _near(began, [w.start for w in windows]),
        f"INVITEs after {_times(began)}",
    )
    stopped = [r for r in rings.values() if r is not None and r.ending is Ending.CANCELLED]
    ended = [ring.over_at - origin for ring in stopped if ring.over_at is not None]
    yield Check(
        f"{number}: all stopped after {len(windows) * STEP_SECONDS} s, with no Reason",
        _near(ended, [w.stop for w in windows]) and not any(ring.reason for ring in stopped),
        f"CANCELs after {_times(ended)}; {next((r.reason for r in stopped if r.reason), 'no Reason')}",
    )
    frida = played.ring_of(FRIDA)
    way = [hop.kind for hop in played.story.hops]
    yield Check(
        f"{number}: not answered, so on to Frida",
        way == ["ring_group", "extension"] and frida is not None and frida.answered_at is not None,
        f"{' → '.join(way)}; Frida: {_end_of(frida)}",
    )
    yield _audio(played, FRIDA)
    yield _record(played, FRIDA)


def _rang_together(played: Performance) -> Check:
    began = sorted(ring.began_at for ring in played.rings)
    spread = began[-1] - began[0] if began else 0.0
    return Check(
        f"{played.scene.number}: Alice, Bob and Carol rang together",
        sorted(_number(ring) for ring in played.rings) == [ALICE, BOB, CAROL] and spread < TOGETHER,
        f"{len(began)} INVITEs" + (f", first to last {spread * 1000:.1f} ms" if len(began) > 1 else ""),
    )


def _answered(played: Performance, winner: str, told: tuple[str, ...]) -> Check:
    """One winner, and every other phone that rang to the end knows that somebody took the call (R4, R5)."""
    won, lost = played.ring_of(winner), [played.ring_of(number) for number in told]
    names = [_first_name(number) for number in told]
    ends: dict[str, list[str]] = {}
    for name, ring in zip(names, lost, strict=True):
        ends.setdefault(_end_of(ring), []).append(name)
    if won is None or won.answered_at is None:
        ends.setdefault(_end_of(won), []).append(_first_name(winner))
    return Check(
        f"{played.scene.number}: {_first_name(winner)} answered, {' and '.join(names)} learned so",
        [ring for ring in played.rings if ring.answered_at is not None] == [won]
        and all(r is not None and r.ending is Ending.CANCELLED and _ELSEWHERE in r.reason for r in lost),
        "; ".join(f"{', '.join(who)}: {end}" for end, who in ends.items()),
    )


def _audio(played: Performance, winner: str) -> Check:
    """Each heard what the other one said, and nobody else."""
    caller, callee, ring = _first_name(played.scene.caller), _first_name(winner), played.ring_of(winner)
    rule = f"{played.scene.number}: {caller} and {callee} heard each other"
    if ring is None or ring.answered_at is None:
        return Check(rule, False, "they were never connected")
    a, b = played.call.audio, ring.audio
    wanted = MOST * played.scene.talk / PACKET_SECONDS
    strangers = a.heard.total() + b.heard.total() - a.heard[b.ssrc] - b.heard[a.ssrc]
    return Check(
        rule,
        min(a.heard[b.ssrc], b.heard[a.ssrc]) >= wanted and not strangers,
        f"{caller} {a.heard[b.ssrc]} of {b.sent} packets, {callee} {b.heard[a.ssrc]} of {a.sent}"
        + (f"; {strangers} from others" if strangers else ""),
    )


def _record(played: Performance, winner: str) -> Check:
    story = played.story
    by = story.answered_by.number if story.answered_by is not None else "nobody"
    return Check(
        f"{played.scene.number}: on record as answered by {winner}",
        story.disposition is Disposition.ANSWERED and by == winner and story.ended_by == "caller",
        f"{story.disposition or 'still running'} by {by}, ended by {story.ended_by or 'nobody'}",
    )


def _end_of(line: Line | None) -> str:
    """How a call ended, in a few words."""
    if line is None:
        return "did not ring"
    if line.answered_at is not None:
        return "answered"
    match line.ending:
        case Ending.CANCELLED:
            return f"CANCEL “{_ELSEWHERE}”" if _ELSEWHERE in line.reason else f"CANCEL, {line.reason or 'no Reason'}"
        case Ending.REFUSED:
            return f"declined with {line.status}"
        case None:
            return "still rings"
    return str(line.ending)


def _first_name(number: str) -> str:
    return next(first for known, first, _ in PEOPLE.values() if known == number)


def _number(ring: IncomingLine) -> str:
    return ring.phone.account.number


def _near(seen: Sequence[float], planned: Sequence[float]) -> bool:
    """Whether each happened, when it was planned to."""
    return len(seen) == len(planned) and all(abs(a - b) < ON_TIME for a, b in zip(seen, planned, strict=True))


def _times(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values) + " s" if values else "no time at all"
