"""The ring group at work: a pure state machine from events to actions (R1 to R10).

The shell tells it what happened (`handle(event, now)`), performs the actions in their order, and calls again with
`Tick` when `deadline` has come. Live calls, the simulator and the tests use this one engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from . import plan
from .eligibility import Skip, Standing, skip_reason
from .plan import Entry, Strategy, Window


class Outcome(StrEnum):
    """How a ring group ended."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    NOBODY_ONLINE = "nobody_online"
    NOBODY_ELIGIBLE = "nobody_eligible"
    ABANDONED = "abandoned"
    DIVERTED = "diverted"
    """A member sent the call to its voicemail."""


class Why(StrEnum):
    """Why a leg is to stop ringing; only ELSEWHERE is told to the phone (R5)."""

    ELSEWHERE = "answered elsewhere"
    WINDOW_CLOSED = "window closed"
    DECLINED = "declined on another device"
    REGISTERED_ANEW = "phone registered anew"
    REMOVED = "member removed"
    CALLER_GONE = "caller gone"
    DIVERTED = "sent to a member's voicemail"


@dataclass(frozen=True, slots=True)
class Begin:
    """Ringing begins: this is time 0 of the plan."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline has come."""


class StandingChanged(NamedTuple):
    """A member registered, lost a binding, became busy or free, changed presence …"""

    member: int
    standing: Standing


class Answered(NamedTuple):
    """A leg got its 2xx."""

    leg: int


class Failed(NamedTuple):
    """A leg ended without an answer. `status` is the final SIP status, 408 for silence, 503 for no transport."""

    leg: int
    status: int


