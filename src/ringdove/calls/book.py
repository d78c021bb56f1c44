"""Writes the story of one call while it happens."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum

from ringdove.model.extension import Extension
from ringdove.model.story import (
    Attempt,
    Disposition,
    EndedBy,
    Heard,
    HeardKind,
    Hop,
    HopOutcome,
    LegResult,
    LegStory,
    NotYet,
    Party,
    Story,
)
from ringdove.model.story import Window as PlannedWindow
from ringdove.ring.plan import Window


class CallState(StrEnum):
    """Where a running call is."""

    WAITING = "waiting"
    """No phone rings: the caller hears a prompt, or phones are just being called."""
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    """Somebody has put the other side on hold."""


def party_of(extension: Extension) -> Party:
    """An extension as the story names it."""
    return Party(id=extension.id, number=extension.number, name=extension.name)


class Book:
    """The story of one call and the hand that writes it; times count from here on. `clock` counts seconds."""

    def __init__(self, call_id: str, dialled: str, clock: Callable[[], float], *, sip_call_id: str = "") -> None:
        self._clock = clock
        self.began = clock()
        """When the call came, in the time of `clock`."""
        self.story = Story(
            id=call_id, started_at=time.time(), sip_call_id=sip_call_id, caller=Party(number=""), dialled=dialled
        )
        self._verdict: int | None = None
        """The status that the call came to."""
        self._voicemail = False

    def now(self) -> float:
        """Seconds since the call arrived, to the millisecond."""
        return round(self._clock() - self.began, 3)

    @property
    def state(self) -> CallState:
        """Where the call is."""
        if self.story.answered_at is not None:
            held = any(heard.kind is HeardKind.MOH and heard.ended_at is None for heard in self.story.heard)
            return CallState.HELD if held else CallState.TALKING
        attempts = self.story.hops[-1].attempts if self.story.hops else []
        rings = any(leg.ringing_at is not None and leg.ended_at is None for one in attempts for leg in one.legs)
        return CallState.RINGING if rings else CallState.WAITING

    @contextmanager
    def hop(
        self,
        kind: str,
        object_id: int | str = "",
        number: str = "",
        name: str = "",
        *,
        strategy: str | None = None,
        outcome: HopOutcome | NotYet = "",
    ) -> Iterator[Hop]:
        """One destination, entered now and left when the block ends."""
        hop = Hop(
            kind=kind,
            id=str(object_id),
            number=number,
            name=name,
            strategy=strategy,
            outcome=outcome,
            entered_at=self.now(),
        )
        self.story.hops.append(hop)
        try:
            yield hop
        finally:
            hop.left_at = self.now()

    def attempt(self, hop: Hop, member: Extension) -> Attempt:
        """What will have happened to this member in this hop."""
        attempt = Attempt(member=party_of(member))
        hop.attempts.append(attempt)
        return attempt

    @contextmanager
    def plan(self, attempts: Mapping[int, Attempt], windows: Callable[[], Sequence[Window]]) -> Iterator[None]:
        """Note from when to when each member was to ring: as the plan stands when the block ends, or somebody looks.

        Every phone that refuses may move all windows that are to come.
        """

        def note() -> None:
            planned: defaultdict[int, list[PlannedWindow]] = defaultdict(list)
            for window in windows():
                planned[window.member].append(PlannedWindow(start=window.start, stop=window.stop))
            for member, attempt in attempts.items():
                attempt.windows = planned[member]

        self.story.catch_up = note
        try:
            yield
        finally:
            note()
            self.story.catch_up = None

    def leg(self, attempt: Attempt, contact: str) -> "LegBook":
        """One INVITE to one phone, to be sent."""
        return LegBook(self, attempt, contact)

    def hears(self, party: Party, kind: HeardKind, name: str = "") -> "HearBook":
        """Something is played to a party from now on."""
        return HearBook(self, Heard(party=party, kind=kind, name=name, began_at=self.now()))

    def progressed(self) -> None:
        """The caller is told something other than 100; the first time counts."""
        if self.story.progress_at is None:
            self.story.progress_at = self.now()

    def acknowledged(self) -> None:
        """The caller's ACK is here; the first one counts."""
        if self.story.acknowledged_at is None:
            self.story.acknowledged_at = self.now()

    def picked_up(self) -> None:
        """The caller has its 200, from us or from who took the call."""
        self.story.final_status = 200

    def answered(self, by: Party | None = None) -> None:
        """Somebody took the call, or the server has (None): it was what the caller wanted to talk to."""
        self.picked_up()
        self.story.answered_at = self.now()
        self.story.answered_by = by

    def reached_voicemail(self) -> None:
        """The caller may leave a message; that is what the call counts as, unless somebody takes it."""
        self._voicemail = True

    def refused(self, status: int, reason: str) -> None:
        """The call came to nothing, which the caller was told by this status, or by a BYE where it has a 200."""
        self._verdict = status
        self.story.final_status = self.story.final_status or status
        self.ended(EndedBy.SERVER, reason)

    def ended(self, by: EndedBy, reason: str) -> None:
        """Note who ended the call and why; the first note stands."""
        if not self.story.ended_by:
            self.story.ended_by = by
            self.story.reason = reason

    def end(self, *, abandoned: str) -> None:
        """The call is over; `abandoned` says why the caller left before somebody took the call, "" where it did not."""
        if abandoned:
            self.story.final_status = self.story.final_status or 487
            self.ended(EndedBy.CALLER, abandoned)
        self.story.ended_at = self.now()
        self.story.disposition = self._disposition(abandoned)

    def _disposition(self, abandoned: str) -> Disposition:
        """How the call counts (outcome table of the design)."""
        if self.story.answered_at is not None:
            return Disposition.ANSWERED
        if self._voicemail:
            return Disposition.VOICEMAIL
        if abandoned:
            return Disposition.ABANDONED
        if self._verdict in (486, 600):
            return Disposition.BUSY
        return Disposition.NO_ANSWER if self._verdict in (408, 480, 603) else Disposition.FAILED


