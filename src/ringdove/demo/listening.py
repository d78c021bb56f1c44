"""Whether everybody heard what they were to hear: told from the packets that reached the phones, not by the server."""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from ringdove.media.codecs import FRAME_SECONDS
from ringdove.media.sounds import DEMO_GREETING

from .check import MOST, Check, near
from .data import first_name
from .hearing import GAP, Passage, longest_gap
from .mailbox import spoken
from .repertoire import TONE
from .stage import Performance


def prompt_and_music(played: Performance, winner: str) -> Iterator[Check]:
    """The join prompt once and whole, and nobody rings before; then music without a gap until somebody answers."""
    number, caller, origin = played.scene.number, first_name(played.scene.caller), played.call.began_at
    prompt, music = played.scene.request["join_prompt"], played.scene.request["welcome_prompt"]
    answered = _answered_at(played, winner)
    before = _before(played, answered)
    first, rest = next(iter(before), None), before[1:]
    rang = min((ring.began_at for ring in played.rings), default=math.inf)
    yield Check(
        f"{number}: {caller} heard all of {prompt}, then it rang",
        first is not None
        and first.complete
        and first.packets >= MOST * len(first.sound.frames)
        and [passage.sound.name for passage in played.heard[played.call]].count(prompt) == 1
        and first.sound.name == prompt
        and first.stop - FRAME_SECONDS <= rang < math.inf,
        f"{_told([first] if first else [], origin)}; first INVITE after {_after(rang, origin)}",
    )
    gap = longest_gap(packet for packet in played.call.audio.heard if packet.at < answered)
    yield Check(
        f"{number}: then {music}, gapless, until {first_name(winner)}'s 200",
        {passage.sound.name for passage in rest} == {music} and gap <= GAP and near([rest[-1].stop], [answered]),
        f"{_told(rest, origin)}, longest gap {gap * 1000:.0f} ms; answered after {_after(answered, origin)}",
    )


def prompt_over(played: Performance) -> float:
    """When the caller had heard the join prompt to its end, by `time.monotonic()`; if it did not, when it called."""
    prompt = played.scene.request["join_prompt"]
    ends = (passage.stop for passage in played.heard[played.call] if passage.sound.name == prompt)
    return next(ends, played.call.began_at)


def only_ringing(played: Performance, winner: str) -> Check:
    """Where no prompt is set, nothing is heard until somebody answers."""
    origin, answered = played.call.began_at, _answered_at(played, winner)
    before = _before(played, answered)
    return Check(
        f"{played.scene.number}: nothing but ringing until {first_name(winner)} answered",
        not before and answered < math.inf,
        f"{_told(before, origin)}; answered after {_after(answered, origin)}",
    )


def talk(played: Performance, winner: str) -> Check:
    """Those who were connected heard each other and, but for music on hold, nobody else; the others heard nothing."""
    caller, callee, ring = first_name(played.scene.caller), first_name(winner), played.ring_of(winner)
    rule = f"{played.scene.number}: {caller} and {callee} heard each other only"
    if ring is None or ring.answered_at is None or played.call.answered_at is None:
        return Check(rule, False, "they were never connected")
    music = played.scene.request["moh"] if played.scene.hold else None
    by_caller = [p for p in _after_the_answer(played, winner) if p.sound.name != music]
    by_callee = played.heard[ring]
    counts = _packets(by_caller, callee), _packets(by_callee, caller)
    strays = sum(passage.packets for line in played.heard for passage in played.heard[line] if line is not played.call)
    strays += sum(passage.packets for passage in by_caller) - sum(counts)
    return Check(
        rule,
        min(counts) >= MOST * played.scene.talk / FRAME_SECONDS and not strays,
        f"{caller} {counts[0]} packets, {callee} {counts[1]}" + (f"; {strays} went astray" if strays else ""),
    )


def hold(played: Performance, winner: str) -> Check:
    """Music for the side that is held, nothing for the one that holds, and afterwards the talk goes on."""
    caller, callee, ring = first_name(played.scene.caller), first_name(winner), played.ring_of(winner)
    music, origin = played.scene.request["moh"], played.call.began_at
    rule = f"{played.scene.number}: while {callee} held, {caller} alone heard music"
    if ring is None or ring.held_at is None or ring.resumed_at is None:
        return Check(rule, False, "nobody was put on hold")
    by_caller, by_callee = _after_the_answer(played, winner), played.heard[ring]
    played_music = [passage for passage in by_caller if passage.sound.name == music]
    silence = max(pairwise(by_callee), key=lambda two: two[1].start - two[0].stop, default=None)
    moments = ring.held_at, ring.resumed_at
    return Check(
        rule,
        [name for name, _ in groupby(passage.sound.name for passage in by_caller)] == [callee, music, callee]
        and {passage.sound.name for passage in by_callee} == {caller}
        and near((played_music[0].start, played_music[-1].stop), moments)
        and silence is not None
        and near((silence[0].stop, silence[1].start), moments),
        f"{caller}: {_told(by_caller, origin)}; {callee}: {_told(by_callee, origin)}",
    )


def greeting_and_tone(played: Performance) -> Check:
    """A mailbox answers with its greeting, once and whole, and then its tone; nothing else is heard."""
    heard, greeting = played.heard[played.call], DEMO_GREETING.name
    return Check(
        f"{played.scene.number}: {first_name(played.scene.caller)} heard all of {greeting}, then the tone",
        [passage.sound.name for passage in heard] == [greeting, TONE]
        and all(p.complete and p.packets >= MOST * len(p.sound.frames) for p in heard),
        _told(heard, played.call.began_at),
    )


def message(played: Performance) -> Check:
    """What can be fetched is what the caller said, all of it and nobody else, and no longer than there was time for."""
    caller = first_name(played.scene.caller)
    rule = f"{played.scene.number}: the message is what {caller} said, for {played.scene.talk:g} s"
    found, tone = played.mail.message if played.mail is not None else None, played.heard[played.call][-1:]
    if found is None or not tone or played.call.over_at is None:
        return Check(rule, False, "there is no message")
    said = spoken(found)
    seconds = _packets(said, caller) * FRAME_SECONDS
    return Check(
        rule,
        {passage.sound.name for passage in said} == {caller}
        and MOST * played.scene.talk <= seconds <= found.seconds <= played.call.over_at - tone[0].start
        and found.caller == played.scene.caller,
        f"{found.seconds:.2f} s from {found.caller}: {_told(said, 0.0)}",
    )


def _answered_at(played: Performance, winner: str) -> float:
    """When the winner took the call; never where it did not."""
    ring = played.ring_of(winner)
    return ring.answered_at if ring is not None and ring.answered_at is not None else math.inf


def _before(played: Performance, answered: float) -> list[Passage]:
    return [passage for passage in played.heard[played.call] if passage.start < answered]


def _after_the_answer(played: Performance, winner: str) -> list[Passage]:
    answered = _answered_at(played, winner)
    return [passage for passage in played.heard[played.call] if passage.start >= answered]


def _packets(passages: Iterable[Passage], name: str) -> int:
    return sum(passage.packets for passage in passages if passage.sound.name == name)


def _after(moment: float, origin: float) -> str:
    return f"{moment - origin:.2f} s" if moment < math.inf else "no time at all"


def _told(passages: Iterable[Passage], origin: float) -> str:
    """The passages in their order, in seconds since `origin`."""
    parts = (f"{p.sound.name} {p.start - origin:.2f}–{p.stop - origin:.2f} s" for p in passages)
    return " → ".join(parts) or "nothing"
