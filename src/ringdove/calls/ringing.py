"""The ring engine at work in a call: its actions become INVITEs and CANCELs, what the phones say becomes its events."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ringdove.media.engine import EngineUnavailable, MediaError
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.model.ring_group import RosterEntry
from ringdove.model.story import Attempt, Hop, HopOutcome
from ringdove.ring import engine as rules
from ringdove.ring.eligibility import Skip, Standing
from ringdove.ring.plan import Entry, Strategy

from .call import Call
from .gate import Cap
from .inbox import CallerGone, LegAnswered, LegFailed, LegRang, MemberChanged, SettingsChanged
from .invitation import EMPTY_LOOK, Look
from .member import MemberLeg
from .sounds import Program
from .standing import standing_of


@dataclass(frozen=True, slots=True)
class Ringable:
    """Who is to ring and how. `ring_timeout` in seconds."""

    strategy: Strategy
    ring_timeout: float
    roster: Sequence[RosterEntry]
    look: Look = EMPTY_LOOK
    may_divert: bool = False
    """Whether a phone may send the call to its person's voicemail, where that has one."""
    program: Program | None = None
    """What the caller hears from the beginning (a group, ADR 0003); None: nothing new until the first phone rings."""


async def ring(call: Call, hop: Hop, people: Ringable) -> MemberLeg | rules.Finish:
    """Ring until somebody answers, everything has been tried, or the caller gives up."""
    return await _Ringing(call, hop, people).run()


def entries_of(roster: Sequence[RosterEntry]) -> list[Entry]:
    """The roster as the rules read it."""
    return [Entry(tuple(m.id for m in e.members), float(e.delay_time), float(e.timeout)) for e in roster]


class _Ringing:
    def __init__(self, call: Call, hop: Hop, people: Ringable) -> None:
        self._call = call
        self._hop = hop
        self._invitation = call.invitation(people.look)
        self._may_divert = people.may_divert
        self._program = people.program
        """What the caller is still to hear."""
        self._loop = asyncio.get_running_loop()
        self._extensions: dict[int, Extension] = {m.id: m for e in people.roster for m in e.members}
        self._bindings: dict[int, dict[str, StoredBinding]] = {}
        """By member and key, as the engine was told of them last."""
        self._legs: dict[int, MemberLeg] = {}
        """By the engine's number."""
        self._engine = rules.Engine(
            people.strategy,
            people.ring_timeout,
            entries_of(people.roster),
            {member: self._standing(member) for member in self._extensions},
            most_legs=call.legs_left,
        )
        self._attempts: dict[int, Attempt] = {}

    async def run(self) -> MemberLeg | rules.Finish:
        book = self._call.book
        for member, extension in self._extensions.items():
            self._attempts[member] = book.attempt(self._hop, extension)
        watch = self._call.board.lookout.watch(self._extensions.values(), self._call.inbox)
        with watch, book.plan(self._attempts, lambda: self._engine.windows):
            self._hop.ringing_from = book.now()
            event: rules.Event | None = rules.Begin()
            now = self._loop.time()
            while True:
                if event is not None and (result := await self._perform(self._engine.handle(event, now))) is not None:
                    return result
                event, now = await self._next()

    async def _next(self) -> tuple[rules.Event | None, float]:
        """The next thing that happened, in the engine's words; None for what does not concern it.

        The inbox may still hold what concerned a group that the call was in before.
        """
        deadline = self._engine.deadline
        happened = await self._call.inbox.next(until=deadline)
        now = self._loop.time()
        if happened is None and deadline is not None:
            return rules.Tick(), max(now, deadline)  # a timer may fire a little early
        match happened:
            case LegAnswered(leg) if self._rings(leg) and leg.is_answered:
                joined = await self._join(leg)
                # Where the caller has just left nobody has won, and nobody may be told that somebody did (R5).
                return rules.CallerGone() if self._call.caller.is_over else joined, now
            case LegFailed(leg, status) if self._rings(leg):
                await self._call.session.drop(leg.party)
                failed = rules.Diverted(leg.number) if self._diverts(leg) else rules.Failed(leg.number, status)
                return failed, now
            case LegRang():
                self._call.player.ringback()
            case SettingsChanged(member, extension) if member in self._extensions:
                removed = self._extensions[member].model_copy(update={"enabled": False})
                self._extensions[member] = extension or removed
                return rules.StandingChanged(member, self._standing(member)), now
            case MemberChanged(member) if member in self._extensions:
                return rules.StandingChanged(member, self._standing(member)), now
            case CallerGone():
                return rules.CallerGone(), now
            case _:
                await self._call.attend(happened)
        return None, now

    async def _join(self, leg: MemberLeg) -> rules.Event:
        """Make the audio of both ready; where that cannot be done it is a failure of that leg alone (R6)."""
        try:
            await self._call.join(leg)
        except MediaError as why:
            status = 503 if isinstance(why, EngineUnavailable) else 488
            leg.fail(status)
            await self._call.session.drop(leg.party)
            return rules.Failed(leg.number, status)
        return rules.Answered(leg.number)

    async def _perform(self, actions: list[rules.Action]) -> MemberLeg | rules.Finish | None:
        """Do what the engine says. Offers are made first, so that all INVITEs leave in one turn of the loop (R11)."""
        if self._program is not None and not any(isinstance(action, rules.Finish) for action in actions):
            await self._call.player.begin(self._program)
            self._program = None
        await self._call.make_offers([self._leg(action) for action in actions if isinstance(action, rules.Ring)])
        result: MemberLeg | rules.Finish | None = None
        for action in actions:
            match action:
                case rules.Ring(leg):
                    if not self._call.caller.is_over:  # it may have left while offers were made
                        self._legs[leg].invite(self._invitation)
                case rules.Stop(leg, why):
                    self._legs[leg].stop(why)
                case rules.Skipped(member, reason):
                    self._attempts[member].skipped = reason
                    if reason is Skip.TOO_MANY_LEGS:
                        self._call.board.gate.hits[Cap.LEGS] += 1
                case rules.Win(leg):
                    result = self._legs[leg]
                    self._hop.outcome = HopOutcome.ANSWERED
                case rules.Finish(outcome):
                    result = action
                    self._hop.outcome = HopOutcome(outcome)
        for action in actions:
            if isinstance(action, rules.Stop):
                await self._call.session.drop(self._legs[action.leg].party)
        return result

    def _leg(self, action: rules.Ring) -> MemberLeg:
        binding = self._bindings[action.member][action.binding]
        book = self._call.book.leg(self._attempts[action.member], binding.contact)
        callee = self._extensions[action.member]
        leg = self._legs[action.leg] = self._call.member_leg(action.leg, callee, binding, book)
        return leg

    def _rings(self, leg: MemberLeg) -> bool:
        """Whether it is ours, not one of a group that the call was in before."""
        return self._legs.get(leg.number) is leg

    def _diverts(self, leg: MemberLeg) -> bool:
        """Whether its phone has sent the call to voicemail, and may: by a code of ours, or its own number."""
        callee, settings = leg.callee, self._call.board.settings
        ways = {settings.vm_code, f"{settings.vm_to_code}{callee.number}", callee.number}
        return self._may_divert and callee.enb_vm and leg.diverted_to in ways

    # What changes while it rings

    def _standing(self, member: int) -> Standing:
        bindings = self._call.board.bindings(member)
        self._bindings[member] = {binding.key: binding for binding in bindings}
        return standing_of(self._call.board, self._extensions[member], bindings, self._call.who.id)
