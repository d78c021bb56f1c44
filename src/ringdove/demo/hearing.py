"""What a simulated phone heard: the packets that came, looked up among those of all sounds that there are.

The demo's phones speak PCMU, in which the server passes packets on as they are. So what was heard can be told without
asking the server, down to the packet.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from ringdove.media.codecs import FRAME_SECONDS

from .audio import Packet

GAP: Final = 0.06
"""Seconds between two packets above which a listener hears silence."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Something that can be heard: `frames` are its packets. An `endless` one begins anew after the last of them.

    `file` is the part of a playlist that this is.
    """

    name: str
    frames: tuple[bytes, ...]
    file: str = ""
    endless: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.file})" if self.file else self.name

    def after(self, frame: int) -> int | None:
        """Which frame follows; None after the last one."""
        if frame + 1 < len(self.frames):
            return frame + 1
        return 0 if self.endless else None


UNKNOWN: Final = Sound("something else", (b"",), endless=True)
"""What packets are that belong to no sound."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one sound without a gap. Times are `time.monotonic()`.

    It stops when its last packet has been played, or when something else begins.
    """

    sound: Sound
    start: float
    stop: float
    first: int
    """The frame of the sound that it begins with,"""
    last: int
    """and the one that it ends with."""
    packets: int

    @property
    def complete(self) -> bool:
        """Whether it goes from the beginning of the sound to its end."""
        return self.first == 0 and self.last == len(self.sound.frames) - 1


class Ear:
    """Knows sounds by their packets."""

    def __init__(self, sounds: Iterable[Sound]) -> None:
        self._places: defaultdict[bytes, list[tuple[Sound, int]]] = defaultdict(list)
        for sound in sounds:
            self.learn(sound)

    def learn(self, sound: Sound) -> None:
        """Know one more."""
        for number, frame in enumerate(sound.frames):
            self._places[frame].append((sound, number))

    def recognise(self, packets: Sequence[Packet]) -> list[Passage]:
        """Tell what the packets are, in the order in which they came.

        A packet that may be several things (silence is in most files) is taken for what explains the most packets
        from there on.
        """
        passages: list[Passage] = []
        at = 0
        while at < len(packets):
            places = self._places.get(packets[at].body, [(UNKNOWN, 0)])
            found = max((_follow(*place, packets, at) for place in places), key=lambda passage: passage.packets)
            at += found.packets
            before = passages[-1] if passages else None
            if before is not None and _goes_on(before, found):
                count = before.packets + found.packets
                passages[-1] = replace(found, start=before.start, first=before.first, packets=count)
                continue
            if before is not None and before.stop > found.start:
                passages[-1] = replace(before, stop=found.start)
            passages.append(found)
        return passages


def longest_gap(packets: Iterable[Packet]) -> float:
    """The longest time between two packets, in seconds; 0 where there are no two."""
    return max((after.at - before.at for before, after in pairwise(packets)), default=0.0)


def _follow(sound: Sound, first: int, packets: Sequence[Packet], at: int) -> Passage:
    """The longest passage that begins with packet `at`, if that is frame `first` of the sound."""
    last, end = first, at + 1
    while end < len(packets) and packets[end].at - packets[end - 1].at <= GAP:
        following = sound.after(last)
        if following is None or sound.frames[following] != packets[end].body:
            break
        last = following
        end += 1
    return Passage(sound, packets[at].at, packets[end - 1].at + FRAME_SECONDS, first, last, end - at)


def _goes_on(before: Passage, after: Passage) -> bool:
    """Whether two passages are one in which packets were lost."""
    in_time = after.start - before.stop <= GAP - FRAME_SECONDS
    return in_time and after.sound is before.sound and (after.sound.endless or after.first > before.last)
