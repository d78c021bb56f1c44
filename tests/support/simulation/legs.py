"""What the judge knows of a call while it goes through it: each phone that had to ring, and each place that rang."""

import re
from dataclasses import dataclass, field

from ringdove.ring.eligibility import Skip
from ringdove.ring.engine import Finish, Why, Win
from ringdove.sip.message import Request

from ..ring_referee import Referee
from .world import Began


@dataclass
class Leg:
    """One phone that had to ring, and what the wire shows of it."""

    number: int
    member: int
    binding: str
    due: float
    invited: float | None = None
    call_id: str = ""
    offered: set[str] = field(default_factory=set)
    """The voice codecs that it was offered, as payload numbers."""
    provisional: float | None = None
    rang: float | None = None
    over: float | None = None
    """When it had its first final response, or was given up."""
    status: int | None = None
    stopped: float | None = None
    why: Why | None = None
    won: bool = False
    cancels: list[Request] = field(default_factory=list)
    cancelled: float | None = None
    successes: dict[str, list[float]] = field(default_factory=dict)
    """By To tag, when its 2xx came."""
    acks: dict[str, list[float]] = field(default_factory=dict)
    byes: dict[str, Request] = field(default_factory=dict)
    bye_at: dict[str, float] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    """Dialogs that the phone has hung up by itself."""

    @property
    def lives(self) -> bool:
        return self.over is None and self.stopped is None


@dataclass
class Ringing:
    """One destination that rang people."""

    began: Began
    referee: Referee
    legs: list[Leg] = field(default_factory=list)
    skipped: dict[int, Skip] = field(default_factory=dict)
    judged: float = 0.0
    """Up to when."""
    end: Win | Finish | None = None


def voices(body: bytes) -> set[str]:
    """The payload numbers of PCMU, PCMA and G722 in a description."""
    formats = re.search(rb"RTP/AVP (.*)\r", body)
    return set(formats[1].decode().split()) & {"0", "8", "9"} if formats else set()
