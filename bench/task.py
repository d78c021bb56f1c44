"""What the load is told to do, and what it says that came of it; between two processes as JSON."""

from dataclasses import dataclass, field

from .words import Login

LATE = 0.5
"""Seconds that a call may finish after it should."""


@dataclass(frozen=True)
class Task:
    """Register some phones; then call a number at even distances.

    With `numbers`, calls go in turn to so many numbers, of which `number` is the first.
    The first `refusing` members say 486 after `refuse_after`; the next one that is rung answers after `answer_after`.
    The caller hangs up `talk` later. Seconds all. `stop`: call no more once something went wrong.
    """

    server: tuple[str, int]
    phones: list[Login] = field(default_factory=list)
    callers: list[Login] = field(default_factory=list)
    number: str = ""
    numbers: int = 1
    members: int = 0
    count: int = 0
    every: float = 0.0
    refusing: int = 0
    refuse_after: float = 0.05
    answer_after: float = 0.1
    talk: float = 0.1
    stop: bool = False

    @property
    def lasting(self) -> float:
        """Seconds that a call takes when the server takes none."""
        return self.refusing * self.refuse_after + self.answer_after + self.talk


@dataclass(frozen=True)
class Result:
    """What the phones saw. Seconds: from INVITE to the first 18x, from the first to the last INVITE of a call."""

    calls: int
    failed: int
    late: int
    repeats: int
    datagrams: int
    audio: int
    """RTP packets that came to callers."""
    ringing: list[float]
    spread: list[float]
    behind: float
    """The most that a call was dialled after its time: more than a few ms says that the load is at its end."""
    busy: float
    """Share of its core that the load used."""
    wrong: list[str]
    """The first few things that were not as they should be."""

    @property
    def clean(self) -> bool:
        """Whether no call failed or was late, and the server repeated nothing."""
        return not (self.failed or self.late or self.repeats)
