"""What the phones saw: every call that one made and every call that rang one. Times are Unix seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ringdove.demo.incoming import IncomingLine
from ringdove.demo.line import Ending, Line, State
from ringdove.demo.outgoing import OutgoingLine
from ringdove.demo.phone import Phone

_EPOCH = time.time() - time.monotonic()

GRACE = 10.0
"""Seconds before and after a note of its being disabled in which an extension may be turned away."""

Place = tuple[str, int]
"""Host and port of a Contact."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call as one phone saw it. `call_id` is that of its dialog."""

    phone: str
    """The number of the phone's extension."""
    call_id: str
    began: float
    answered: float | None
    ended: float
    ending: Ending
    status: int | None

    @property
    def talked(self) -> float | None:
        """Seconds from the answer to the end."""
        return None if self.answered is None else self.ended - self.answered


@dataclass(frozen=True, slots=True)
class Attempt(Seen):
    """A call that it made. `identified`: it came as far as to show its password."""

    dialled: str
    identified: bool

    @property
    def outcome(self) -> str:
        """In a few words."""
        if self.answered is not None:
            return "answered"
        if self.ending is Ending.GAVE_UP and self.status == 487:
            return "given up"
        if self.ending is Ending.LOST:
            return "phone vanished"
        return f"refused: {self.status}"


@dataclass(frozen=True, slots=True)
class Ring(Seen):
    """A call that came. `place` is where it reached the phone."""

    caller: str
    place: Place
    acknowledged: bool


@dataclass
class Spoken:
    """What a caller did at a mailbox: said `voice` after each tone that it heard, for so many seconds.

    A take lasts from the end of the tone to the key or the hang-up that ended it.
    """

    voice: bytes
    takes: list[float] = field(default_factory=list)


@dataclass
class Ledger:
    """The calls that are over, and the lines on which one goes on.

    `spoken` is what callers said to mailboxes, `persons` are the calls in which they heard somebody; by Call-ID.
    """

    attempts: list[Attempt] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    open: set[Line] = field(default_factory=set)
    """The screen is drawn in a thread, so whoever goes through them takes a copy."""
    spoken: dict[str, Spoken] = field(default_factory=dict)
    turned_away: dict[str, list[float]] = field(default_factory=dict)
    """When an extension was, or may have been, disabled: Unix seconds, by number."""
    persons: set[str] = field(default_factory=set)
    on_answer: Callable[[IncomingLine], None] = lambda _: None
    """Is told when a phone has taken a call."""

    def watch(self, phone: Phone) -> None:
        """Note what happens on a phone; it forgets its calls when they are over."""
        phone.on_change = self._on_change

    def may_be_turned_away(self, attempt: Attempt) -> bool:
        """Whether its caller was disabled at about that time."""
        return any(
            attempt.began - GRACE <= at <= attempt.ended + GRACE for at in self.turned_away.get(attempt.phone, ())
        )

    def talks(self) -> int:
        """Lines on which somebody talks."""
        return sum(line.state.is_up for line in tuple(self.open))

    def incoming(self) -> list[IncomingLine]:
        """Calls that rang a phone, and are not over."""
        return [line for line in tuple(self.open) if isinstance(line, IncomingLine)]

    def outgoing(self) -> list[OutgoingLine]:
        """Calls that a phone made, and that are not over."""
        return [line for line in tuple(self.open) if isinstance(line, OutgoingLine)]

    def _on_change(self, line: Line) -> None:
        if line.state is not State.OVER:
            self.open.add(line)
            is_news = line.held_at is None and line.resumed_at is None
            if isinstance(line, IncomingLine) and line.state is State.TALKING and is_news:
                self.on_answer(line)
            return
        self.open.discard(line)
        line.phone.lines.remove(line)
        assert line.over_at is not None
        assert line.ending is not None
        seen: dict[str, Any] = {
            "phone": line.phone.account.number,
            "call_id": line.call_id,
            "began": line.began_at + _EPOCH,
            "answered": None if line.answered_at is None else line.answered_at + _EPOCH,
            "ended": line.over_at + _EPOCH,
            "ending": line.ending,
            "status": line.status,
        }
        match line:
            case OutgoingLine():
                self.attempts.append(Attempt(**seen, dialled=line.party, identified=line.identified))
            case IncomingLine():
                contact = line.phone.contact
                place = contact.host, contact.port or 5060
                acknowledged = line.acknowledged_at is not None
                self.rings.append(Ring(**seen, caller=line.caller, place=place, acknowledged=acknowledged))
