"""What somebody was told in words, exactly: what is played in PCMU are the octets of the tracks, packet by packet.

await told(alice, "enter_password")
await press(line, *"1234#")
assert said(alice.audio.packets) == ["enter_password", "you_have", "1", "new_message", "to_new_messages~"]
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

from ringdove.media.codecs import FRAME_BYTES, SOUND_FORMATS
from ringdove.media.languages import table
from ringdove.media.sounds import BEEP, PAUSE

from .ears import Ears
from .hearing import Heard
from .phones import Phone
from .tone import tone_of
from .voice import DECODERS, PCMU

_FILE = SOUND_FORMATS["PCMU"]
_BEGINNING = 25
"""Packets that tell any text from all others."""
_LOUD = 5
"""Packets that nobody knows have to be so many in a row to be told of."""
_asked: WeakKeyDictionary[Ears, int] = WeakKeyDictionary()
"""How many packets `told` has seen of what each has heard."""


def said(
    packets: Iterable[Heard],
    *,
    tones: Sequence[float] = (),
    more: Mapping[str, Path] | None = None,
    language: str = "en",
) -> list[str]:
    """What was heard, in order: ids of texts, "beep", the names of `more` tracks, "700 Hz" for one of these tones and
    "?" for another sound. What was cut short ends with "~"; silence is left out.
    """
    bodies = [packet.body for packet in packets if packet.payload == PCMU.payload]
    words: list[str] = []
    unknown: list[bytes] = []
    for name, frames in (*_parsed(bodies, _tracks(language) | _frames(more or {})), (" ", [])):
        if name == "?":
            unknown += frames
            continue
        words += _sound(unknown, tones)
        unknown = []
        if name.strip(" ~") not in ("", "pause"):
            words.append(name)
    return words


async def told(phone: Phone, *ids: str, within: float = 8.0, more: Mapping[str, Path] | None = None) -> None:
    """Wait until a phone has begun to hear these, in this order, since it last was asked this: half a second of each.

    More may have been heard in between. So a test can go on before all is said; `said` is exact.
    """
    deadline = time.monotonic() + within
    tracks = _tracks("en") | _frames(more or {})
    for number, one in enumerate(ids):
        wanted = [frame for frame in tracks[one][:_BEGINNING] if _telling(frame, tracks)]
        while (length := _length(wanted, _since(phone))) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within} s for {ids[number:]}; heard {said(_since(phone))}")
            await asyncio.sleep(0.02)
        _asked[phone.audio] = _asked.get(phone.audio, 0) + length


def _since(phone: Phone) -> list[Heard]:
    """What a phone has heard since it last was asked; all, where what it heard then was thrown away."""
    if _asked.get(phone.audio, 0) > len(phone.audio.packets):
        _asked[phone.audio] = 0
    return phone.audio.packets[_asked.get(phone.audio, 0) :]


def _length(wanted: Sequence[bytes], packets: Sequence[Heard]) -> int | None:
    """How many packets came until most of these were heard, in this order, with the last; None where they were not.

    A busy machine leaves out what it would send too late.
    """
    last, heard = -1, 0
    for index, packet in enumerate(packets):
        if packet.payload != PCMU.payload or packet.body not in wanted:
            continue
        try:
            last = wanted.index(packet.body, last + 1)
            heard += 1
        except ValueError:  # it has begun anew
            last, heard = wanted.index(packet.body), 1
        if last + 1 == len(wanted) and heard > 0.6 * len(wanted):
            return index + 1
    return None


def _telling(frame: bytes, tracks: Mapping[str, Sequence[bytes]]) -> bool:
    """Whether it is in one track only, as silence is not."""
    return sum(frame in frames for frames in tracks.values()) == 1


def _parsed(bodies: Sequence[bytes], tracks: Mapping[str, Sequence[bytes]]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """The packets as tracks one after the other, as few of them cut short or unknown ("?") as can be."""
    by_first = defaultdict(list)
    for name, frames in tracks.items():
        by_first[frames[0]].append((name, frames))
    # From the end: what it costs at least to explain the rest, and the first step of that.
    costs = [0] * (len(bodies) + 1)
    steps: list[tuple[str, int]] = [("", 0)] * len(bodies)
    for start in reversed(range(len(bodies))):
        best = costs[start + 1] + 1, "?", 1
        for name, frames in by_first[bodies[start]]:
            length = _common(bodies, start, frames)
            whole = length == len(frames)
            if whole:
                best = min(best, (costs[start + length], name, length))
            for cut in range(1, length + (not whole)):
                best = min(best, (costs[start + cut] + 1, f"{name}~", cut))
        costs[start], steps[start] = best[0], best[1:]
    start = 0
    while start < len(bodies):
        name, length = steps[start]
        yield name, bodies[start : start + length]
        start += length


def _common(bodies: Sequence[bytes], start: int, frames: Sequence[bytes]) -> int:
    """How many packets from `start` on are the beginning of a track."""
    length = 0
    while length < len(frames) and start + length < len(bodies) and bodies[start + length] == frames[length]:
        length += 1
    return length


def _sound(bodies: Sequence[bytes], tones: Sequence[float]) -> Iterator[str]:
    """What packets of no track sound like."""
    decode = DECODERS[PCMU.name]()
    last, times = None, 0
    for body in bodies:
        heard = tone_of(decode(body), tones)
        times = times + 1 if heard == last else 1
        last = heard
        if times == _LOUD and heard is not None:
            yield f"{heard:g} Hz" if heard in tones else "?"


@cache
def _tracks(language: str) -> dict[str, list[bytes]]:
    ids = {track.name: track for track in table.tracks(language).iterdir() if track.is_dir()}
    return _frames({**ids, "beep": BEEP, "pause": PAUSE})


def _frames(tracks: Mapping[str, Path]) -> dict[str, list[bytes]]:
    found = {}
    for name, track in tracks.items():
        octets = (track / _FILE).read_bytes()
        found[name] = [octets[at : at + FRAME_BYTES] for at in range(0, len(octets), FRAME_BYTES)]
    return found
