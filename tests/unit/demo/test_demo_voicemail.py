"""What the demo says of a message: one as it should be, and one fault at a time."""

import asyncio
import io
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.demo.audio import Packet
from ringdove.demo.checks import after_hours
from ringdove.demo.hearing import Ear, Passage, Sound
from ringdove.demo.incoming import IncomingLine
from ringdove.demo.lamp import Lamp
from ringdove.demo.mailbox import Mail, Message, packets_of
from ringdove.demo.outgoing import OutgoingLine
from ringdove.demo.repertoire import TONE
from ringdove.demo.scenes import AFTER_HOURS, CAROL, FRIDA
from ringdove.demo.stage import Performance
from ringdove.demo.voice import voice
from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS
from ringdove.media.g711 import ULAW
from ringdove.media.sounds import DEMO_GREETING
from ringdove.model.call_log import Direction, LogGroup, LogResult, LogRow
from ringdove.model.story import Disposition, EndedBy, Hop, HopOutcome, Party, Story
from unit.demo.demo_phones import Phones

PATIENCE = 3.0
GREETING = Sound(DEMO_GREETING.name, tuple(f"g{number}".encode() for number in range(50)))
BEEP = Sound(TONE, tuple(f"t{number}".encode() for number in range(15)))
FRIDAS, CAROLS = voice(550), voice(400)
EAR = Ear([GREETING, BEEP, Sound("Frida", (FRIDAS,), endless=True), Sound("Carol", (CAROLS,), endless=True)])


