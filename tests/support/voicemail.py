"""Leaving messages, and what became of them.

line = await reach_tone(alice, await alice.dial("6001"))
await speak(line, 700, 2)
await press(line, "#")
(message,) = await messages(house, ext_id=bob.id)
assert tone_seconds(await wav_of(house, message["id"]), 700) == pytest.approx(2, abs=0.1)
"""

import asyncio
import io
import time
from typing import Any

import numpy as np
import soundfile

from ringdove.sip.codec import Codec
from ringdove.sip.message import Request

from .api import Api
from .hearing import GAP, melody, timeline
from .phones import Line, Phone, until
from .tone import Sound
from .voice import PCMU

BEEP = 1000
"""Hz of the tone after which callers speak."""


async def reach_tone(phone: Phone, invite: Request, *, sdp: str = "") -> Line:
    """Wait until voicemail answers, skip its greeting, and hear the tone."""
    line = await phone.answered(invite, within=5, sdp=sdp)
    await asyncio.sleep(0.2)
    await press_for_tone(line, "#")
    return line


async def press_for_tone(line: Line, *digits: str) -> None:
    """Press these keys, and wait until the tone that comes then has been heard to its end."""
    heard = line.phone.audio.packets
    heard.clear()
    await press(line, *digits)

    def is_over() -> bool:
        beeps = [span for span in timeline(heard, tones=(BEEP,)) if span.hz == BEEP]
        return sum(span.seconds for span in beeps) > 0.2 and time.monotonic() - beeps[-1].stop > GAP

    await until(is_over, "there is no tone", within=8)


async def speak(line: Line, hz: float, seconds: float, codec: Codec = PCMU) -> None:
    """Say a tone for so long, then send silence."""
    line.phone.audio.talk(line.media, codec, hz)
    await asyncio.sleep(seconds)
    line.phone.audio.talk(line.media, codec, 0)


async def press(line: Line, *digits: str) -> None:
    """Press these keys, one after the other (RFC 4733)."""
    for digit in digits:
        await line.phone.audio.press(line.media, digit)


async def messages(api: Api, *, count: int, within: float = 8.0, **query: Any) -> list[dict[str, Any]]:
    """What `vm/query` says, as soon as there are so many: oldest first."""
    deadline = time.monotonic() + within
    while True:
        rows: list[dict[str, Any]] = (await api.get("vm/query", **query, sort_by="id", order_by="asc"))["data"]
        if len(rows) == count:
            return rows
        assert time.monotonic() < deadline, f"{len(rows)} messages instead of {count}"
        await asyncio.sleep(0.02)


async def octets_of(api: Api, message_id: int) -> bytes:
    """The message as it is downloaded, a WAV."""
    link = await api.get("vm/download", id=message_id)
    url = api.http.base_url.join(link["download_resource_url"])
    answer = await api.http.get(url, params={"access_token": api.token})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "audio/wav"
    return answer.content


async def wav_of(api: Api, message_id: int) -> Sound:
    """The same, heard: one channel."""
    samples, rate = soundfile.read(io.BytesIO(await octets_of(api, message_id)), dtype="float32")
    assert samples.ndim == 1
    return Sound(rate, np.asarray(samples))


def tones(sound: Sound, *hz: float) -> list[tuple[float | None, float]]:
    """Which of these tones stand in it, in order, and for how many seconds; None is silence."""
    return [(span.hz, span.seconds) for span in melody(sound, hz)]
