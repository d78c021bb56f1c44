"""A player: one programme at the pace of its sound."""

from collections.abc import Callable
from typing import Protocol

from ..frames import FRAME_SECONDS
from .programme import Programme
from .wire import Play, Played, Report

LATEST = 0.06
"""Seconds that a packet may be late. After a longer stop its time is left out: a phone plays a burst late or not at
all.
"""


class Mouth(Protocol):
    """What a player speaks through."""

    def speak(self, player: "Player", frame: bytes, now: float) -> None:
        """Send a frame, or do not: time goes on."""
        ...

    def rest(self, player: "Player") -> None:
        """A frame is left out."""
        ...


class Player:
    """What `Play` orders; also the source of its packets (see Outgoing)."""

    def __init__(self, play: Play, due: float, mouth: Mouth, report: Callable[[Report], None]) -> None:
        """`due`: when the first packet is to go."""
        self.number = play.number
        self.payload = play.payload
        self.file = play.file
        self.frames = 0
        """How many are over: sequence number of its packets and, times FRAME_BYTES, their time stamp."""
        self._port = play.port
        self._due = due
        self._mouth = mouth
        self._report = report
        self._programme = Programme(play.items, play.file, play.skip, self._ended)
        self.over = False
        """Whether all is through, or it was stopped."""

    def use(self, payload: int, file: str) -> None:
        """Go on where it is under another payload type."""
        self.payload = payload
        self.file = file
        self._programme.use(file)

    def stop(self) -> None:
        """Nothing more of it."""
        self.over = True
        self._programme.close()

    def tick(self, now: float) -> float | None:
        """Send what is due; returns when the next packet is, None when all is through."""
        while self._due <= now and not self.over:
            frame = self._programme.frame()
            if frame is None:
                self.stop()
            else:
                if now - self._due < LATEST:
                    self._mouth.speak(self, frame, now)
                else:
                    self._mouth.rest(self)
                self.frames += 1
                self._due += FRAME_SECONDS
        return None if self.over else self._due

    def _ended(self, item: str, broken: bool) -> None:
        self._report(Played(self._port, self.number, item, broken, self._due))