def wav(samples: list[int], *, rate: int = 8000) -> bytes:
    octets = io.BytesIO()
    with wave.open(octets, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    return octets.getvalue()


def samples_of(*packets: bytes) -> list[int]:
    return [ULAW[octet] for packet in packets for octet in packet]


def recorded(*packets: bytes) -> list[Passage]:
    return EAR.recognise(packets_of(wav(samples_of(*packets)), FRIDAS))


@given(st.integers(0, 800), st.integers(1, 60), st.integers(0, 159), st.sampled_from([-1, 0, 1]))
def test_a_voice_is_known_wherever_in_a_packet_a_recording_begins(
    before: int, count: int, after: int, off: int
) -> None:
    said = [sample + off for sample in [0] * before + samples_of(*[FRIDAS] * count) + [0] * after]
    heard = [p for p in EAR.recognise(packets_of(wav(said), FRIDAS)) if p.sound.name == "Frida"]
    (found,) = heard
    assert found.packets == count
    assert found.start == pytest.approx(before / 8000)


def test_nobody_is_known_in_what_somebody_else_says() -> None:
    assert "Frida" not in {passage.sound.name for passage in recorded(*[CAROLS] * 20)}
    assert EAR.recognise(packets_of(wav([]), FRIDAS)) == []


def test_what_no_phone_can_have_recorded_is_refused() -> None:
    with pytest.raises(ValueError, match="16000"):
        packets_of(wav([0], rate=16_000), FRIDAS)


@dataclass
class Call:
    """Frida's call and how it rang Carol's phone; all of it can be told otherwise before it is judged."""

    call: OutgoingLine
    ring: IncomingLine
    story: Story
    message: Message | None
    lamp: Lamp | None
    logged: LogRow | None

    def says(self, start: float, *frames: bytes) -> None:
        at = self.call.began_at + start
        self.call.audio.heard += [Packet(at + number * FRAME_SECONDS, frame) for number, frame in enumerate(frames)]

    def broken(self) -> set[str]:
        """The checks that fail."""
        heard = {self.call: EAR.recognise(self.call.audio.heard), self.ring: []}
        mail = Mail(self.message, self.lamp, self.logged)
        names = ("onward", "greeting", "message", "lamp", "log", "record")
        found = after_hours(Performance(AFTER_HOURS, self.call, [self.ring], self.story, heard, mail))
        return {name for name, check in zip(names, found, strict=True) if not check.holds}


@pytest.fixture
async def call(phones: Phones) -> Call:
    """Rings for 2 s, greeting to 3 s, tone to 3.3 s, speech from 3.6 s to 5.6 s."""
    carol = await phones.on(CAROL)
    rings = asyncio.Event()
    carol.on_change = lambda _: rings.set()
    line = (await phones.on(FRIDA, carol)).dial("6303")
    await asyncio.wait_for(rings.wait(), PATIENCE)
    line.hang_up()
    (ring,) = carol.lines
    assert isinstance(ring, IncomingLine)
    await asyncio.wait_for(ring.over(), PATIENCE)
    line.over_at = line.began_at + 5.6
    ring.over_at = line.began_at + 2.0
    way = [
        Hop(kind="ring_group", id="4", number="6303", name="After Hours", entered_at=0.0),
        Hop(kind="ext_vm", id="3075", number=CAROL, entered_at=2.0, outcome=HopOutcome.MESSAGE_LEFT),
    ]
    story = Story(id="1", started_at=0.0, caller=Party(number=FRIDA), dialled="6303", hops=way)
    story.disposition, story.ended_by = Disposition.VOICEMAIL, EndedBy.CALLER
    logged = LogRow(
        call_id="1",
        time=0.0,
        direction=Direction.IN,
        result=LogResult.MISSED,
        with_=Party(number=FRIDA),
        dialled="6303",
        ring_group=LogGroup(id=4, number="6303", name="After Hours"),
        duration=5.6,
        talk_duration=None,
    )
    said = recorded(*[bytes([0xFF]) * FRAME_BYTES] * 15, *[FRIDAS] * 100)
    made = Call(line, ring, story, Message(FRIDA, 2.3, said), Lamp(0.0, True, 1, 0), logged)
    made.says(2.0, *GREETING.frames, *BEEP.frames)
    return made


async def test_a_message_that_was_left_as_described(call: Call) -> None:
    assert call.broken() == set()


def rang_on(call: Call) -> None:
    call.ring.over_at = call.call.began_at + 2.4


def went_elsewhere(call: Call) -> None:
    call.story.hops[1].kind = "extension"


def nothing_heard(call: Call) -> None:
    call.call.audio.heard.clear()


def no_tone(call: Call) -> None:
    del call.call.audio.heard[-len(BEEP.frames) :]


def greeting_cut_off(call: Call) -> None:
    del call.call.audio.heard[:10]


def somebody_listens_in(call: Call) -> None:
    call.says(4.0, CAROLS)


def nothing_in_the_mailbox(call: Call) -> None:
    call.message = None


def from_somebody_else(call: Call) -> None:
    call.message = call.message and replace(call.message, caller=CAROL)


def cut_short(call: Call) -> None:
    call.message = call.message and replace(call.message, heard=recorded(*[FRIDAS] * 85))


def others_in_the_message(call: Call) -> None:
    call.message = call.message and replace(call.message, heard=recorded(*[FRIDAS] * 100, CAROLS))


def longer_than_there_was_time(call: Call) -> None:
    call.message = call.message and replace(call.message, seconds=2.8)


def not_told(call: Call) -> None:
    call.lamp = None


def lamp_out(call: Call) -> None:
    call.lamp = Lamp(0.0, False, 1, 0)


def counted_twice(call: Call) -> None:
    call.lamp = Lamp(0.0, True, 2, 0)


def not_in_the_log(call: Call) -> None:
    call.logged = None


def logged_as_answered(call: Call) -> None:
    call.logged = call.logged and call.logged.model_copy(update={"result": LogResult.ANSWERED})


def logged_without_the_group(call: Call) -> None:
    call.logged = call.logged and call.logged.model_copy(update={"ring_group": None})


def abandoned(call: Call) -> None:
    call.story.disposition = Disposition.ABANDONED


def no_message_on_record(call: Call) -> None:
    call.story.hops[1].outcome = HopOutcome.NO_MESSAGE


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (rang_on, {"onward"}),
        (went_elsewhere, {"onward"}),
        (nothing_heard, {"greeting", "message"}),
        (no_tone, {"greeting"}),
        (greeting_cut_off, {"greeting"}),
        (somebody_listens_in, {"greeting", "message"}),
        (nothing_in_the_mailbox, {"message"}),
        (from_somebody_else, {"message"}),
        (cut_short, {"message"}),
        (others_in_the_message, {"message"}),
        (longer_than_there_was_time, {"message"}),
        (not_told, {"lamp"}),
        (lamp_out, {"lamp"}),
        (counted_twice, {"lamp"}),
        (not_in_the_log, {"log"}),
        (logged_as_answered, {"log"}),
        (logged_without_the_group, {"log"}),
        (abandoned, {"record"}),
        (no_message_on_record, {"record"}),
    ],
)
async def test_each_fault_breaks_its_rule(call: Call, fault: Callable[[Call], None], broken: set[str]) -> None:
    fault(call)
    assert call.broken() == broken