class Diverted(NamedTuple):
    """A leg ended because its phone sent the call to the member's voicemail, which it may."""

    leg: int


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller hung up or cancelled."""


Event = Begin | Tick | StandingChanged | Answered | Failed | Diverted | CallerGone


class Ring(NamedTuple):
    """Send an INVITE to this binding of this member."""

    leg: int
    member: int
    binding: str


class Stop(NamedTuple):
    """End this leg: CANCEL it, or ACK and BYE where its 2xx has come meanwhile."""

    leg: int
    why: Why


class Skipped(NamedTuple):
    """This member is not rung, or not in this window."""

    member: int
    reason: Skip


class Win(NamedTuple):
    """Connect the caller to this leg."""

    leg: int


class Finish(NamedTuple):
    """The group is done. `status` is the most telling final code for the caller where nothing follows.

    `by` is the member that diverted the call, if one did.
    """

    outcome: Outcome
    status: int
    by: int | None = None


Action = Ring | Stop | Skipped | Win | Finish


@dataclass(slots=True)
class _Member:
    standing: Standing
    legs: dict[int, str] = field(default_factory=dict)
    """The legs that ring, with their bindings."""
    tried: set[str] = field(default_factory=set)
    """Bindings that rang in the window that is open."""
    declined: bool = False
    skipped: Skip | None = None
    """Why it did not ring when it was last looked at."""
    result: int = 480
    """The most telling failure: 486 busy, 603 declined, 480 the rest."""


class Engine:
    """One ringing of one group.

    `entries` is the member list with extension groups expanded, `standings` holds every member of it. No more than
    `most_legs` phones are rung in all, which come first wins.
    """

    def __init__(
        self,
        strategy: Strategy,
        ring_timeout: float,
        entries: Sequence[Entry],
        standings: Mapping[int, Standing],
        *,
        most_legs: float = float("inf"),
    ) -> None:
        self._strategy = strategy
        self._ring_timeout = ring_timeout
        self._entries = entries
        self._order = plan.members(entries)
        self._members = {member: _Member(standings[member]) for member in self._order}
        self._legs: dict[int, int] = {}
        """Ringing leg to its member."""
        self._last_leg = 0
        self._most_legs = most_legs
        self._began_at: float | None = None
        self._at = 0.0
        """The time of the last event, in seconds since the beginning."""
        self._planned: list[Window] = []
        """Another one whenever it changes."""
        self._due = float("-inf")
        """Until then nothing opens or closes, unless somebody's standing changes or nobody rings any more."""
        self._opened: set[tuple[int, float]] = set()
        self._done = False
        self._actions: list[Action] = []

    @property
    def deadline(self) -> float | None:
        """When to call with `Tick` next, on the clock of `handle`; None when there is nothing to wait for."""
        return None if self._done or self._began_at is None else self._began_at + self._due

    @property
    def windows(self) -> list[Window]:
        """The plan as it stands, in seconds from the beginning; the same object for as long as it stays the same."""
        return self._planned

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take one event; returns what to do now, in order. After `Finish` or `Win` nothing more comes."""
        self._actions = []
        if self._done:
            return self._actions
        if self._began_at is not None:
            self._at = plan.tidy(now - self._began_at)
        match event:
            case Begin() if self._began_at is None:
                self._began_at = now
                self._begin()
            case StandingChanged(member, standing) if member in self._members:
                self._stand(member, standing)
            case Answered(leg) if leg in self._legs:
                self._answered(leg)
            case Failed(leg, status) if leg in self._legs:
                self._failed(leg, status)
            case Diverted(leg) if leg in self._legs:
                by = self._forget(leg)
                self._stop_all(Why.DIVERTED)
                self._finish(Outcome.DIVERTED, 480, by)
            case CallerGone():
                self._stop_all(Why.CALLER_GONE)
                self._finish(Outcome.ABANDONED, 487)
            case _:  # a tick, or what no longer concerns us
                pass
        if self._began_at is not None and not self._done and (self._at >= self._due or not self._legs):
            self._settle()
        return self._actions

    # Each event

    def _begin(self) -> None:
        reasons = {member: skip_reason(m.standing) for member, m in self._members.items()}
        self._skip((member, reason) for member, reason in reasons.items() if reason is not None)
        eligible = {member for member, reason in reasons.items() if reason is None}
        if not any(m.standing.bindings and not m.standing.is_caller for m in self._members.values()):
            self._finish(Outcome.NOBODY_ONLINE, 480)
        elif not eligible:
            self._finish(Outcome.NOBODY_ELIGIBLE, self._most_telling_status())
        else:
            self._planned = plan.windows(self._strategy, self._ring_timeout, self._entries, eligible)

    def _stand(self, member: int, standing: Standing) -> None:
        m = self._members[member]
        if standing == m.standing:
            return
        m.standing = standing
        m.tried.intersection_update(standing.bindings)  # a phone that registers anew may be tried anew
        self._due = self._at
        if not standing.enabled:
            self._stop(list(m.legs), Why.REMOVED)
        if self._began_at is not None and skip_reason(standing) is None:
            self._give_windows(member)

    def _answered(self, leg: int) -> None:
        self._forget(leg)
        self._stop_all(Why.ELSEWHERE)
        self._actions.append(Win(leg))
        self._done = True

    def _failed(self, leg: int, status: int) -> None:
        m = self._members[self._forget(leg)]
        m.result = _telling(m.result, status)
        if status >= 600:
            m.declined = True
            self._stop(list(m.legs), Why.DECLINED)

    # What is due

    def _settle(self) -> None:
        """Close what is over, open what is due, and leave when nothing is left (R7, R8)."""
        fruitless = self._keep_time()
        while fruitless and self._strategy.in_turn and any(w.stop > self._at for w in self._planned):
            self._planned = plan.pull_forward(self._planned, self._at)
            fruitless = self._keep_time()
        if not self._legs and not self._has_future():
            self._finish(Outcome.UNANSWERED, self._most_telling_status())
        self._due = self._next_due()

    def _keep_time(self) -> bool:
        """Close and open what the plan says; True when the next turn, or the end, is to come at once."""
        open_now = {w.member for w in self._planned if w.is_open(self._at)}
        self._stop([leg for leg, member in self._legs.items() if member not in open_now], Why.WINDOW_CLOSED)
        return self._open_due()

    def _open_due(self) -> bool:
        """Ring whose window is open; True when the turn that came is skipped, or nobody rings at all."""
        fruitless = False
        for window in self._planned:
            m = self._members[window.member]
            if not window.is_open(self._at) or m.declined:
                continue
            reason = skip_reason(m.standing)
            if (window.member, window.start) not in self._opened:
                self._opened.add((window.member, window.start))
                m.tried.clear()
                fruitless = reason is not None or not self._may_ring
                if reason is not None:
                    self._skip([(window.member, reason)])
            if reason is None:
                self._ring(window.member, m)
        return fruitless or not self._legs

    @property
    def _may_ring(self) -> bool:
        return self._last_leg < self._most_legs

    def _ring(self, member: int, m: _Member) -> None:
        for binding in m.standing.bindings:
            if binding in m.tried:
                continue
            m.tried.add(binding)
            if self._may_ring:
                self._stop([leg for leg, rung in m.legs.items() if rung == binding], Why.REGISTERED_ANEW)
                m.skipped = None
                self._last_leg += 1
                m.legs[self._last_leg] = binding
                self._legs[self._last_leg] = member
                self._actions.append(Ring(self._last_leg, member, binding))
            elif not m.legs:
                self._skip([(member, Skip.TOO_MANY_LEGS)])

    def _give_windows(self, member: int) -> None:
        """Windows for a member that had none because it was not eligible when the plan was made (R9)."""
        if any(w.member == member for w in self._planned):
            return
        if self._strategy.in_turn:
            self._planned = plan.insert_turn(
                self._planned, self._strategy, self._ring_timeout, self._order, member, self._at
            )
        else:
            more = plan.windows(self._strategy, self._ring_timeout, self._entries, {member})
            self._planned = [*self._planned, *more]

    def _next_due(self) -> float:
        starts = (w.start for w in self._planned if w.start > self._at)
        stops = (w.stop for w in self._planned if w.stop > self._at and self._members[w.member].legs)
        return min(chain(starts, stops), default=float("inf"))

    def _has_future(self) -> bool:
        ahead = any(w.start > self._at and not self._members[w.member].declined for w in self._planned)
        return ahead and self._may_ring

    # Bookkeeping

    def _forget(self, leg: int) -> int:
        member = self._legs.pop(leg)
        del self._members[member].legs[leg]
        return member

    def _stop(self, legs: Iterable[int], why: Why) -> None:
        for leg in legs:
            self._forget(leg)
            self._actions.append(Stop(leg, why))

    def _stop_all(self, why: Why) -> None:
        self._stop(list(self._legs), why)

    def _skip(self, skipped: Iterable[tuple[int, Skip]]) -> None:
        for member, reason in skipped:
            self._members[member].skipped = reason
            self._actions.append(Skipped(member, reason))

    def _finish(self, outcome: Outcome, status: int, by: int | None = None) -> None:
        self._done = True
        self._actions.append(Finish(outcome, status, by))

    def _most_telling_status(self) -> int:
        """486 if every member was busy, 603 if every one declined, else 480 (outcome table)."""
        results = {
            _telling(m.result, 486 if m.skipped is Skip.BUSY else 480)
            for m in self._members.values()
            if not m.standing.is_caller
        }
        return results.pop() if len(results) == 1 else 480


def _telling(before: int, status: int) -> int:
    """One member's result from its legs: a refusal by hand says more than busy, busy more than the rest."""
    telling = 603 if status in (603, 607, 608) else 486 if status in (486, 600) else 480
    return max(before, telling, key=(480, 486, 603).index)
