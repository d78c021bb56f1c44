"""Whether all went as described: each check says what was to happen, and what the phones and the record saw."""

from collections.abc import Iterator, Sequence

from ringdove.model.call_log import LogResult
from ringdove.model.simulation import Simulation
from ringdove.model.story import Disposition, HopOutcome

from . import listening
from .check import TOGETHER, Check, near
from .data import first_name
from .incoming import DECLINED, IncomingLine
from .line import Ending, Line
from .scenes import ALICE, BOB, CAROL, FRIDA, STEP_SECONDS, UNANSWERED_SECONDS
from .stage import Performance

_ELSEWHERE = "Call completed elsewhere"


def all_at_once(played: Performance) -> Iterator[Check]:
    """ring_all, answered by Bob, who puts the caller on hold."""
    prompt, music = listening.prompt_and_music(played, BOB)
    yield prompt
    yield _rang_together(played)
    yield music
    yield _answered(played, BOB, told=(ALICE, CAROL))
    yield listening.talk(played, BOB)
    yield listening.hold(played, BOB)
    yield _record(played, BOB)


def after_a_delay(played: Performance, delay: float) -> Iterator[Check]:
    """custom: nobody rings before the delay; declined by Alice, answered by Carol."""
    prompt, music = listening.prompt_and_music(played, CAROL)
    yield prompt
    waited = [ring.began_at - listening.prompt_over(played) for ring in played.rings]
    yield Check(
        f"{played.scene.number}: nobody rang for {delay:g} s after the prompt",
        bool(waited) and near([min(waited)], [delay]),
        f"first INVITE {min(waited):.2f} s after it" if waited else "nobody was rung",
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
    yield music
    yield _answered(played, CAROL, told=(BOB,))
    yield listening.talk(played, CAROL)
    yield _record(played, CAROL)


def nobody_answers(played: Performance, foretold: Simulation) -> Iterator[Check]:
    """memory_hunt as `ringgroup/simulate` foretold it, then on to Frida."""
    number, origin = played.scene.number, played.call.began_at
    windows = foretold.windows
    rings = {w.member.number: played.ring_of(w.member.number) for w in windows}
    began = [ring.began_at - origin for ring in rings.values() if ring is not None]
    yield Check(
        f"{number}: one more rang every {STEP_SECONDS} s, as foretold",
        [w.start for w in windows] == [0, STEP_SECONDS, 2 * STEP_SECONDS] and near(began, [w.start for w in windows]),
        f"INVITEs after {_times(began)}",
    )
    stopped = [r for r in rings.values() if r is not None and r.ending is Ending.CANCELLED]
    ended = [ring.over_at - origin for ring in stopped if ring.over_at is not None]
    yield Check(
        f"{number}: all stopped after {len(windows) * STEP_SECONDS} s, with no Reason",
        near(ended, [w.stop for w in windows]) and not any(ring.reason for ring in stopped),
        f"CANCELs after {_times(ended)}; {next((r.reason for r in stopped if r.reason), 'no Reason')}",
    )
    frida = played.ring_of(FRIDA)
    way = [hop.kind for hop in played.story.hops]
    yield Check(
        f"{number}: not answered, so on to Frida",
        way == ["ring_group", "extension"] and frida is not None and frida.answered_at is not None,
        f"{' → '.join(way)}; Frida: {_end_of(frida)}",
    )
    yield listening.only_ringing(played, FRIDA)
    yield listening.talk(played, FRIDA)
    yield _record(played, FRIDA)


def after_hours(played: Performance) -> Iterator[Check]:
    """Carol does not answer, the caller leaves her a message, and she learns of it."""
    number, origin, mail = played.scene.number, played.call.began_at, played.mail
    ring, way = played.ring_of(CAROL), [hop.kind for hop in played.story.hops]
    ended = [] if ring is None or ring.over_at is None else [ring.over_at - origin]
    yield Check(
        f"{number}: not answered for {UNANSWERED_SECONDS} s, so on to Carol's voicemail",
        way == ["ring_group", "ext_vm"]
        and ring is not None
        and ring.ending is Ending.CANCELLED
        and near(ended, [UNANSWERED_SECONDS]),
        f"{' → '.join(way)}; Carol: {_end_of(ring)} after {_times(ended)}",
    )
    yield listening.greeting_and_tone(played)
    yield listening.message(played)
    lamp = mail.lamp if mail is not None else None
    yield Check(
        f"{number}: Carol's phone shows that a message waits",
        lamp is not None and lamp.lit and (lamp.new, lamp.old) == (1, 0),
        f"NOTIFY {lamp}" if lamp is not None else "no NOTIFY",
    )
    row = mail.logged if mail is not None else None
    group = row.ring_group.name if row is not None and row.ring_group is not None else "no group"
    yield Check(
        f"{number}: in Carol's log as missed, by way of {played.scene.request['name']}",
        row is not None and row.result is LogResult.MISSED and group == played.scene.request["name"],
        f"{row.result}, by way of {group}" if row is not None else "not there",
    )
    outcome = played.story.hops[-1].outcome if played.story.hops else ""
    yield Check(
        f"{number}: on record as voicemail, a message left",
        played.story.disposition is Disposition.VOICEMAIL
        and outcome is HopOutcome.MESSAGE_LEFT
        and played.story.ended_by == "caller",
        f"{played.story.disposition or 'still running'}, {outcome.replace('_', ' ') or 'nothing left'}, "
        f"ended by {played.story.ended_by or 'nobody'}",
    )


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
    names = [first_name(number) for number in told]
    ends: dict[str, list[str]] = {}
    for name, ring in zip(names, lost, strict=True):
        ends.setdefault(_end_of(ring), []).append(name)
    if won is None or won.answered_at is None:
        ends.setdefault(_end_of(won), []).append(first_name(winner))
    return Check(
        f"{played.scene.number}: {first_name(winner)} answered, {' and '.join(names)} learned so",
        [ring for ring in played.rings if ring.answered_at is not None] == [won]
        and all(r is not None and r.ending is Ending.CANCELLED and _ELSEWHERE in r.reason for r in lost),
        "; ".join(f"{', '.join(who)}: {end}" for end, who in ends.items()),
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


def _number(ring: IncomingLine) -> str:
    return ring.phone.account.number


def _times(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values) + " s" if values else "no time at all"
