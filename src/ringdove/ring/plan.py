"""Who is to ring from when to when (design section 3): the words of a plan, and what the engine asks of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class Strategy(StrEnum):
    """The ring strategies of the page."""

    RING_ALL = "ring_all"
    SEQUENTIALLY = "sequentially"
    MEMORY_HUNT = "memory_hunt"
    CUSTOM = "custom"

    @property
    def in_turn(self) -> bool:
        """Whether members wait for their turn, so that windows move when nobody rings (R7)."""
        return self in (Strategy.SEQUENTIALLY, Strategy.MEMORY_HUNT)


def tidy(seconds: float) -> float:
    """A time of the plan in whole microseconds, so that ends which should meet are equal."""
    return round(seconds, 6)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the member list with its extension groups expanded; `delay` and `timeout` count for custom only."""

    members: tuple[int, ...]
    delay: float = 0.0
    timeout: float = 0.0


class Window(NamedTuple):
    """The span [start, stop) in which a member is to ring, in seconds."""

    member: int
    start: float
    stop: float

    def is_open(self, at: float) -> bool:
        """Whether the member is to ring at that time."""
        return self.start <= at < self.stop


def members(entries: Iterable[Entry]) -> list[int]:
    """Every member once, in list order, first mention wins (R3)."""
    return list(dict.fromkeys(member for entry in entries for member in entry.members))


class Change(NamedTuple):
    """What time has brought: members whose window has closed, then those whose window has opened, in their order."""

    closed: Sequence[int]
    opened: Sequence[int]


class Plan(Protocol):
    """The windows of one ringing, in seconds since it began; no time that is passed in is before the last one.

    A step costs what it changes: it does not look at all the windows that are to come.
    """

    @property
    def windows(self) -> list[Window]:
        """All windows as they stand."""
        ...

    @property
    def due(self) -> float:
        """When a window opens next, or closes although somebody rings in it; infinity where there is none."""
        ...

    @property
    def waits(self) -> bool:
        """Whether a window is still to open."""
        ...

    def turn_to(self, at: float) -> Change:
        """Go on to that time; each window is told once."""
        ...

    def hurry(self, at: float) -> bool:
        """Let the next window open now, or after the last one the end come now (R7); False where nothing moves."""
        ...

    def join(self, member: int, at: float) -> None:
        """Have windows for a member that may ring now, where it had none because it might not before (R9)."""
        ...

    def is_open(self, member: int, at: float) -> bool:
        """Whether the member is to ring at that time, which the plan has turned to."""
        ...
