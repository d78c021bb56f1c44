"""What the owner of a mailbox has of a call: the message, as it can be fetched and heard, and the lines of the log."""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass

from ringdove.client import Client
from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS
from ringdove.model.call_log import LogRow

from .audio import PCMU, Packet
from .hearing import UNKNOWN, Ear, Passage
from .lamp import Lamp
from .voice import octet_of


@dataclass(frozen=True, slots=True)
class Message:
    """A message: who left it and how long it is, as `vm/query` says, and what is heard in it, from its beginning."""

    caller: str
    seconds: float
    heard: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Mail:
    """What came of a call for the owner of the mailbox. None: nothing yet."""

    message: Message | None = None
    lamp: Lamp | None = None
    logged: LogRow | None = None

    @property
    def complete(self) -> bool:
        """Whether there is all that there should be."""
        return None not in (self.message, self.lamp, self.logged)


async def message_of(call_id: str, extension_id: int, api: Client, ear: Ear, voice: bytes) -> Message | None:
    """The message that was left in this call, by somebody with that voice; None while there is none."""
    rows = (await api.get("vm/query", ext_id=extension_id))["data"]
    row = next((row for row in rows if row["call_id"] == call_id), None)
    if row is None:
        return None
    wav = await api.download("vm/download", id=row["id"])
    return Message(row["caller"], row["duration"], ear.recognise(packets_of(wav, voice)))


def spoken(message: Message) -> list[Passage]:
    """What is heard in a message. Its silence is not: as `packets_of` tells it, it is in no sound."""
    return [passage for passage in message.heard if passage.sound is not UNKNOWN]


async def logged(call_id: str, extension_id: int, api: Client) -> LogRow | None:
    """The line of this call in the log of the extension."""
    rows = (await api.get("call_log/list", ext_id=extension_id))["data"]
    return next((LogRow.model_validate(row) for row in rows if row["call_id"] == call_id), None)


def packets_of(wav: bytes, voice: bytes) -> list[Packet]:
    """A WAV of 8000 samples a second as the packets that it was recorded from, the first at 0 s.

    A recording may begin anywhere in a packet; the first whole packet of `voice` tells where they do.
    """
    with wave.open(io.BytesIO(wav)) as file:
        shape = file.getnchannels(), file.getsampwidth(), file.getframerate()
        samples = memoryview(file.readframes(file.getnframes()))
    if shape != (1, 2, PCMU.clock):
        raise ValueError(f"no recording of a phone: {shape}")
    octets = bytes(map(octet_of, samples.cast("h")))
    first = max(0, octets.find(voice)) % FRAME_BYTES
    starts = range(first, len(octets) - FRAME_BYTES + 1, FRAME_BYTES)
    at = FRAME_SECONDS / FRAME_BYTES
    return [Packet(start * at, octets[start : start + FRAME_BYTES]) for start in starts]