class HearBook:
    """One line of what was played."""

    def __init__(self, book: Book, line: Heard) -> None:
        self._book = book
        self._line = line
        book.story.heard.append(line)

    def called(self, name: str) -> None:
        """This is the prompt or playlist."""
        self._line.name = name

    def ended(self) -> None:
        """It is heard no more; the first time counts."""
        if self._line.ended_at is None:
            self._line.ended_at = self._book.now()


class LegBook:
    """One leg's line in the story."""

    __slots__ = (
        "_attempt",
        "_book",
        "_is_told",
        "_line",
    )

    def __init__(self, book: Book, attempt: Attempt, contact: str) -> None:
        self._book = book
        self._attempt = attempt
        self._line = LegStory(contact=contact, invited_at=0.0)
        self._is_told = False
        """Whether the line stands in the story."""

    @property
    def member(self) -> Party:
        """Whom it calls."""
        return self._attempt.member

    @property
    def call_id(self) -> str:
        """The call's id."""
        return self._book.story.id

    @property
    def sip_call_id(self) -> str:
        """The Call-ID of its INVITE, "" before that."""
        return self._line.sip_call_id

    def invited(self, leg: str = "", sip_call_id: str = "") -> None:
        """The INVITE is on its way, with this Call-ID."""
        self._line.leg, self._line.sip_call_id = leg, sip_call_id
        self._line.invited_at = self._book.now()
        self._attempt.legs.append(self._line)
        self._is_told = True
        self._attempt.skipped = None

    def tried(self) -> None:
        """The phone, or a server before it, says 100; the first time counts."""
        if self._line.trying_at is None:
            self._line.trying_at = self._book.now()

    def answered(self) -> None:
        """Its 200 is here, in time or not; the first time counts."""
        if self._line.answered_at is None:
            self._line.answered_at = self._book.now()

    @property
    def caller_knows(self) -> bool:
        """Whether the caller was told anything yet other than 100."""
        return self._book.story.progress_at is not None

    def rang(self) -> bool:
        """The phone says that it rings; whether that is news."""
        if self._line.ringing_at is not None:
            return False
        self._line.ringing_at = self._book.now()
        return True

    def ended(self, result: LegResult, status: int | None = None) -> None:
        """It rings no more; the first reason stands."""
        if not self._is_told:
            self.invited()  # it could not even be sent: the story tells so
        if self._line.ended_at is None:
            self._line.ended_at = self._book.now()
            self._line.result = result
            if self._attempt.result is not LegResult.DECLINED:  # what was said on one phone counts for all of them
                self._attempt.result = result
        if status is not None:
            self._line.status = status

    def said(self, status: int) -> None:
        """The phone's final status, where that no longer decides anything; the first one stands."""
        if self._line.status is None:
            self._line.status = status
