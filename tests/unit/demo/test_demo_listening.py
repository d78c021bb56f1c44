"""What the demo says of what was heard: a call as it should be, and one fault at a time."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from ringdove.demo.audio import Packet
from ringdove.demo.check import Check
from ringdove.demo.checks import all_at_once
from ringdove.demo.hearing import Ear, Sound
from ringdove.demo.incoming import Answer, IncomingLine, LetRing
from ringdove.demo.line import Line
from ringdove.demo.listening import only_ringing
from ringdove.demo.outgoing import OutgoingLine
from ringdove.demo.scenes import ALICE, ALL_AT_ONCE, BOB, EMIL
from ringdove.demo.stage import Performance
from ringdove.demo.tables import phones_heard
from ringdove.media.codecs import FRAME_SECONDS
from ringdove.model.story import Party, Story
from unit.demo.demo_phones import Phones

PATIENCE = 3.0
SCENE = replace(ALL_AT_ONCE, talk=1.0, hold=0.4)

PROMPT = Sound("demo.wav", tuple(f"p{number}".encode() for number in range(40)))
MUSIC = Sound("SoftBreeze", tuple(f"m{number}".encode() for number in range(200)), "Evening.mp3")
VOICES = [Sound(name, (name.encode(),), endless=True) for name in ("Alice", "Bob", "Emil")]
EAR = Ear([PROMPT, MUSIC, *VOICES])


@dataclass
class Call:
    """Bob's phone and Alice's, called by Emil; `hears` puts packets into their ears, in seconds since the call came."""

    call: OutgoingLine
    bob: IncomingLine
    alice: IncomingLine

    def hears(self, line: OutgoingLine | IncomingLine, start: float, frames: Iterable[bytes]) -> None:
        at = self.call.began_at + start
        line.audio.heard += [Packet(at + number * FRAME_SECONDS, frame) for number, frame in enumerate(frames)]

    def as_described(self) -> None:
        """Prompt 0 to 0.8 s, music to 1.8 s, talk to 2.3 s, hold to 2.7 s, talk to 3.2 s."""
        origin = self.call.began_at
        self.bob.began_at = self.alice.began_at = origin + 0.8
        self.bob.answered_at, self.bob.held_at, self.bob.resumed_at = origin + 1.8, origin + 2.3, origin + 2.7
        self.call.answered_at = origin + 1.81
        self.hears(self.call, 0.0, PROMPT.frames)
        self.hears(self.call, 0.8, MUSIC.frames[:50])
        self.hears(self.call, 1.8, [b"Bob"] * 25)
        self.hears(self.call, 2.3, MUSIC.frames[:20])
        self.hears(self.call, 2.7, [b"Bob"] * 25)
        self.hears(self.bob, 1.8, [b"Emil"] * 25)
        self.hears(self.bob, 2.7, [b"Emil"] * 25)

    def lose(self, line: OutgoingLine | IncomingLine, start: float, stop: float) -> None:
        """Forget what was heard between two times."""
        origin = self.call.began_at - FRAME_SECONDS / 2
        line.audio.heard = [p for p in line.audio.heard if not start <= p.at - origin < stop]

    def says(self, start: float, stop: float, frame: bytes) -> None:
        """Let Emil hear something else between two times."""
        origin = self.call.began_at - FRAME_SECONDS / 2
        heard = self.call.audio.heard
        self.call.audio.heard = [Packet(p.at, frame) if start <= p.at - origin < stop else p for p in heard]

    def played(self) -> Performance:
        lines: tuple[Line, ...] = (self.call, self.bob, self.alice)
        heard = {line: EAR.recognise(line.audio.heard) for line in lines}
        story = Story(id="1", started_at=0.0, caller=Party(number=EMIL), dialled="6300")
        return Performance(SCENE, self.call, [self.bob, self.alice], story, heard)

    def verdicts(self) -> dict[str, Check]:
        prompt, _, music, _, talk, hold, _ = all_at_once(self.played())
        return {"prompt": prompt, "music": music, "talk": talk, "hold": hold}


@pytest.fixture
async def call(phones: Phones) -> Call:
    async def rung(number: str, behaviour: Answer | LetRing) -> tuple[OutgoingLine, IncomingLine]:
        callee = await phones.on(number)
        callee.behave = lambda _: behaviour
        rings = asyncio.Event()
        callee.on_change = lambda _: rings.set()
        emil = await phones.on(EMIL, callee)
        line = emil.dial("6300")
        await asyncio.wait_for(rings.wait(), PATIENCE)
        (ring,) = callee.lines
        assert isinstance(ring, IncomingLine)
        return line, ring

    line, bob = await rung(BOB, Answer())
    _, alice = await rung(ALICE, LetRing())
    await asyncio.wait_for(line.settled(), PATIENCE)
    for each in (line, bob):
        each.hang_up()
        await asyncio.wait_for(each.over(), PATIENCE)
        each.audio.heard.clear()
    return Call(line, bob, alice)


async def test_a_call_that_was_heard_as_described(call: Call) -> None:
    call.as_described()
    found = call.verdicts()
    assert all(check.holds for check in found.values()), found
    assert found["prompt"].seen == "demo.wav 0.00–0.80 s; first INVITE after 0.80 s"
    assert found["music"].seen == "SoftBreeze 0.80–1.80 s, longest gap 20 ms; answered after 1.80 s"
    assert found["talk"].seen == "Emil 50 packets, Bob 50"


async def test_a_phone_that_stammers_is_no_fault(call: Call) -> None:
    call.as_described()
    call.lose(call.call, 1.9, 1.98)
    call.lose(call.bob, 1.9, 1.98)
    assert len(call.played().heard[call.bob]) == 3
    assert all(check.holds for check in call.verdicts().values())


def cut_off(call: Call) -> None:
    call.lose(call.call, 0.0, 0.2)


def broken_off(call: Call) -> None:
    call.lose(call.call, 0.6, 0.8)
    call.hears(call.call, 0.6, MUSIC.frames[50:60])
    call.call.audio.heard.sort()


def played_twice(call: Call) -> None:
    call.hears(call.call, 3.2, PROMPT.frames)


def rang_early(call: Call) -> None:
    call.alice.began_at -= 0.3


def gap(call: Call) -> None:
    call.lose(call.call, 1.0, 1.06)


def silence_before_the_answer(call: Call) -> None:
    call.lose(call.call, 1.5, 1.8)


def alice_in_the_music(call: Call) -> None:
    call.says(1.0, 1.2, b"Alice")


def alice_in_the_talk(call: Call) -> None:
    call.says(1.9, 2.0, b"Alice")


def alice_listens(call: Call) -> None:
    call.hears(call.alice, 1.0, [b"Emil"])


def bob_listens_before_he_answers(call: Call) -> None:
    call.bob.audio.heard.insert(0, Packet(call.call.began_at + 1.0, b"?"))


def one_way(call: Call) -> None:
    call.lose(call.bob, 2.7, 3.2)


def no_music_on_hold(call: Call) -> None:
    call.lose(call.call, 2.3, 2.7)


def bob_is_heard_on_hold(call: Call) -> None:
    call.says(2.3, 2.7, b"Bob")


def bob_hears_emil_on_hold(call: Call) -> None:
    call.hears(call.bob, 2.3, [b"Emil"] * 20)
    call.bob.audio.heard.sort()


def bob_hears_the_music(call: Call) -> None:
    call.hears(call.bob, 2.3, MUSIC.frames[:20])
    call.bob.audio.heard.sort()


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (cut_off, {"prompt"}),
        (broken_off, {"prompt"}),
        (played_twice, {"prompt", "talk", "hold"}),
        (rang_early, {"prompt"}),
        (gap, {"music"}),
        (silence_before_the_answer, {"music"}),
        (alice_in_the_music, {"music"}),
        (alice_in_the_talk, {"talk", "hold"}),
        (alice_listens, {"talk"}),
        (bob_listens_before_he_answers, {"talk", "hold"}),
        (one_way, {"talk", "hold"}),
        (no_music_on_hold, {"hold"}),
        (bob_is_heard_on_hold, {"hold"}),
        (bob_hears_emil_on_hold, {"hold"}),
        (bob_hears_the_music, {"talk", "hold"}),
    ],
)
async def test_each_fault_breaks_its_rule(call: Call, fault: Callable[[Call], None], broken: set[str]) -> None:
    call.as_described()
    fault(call)
    assert {name for name, check in call.verdicts().items() if not check.holds} == broken


async def test_without_prompts_anything_heard_before_the_answer_is_a_fault(call: Call) -> None:
    call.as_described()
    call.lose(call.call, 0.0, 1.8)
    assert only_ringing(call.played(), BOB).holds
    call.hears(call.call, 0.5, [b"Emil"])
    assert not only_ringing(call.played(), BOB).holds


async def test_the_table_says_who_heard_what_from_when_to_when(call: Call) -> None:
    call.as_described()
    out = Console(width=80)
    with out.capture() as drawn:
        out.print(phones_heard(call.played()))
    lines = [" ".join(line.split()) for line in drawn.get().splitlines()]
    assert lines[1:4] == [
        "2011 Number 2011 0.00 s 0.80 s demo.wav, all of it",
        "0.80 s 1.80 s SoftBreeze (Evening.mp3)",
        "1.80 s 2.30 s Bob",
    ]
    assert lines[6] == "2002 Number 2002 1.80 s 2.30 s Emil"
    assert len(lines) == 8
