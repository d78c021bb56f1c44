"""What callers do once they are answered: they hear who it is, and talk to a person or leave a message."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from random import Random
from typing import Final

from ringdove.demo.audio import PCMU, Packet
from ringdove.demo.line import Line
from ringdove.demo.voice import voice
from ringdove.media.codecs import FRAME_BYTES, sound_file, sound_seconds
from ringdove.media.sounds import BEEP

from .ledger import Ledger, Spoken
from .world import SHORTEST

PITCHES: Final = range(300, 1000, 50)
"""Hz: of the voices of all that live there."""
VOICES: Final = frozenset(map(voice, PITCHES))
PLAYED: Final = frozenset(
    (said[at:] + said[:at]).replace(b"\x7f", b"\xff") for said in VOICES for at in range(FRAME_BYTES)
)
"""The same out of a message: it begins anywhere in a packet, and of the two zeros of PCMU there is only one."""

_LOOK_AGAIN = 0.05
"""Seconds between two looks at what came."""
_HELLO = 1.5
"""Seconds within which a person is heard who has answered."""
_TONE_WITHIN = 30.0
"""Seconds within which a mailbox has said all that there is before its tone, even if a key was lost."""
_MOST_TAKES = 3
_WORTH_A_KEY = SHORTEST + 1.5
"""Seconds of a take that a key may end: after one that is too short there is another tone, unasked."""
_SENT_WITHIN = 15.0
"""Seconds within which a mailbox has said that the message is sent, and hangs up."""


def _tone() -> bytes:
    """The packet that makes most of the tone of a mailbox: 1000 Hz are the same in each."""
    octets = (BEEP / (sound_file(PCMU) or "")).read_bytes()
    frames = (octets[at : at + FRAME_BYTES] for at in range(0, len(octets), FRAME_BYTES))
    return Counter(frames).most_common(1)[0][0]


_TONE: Final = _tone()


class Ears:
    """What is heard on a line from now on."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._at = len(line.audio.heard)

    async def first(self, wanted: Collection[bytes], within: float) -> Packet | None:
        """The next packet that is one of these; None where none comes in time, or the call is over."""
        until = time.monotonic() + within
        while self._line.ending is None:
            packets = self._line.audio.heard[self._at :]
            self._at += len(packets)
            if (found := next((packet for packet in packets if packet.body in wanted), None)) is not None:
                return found
            if time.monotonic() > until:
                break
            await asyncio.sleep(_LOOK_AGAIN)
        return None

    async def tone(self) -> float | None:
        """When the tone was over after which a mailbox records; None where there was none."""
        packet = await self.first((_TONE,), _TONE_WITHIN)
        if packet is None:
            return None
        over = packet.at + sound_seconds(BEEP)
        await asyncio.sleep(max(0.0, over - time.monotonic()))
        self._at = len(self._line.audio.heard)
        return over


async def hear_who_it_is(line: Line, ledger: Ledger) -> bool:
    """Whether a person has answered; a mailbox begins with its greeting."""
    heard = await Ears(line).first(VOICES, _HELLO)
    if heard is not None:
        ledger.persons.add(line.call_id)
    return heard is not None or line.ending is not None


async def leave_message(line: Line, random: Random, ledger: Ledger) -> None:
    """Wait for the tone, or press # to have it at once; speak; have another go at it, and in the end hang up."""
    ears = Ears(line)
    line.audio.hush()
    if random.random() < 0.15:  # nothing to say to a machine
        await asyncio.sleep(random.uniform(0.0, 2.0))
        line.hang_up()
        return
    if random.random() < 0.7:
        await asyncio.sleep(random.uniform(0.1, 1.0))
        line.press("#")
    for _ in range(_MOST_TAKES):
        began = await ears.tone()
        if began is None:
            break
        again = await _speak(line, began, random, ledger)
        if not again:
            break
    if line.ending is None:
        line.hang_up()


async def _speak(line: Line, began: float, random: Random, ledger: Ledger) -> bool:
    """One take; whether there is to be another."""
    spoken = ledger.spoken.setdefault(line.call_id, Spoken(line.phone.voice))
    line.audio.speak()
    try:
        await _or_over(line, random.uniform(0.3, 6.0))
    finally:  # also where the day ends meanwhile
        spoken.takes.append((line.over_at or time.monotonic()) - began)
    if line.ending is not None:
        return False
    what = random.choices(("hang up", "accept", "leave it at that", "again"), (50, 25, 15, 10))[0]
    if what == "hang up" or spoken.takes[-1] < _WORTH_A_KEY:
        line.hang_up()
        return False
    line.press("#")
    line.audio.hush()
    await _or_over(line, random.uniform(0.3, 2.0))
    match what:
        case "accept":
            line.press("1")
            await _or_over(line, _SENT_WITHIN)
        case "again":
            line.press("3")
            return True
    return False


async def visit(line: Line, random: Random) -> bool:
    """Hear the new messages of one's own mailbox, then hang up; whether any was heard."""
    ears = Ears(line)
    line.audio.hush()
    await _or_over(line, random.uniform(0.3, 1.5))
    line.press("1")
    heard = await ears.first(PLAYED, random.uniform(4.0, 8.0))
    await _or_over(line, random.uniform(0.2, 2.0))
    if line.ending is None:
        line.hang_up()
    return heard is not None


async def _or_over(line: Line, seconds: float) -> None:
    """Wait so long, or until the call is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await line.over()
