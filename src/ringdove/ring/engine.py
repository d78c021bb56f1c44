"""The ring group at work: a pure state machine from events to actions (R1 to R10).

The shell tells it what happened (`handle(event, now)`), performs the actions in their order, and calls again with
`Tick` when `deadline` has come. Live calls, the simulator and the tests use this one engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .eligibility import Skip, Standing, skip_reason
from .hunt import Hunt
from .member import Member
from .plan import Entry, Plan, Strategy, Window, members, tidy
from .timetable import Timetable


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
        self._members = {member: Member(standings[member]) for member in members(entries)}
        """In list order."""
        self._legs: dict[int, int] = {}
        """Ringing leg to its member."""
        self._last_leg = 0
        self._most_legs = most_legs
        self._began_at = 0.0
        self._plan: Plan | None = None
        """None until ringing begins."""
        self._at = 0.0
        """The time of the last event, in seconds since the beginning."""
        self._done = False
        self._actions: list[Action] = []

    @property
    def deadline(self) -> float | None:
        """When to call with `Tick` next, on the clock of `handle`; None when there is nothing to wait for."""
        return None if self._done or self._plan is None else self._began_at + self._plan.due

    @property
    def windows(self) -> list[Window]:
        """The plan as it stands, in seconds from the beginning."""
        return [] if self._plan is None else self._plan.windows

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take one event; returns what to do now, in order. After `Finish` or `Win` nothing more comes."""
        self._actions = []
        if self._done:
            return self._actions
        if self._plan is not None:
            self._at = tidy(now - self._began_at)
        joins: int | None = None
        match event:
            case Begin() if self._plan is None:
                self._began_at = now
                self._begin()
            case StandingChanged(member, standing) if member in self._members:
                joins = self._stand(member, standing)
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
        plan = self._plan
        if plan is not None and not self._done and (joins is not None or not self._legs or self._at >= plan.due):
            self._settle(plan, joins)
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
            self._plan = self._plan_for(eligible)

    def _plan_for(self, eligible: set[int]) -> Plan:
        everybody = tuple(self._members)
        match self._strategy:
            case Strategy.RING_ALL:
                return Timetable(self._members, eligible, [Entry(everybody, timeout=self._ring_timeout)])
            case Strategy.CUSTOM:
                return Timetable(self._members, eligible, self._entries)
        return Hunt(everybody, eligible, self._ring_timeout, gathers=self._strategy is Strategy.MEMORY_HUNT)

    def _stand(self, member: int, standing: Standing) -> int | None:
        """Note what is known of a member now; returns the member where that may let it ring (R9)."""
        m = self._members[member]
        if standing == m.standing:
            return None
        m.standing = standing
        m.tried.intersection_update(standing.bindings)  # a phone that registers anew may be tried anew
        if not standing.enabled:
            self._stop(list(m.legs), Why.REMOVED)
        if self._plan is None or m.declined or skip_reason(standing) is not None:
            return None
        self._plan.join(member, self._at)
        return member

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

    def _settle(self, plan: Plan, joins: int | None) -> None:
        """Close what is over, open what is due, and leave when nothing is left (R7, R8).

        `joins` is a member that may ring now, or on more phones, in the window that it has.
        """
        rings = self._keep_time(plan)
        while not rings and plan.hurry(self._at):
            rings = self._keep_time(plan)
        if joins is not None and plan.is_open(joins, self._at):
            self._ring(joins)
        while not self._legs and plan.hurry(self._at):
            self._keep_time(plan)
        if not self._legs and not (self._may_ring and plan.waits):
            self._finish(Outcome.UNANSWERED, self._most_telling_status())

    def _keep_time(self, plan: Plan) -> bool:
        """Do what the plan says; False where whose turn came cannot be rung, so that the next is to come at once."""
        closed, opened = plan.turn_to(self._at)
        for member in closed:
            self._stop(list(self._members[member].legs), Why.WINDOW_CLOSED)
        rings = True
        for member in opened:
            rings = self._open(member)
        return rings

    def _open(self, member: int) -> bool:
        """Ring a member whose window opens, or tell why not; False where it cannot be rung."""
        m = self._members[member]
        if m.declined:
            return False
        m.tried.clear()
        reason = skip_reason(m.standing)
        if reason is not None:
            self._skip([(member, reason)])
            return False
        can_ring = self._may_ring
        self._ring(member)
        return can_ring

    @property
    def _may_ring(self) -> bool:
        return self._last_leg < self._most_legs

    def _ring(self, member: int) -> None:
        m = self._members[member]
        rings = {binding: leg for leg, binding in m.legs.items()}
        for binding in m.standing.bindings:
            if binding in m.tried:
                continue
            m.tried.add(binding)
            if self._may_ring:
                if binding in rings:
                    self._stop([rings[binding]], Why.REGISTERED_ANEW)
                m.skipped = None
                self._last_leg += 1
                m.legs[self._last_leg] = binding
                self._legs[self._last_leg] = member
                self._actions.append(Ring(self._last_leg, member, binding))
            elif not m.legs:
                self._skip([(member, Skip.TOO_MANY_LEGS)])

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
