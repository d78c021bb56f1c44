"""Reads a call off the wire and holds it against the rules: who had to ring and stop when, what everybody is told.

The referee, which knows nothing of the engine, says after each event what has to happen; the wire has to show exactly
that, in the same instant. Then the record has to tell the same story.
"""

from collections import Counter

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.reference import DestinationKind
from ringdove.model.story import HopOutcome, Story
from ringdove.net.endpoint import Direction
from ringdove.ring.engine import Answered, Begin, CallerGone, Failed, Outcome, StandingChanged, Tick, Why, Win
from ringdove.ring.engine import Event as RingEvent
from ringdove.sip.message import Request, Response

from ..ring_referee import REFEREES, microseconds
from . import record
from .legs import Leg, Ringing, voices
from .record import Way
from .world import Began, Changed, Chronicle, Seen, Unreachable

TIMEOUT = 32.0
"""Seconds without any response after which a request has failed: 64*T1."""
INSTANT = 1e-6


def same(one: float, other: float) -> bool:
    """Whether two times are one instant."""
    return abs(one - other) < INSTANT


def judge(chronicle: Chronicle) -> None:
    """Every call of a world, and what it leaves behind. Raises AssertionError."""
    assert not chronicle.left, chronicle.left
    taken: Counter[str] = Counter()
    for caller in chronicle.calls:
        taken += _Call(chronicle, caller).judge()
    for host, phone in chronicle.phones.items():
        answered = Counter(dialog.call_id for dialog in phone.taken)
        for call_id, count in answered.items():
            assert taken[call_id] <= count, f"{host} took {call_id} {count} times, the server knows of {taken[call_id]}"


class _Call:
    def __init__(self, chronicle: Chronicle, caller: int) -> None:
        self._chronicle = chronicle
        self._caller = caller
        self._number = str(2000 + caller)
        self._calling = chronicle.calls[caller]
        stories = [story for story in chronicle.stories if story.caller.id == caller]
        assert len(stories) <= 1, "one call, one record"
        self._story: Story | None = stories[0] if stories else None
        self._rings: list[Ringing] = []
        self._legs: dict[str, Leg] = {}
        self._gone: float | None = None
        self._finals: list[tuple[float, int]] = []
        self._provisionals: set[int] = set()
        self._branches: set[str] = set()
        self._turned_away: set[str] = set()
        """INVITEs that were answered with a challenge."""
        self._began = 0.0
        self._now = 0.0

    @property
    def _ringing(self) -> Ringing | None:
        """What rings now."""
        return self._rings[-1] if self._rings and self._rings[-1].end is None else None

    def judge(self) -> Counter[str]:
        """Go through all that was seen; returns how often each of its legs was answered."""
        for event in self._chronicle.events:
            match event:
                case Seen(at, way, _, message) if message.call_id == self._calling.call_id:
                    self._pass_time(at, way is Direction.OUT)
                    self._see_caller(at, way, message)
                case Seen(at, Direction.OUT, _, Request(method="INVITE") as invite) if self._is_new_leg(invite):
                    self._pass_time(at, True)
                    self._see_invite(at, invite)
                case Seen(at, way, _, message) if message.call_id in self._legs:
                    self._pass_time(at, way is Direction.OUT)
                    self._see_leg(at, way, message, self._legs[message.call_id])
                case Unreachable(at, host):
                    self._pass_time(at, False)
                    for leg in list(self._legs.values()):
                        if leg.binding.endswith(f"@{host}") and leg.over is None:
                            self._failed(at, leg, 503)
                case Changed(at, member, standing):
                    self._pass_time(at, False)
                    mine = standing._replace(is_caller=member == self._caller)
                    if self._ringing and member in self._ringing.referee.people:
                        self._rule(at, StandingChanged(member, mine))
                case Began(at, call_id) if self._story and call_id == self._story.id:
                    self._pass_time(at, True)
                    self._begin(event)
        self._pass_time(self._chronicle.took + 1.0, True)
        self._sum_up()
        return Counter({leg.call_id: len(leg.successes) for leg in self._legs.values()})

    # Time

    def _pass_time(self, at: float, inclusive: bool) -> None:
        """Let happen what nobody says: windows that open and close, phones that do not answer."""
        limit = at + INSTANT if inclusive else at - INSTANT
        while True:
            due: list[tuple[float, int, Leg | None]] = [
                (leg.invited + TIMEOUT, 0, leg)
                for leg in self._legs.values()
                if leg.invited is not None and leg.over is None and leg.provisional is None
            ]
            due += [
                (leg.cancelled + TIMEOUT, 0, leg)
                for leg in self._legs.values()
                if leg.cancelled is not None and leg.over is None
            ]
            if (ringing := self._ringing) is not None:
                zero = ringing.began.at
                change = ringing.referee.next_change(microseconds(ringing.judged - zero))
                due.append((zero + change / 1_000_000, 1, None))
            if not due:
                break
            when, _, who = min(due, key=lambda entry: entry[:2])
            if when > limit:
                break
            self._now = max(self._now, when)
            if who is None:
                self._rule(when, Tick())
            else:
                self._failed(when, who, 408)
        if at > self._now + INSTANT:
            self._all_invited()
        self._now = max(self._now, at)

    def _all_invited(self) -> None:
        """What had to ring has had its INVITE (R8, R9, R11)."""
        for ringing in self._rings[-1:]:
            for leg in ringing.legs:
                if leg.invited is None and (self._gone is None or self._gone > leg.due + INSTANT):
                    raise AssertionError(f"{leg.member} at {leg.binding} had to ring at {leg.due}")

    # The rules

    def _begin(self, began: Began) -> None:
        assert self._ringing is None, "one group at a time"
        referee = REFEREES[began.strategy](began.ring_timeout, began.entries, began.standings)
        self._rings.append(Ringing(began, referee))
        self._rule(began.at, Begin())
        if self._gone is not None:
            self._rule(began.at, CallerGone())

    def _rule(self, at: float, event: RingEvent) -> None:
        ringing = self._ringing
        if ringing is None:
            return
        ruling = ringing.referee.rule(microseconds(at - ringing.began.at), event)
        for member, reason in ruling.skips:
            ringing.skipped[member] = reason
        for number, why in ruling.stops.items():
            leg = ringing.legs[number]
            leg.stopped, leg.why = at, why
        for member, binding in sorted(ruling.rings):
            ringing.referee.rang(len(ringing.legs), member, binding)
            ringing.legs.append(Leg(len(ringing.legs), member, binding, at))
            ringing.skipped.pop(member, None)
        ringing.end, ringing.judged = ruling.end, at

    def _failed(self, at: float, leg: Leg, status: int) -> None:
        counts = leg.lives
        leg.over, leg.status = at, status
        if counts and self._holds(leg):
            self._rule(at, Failed(leg.number, status))

    def _holds(self, leg: Leg) -> bool:
        return self._ringing is not None and any(leg is other for other in self._ringing.legs)

    # The wire towards the phones

    def _is_new_leg(self, invite: Request) -> bool:
        return invite.to.tag is None and invite.from_.uri.user == self._number and invite.call_id not in self._legs

    def _see_invite(self, at: float, invite: Request) -> None:
        assert self._gone is None, "R10: nobody is called for a caller that has gone"
        assert self._rings, "an INVITE before anything rings"
        ringing = self._rings[-1]
        where = [leg for leg in ringing.legs if leg.invited is None and leg.binding == invite.uri]
        assert where, f"{invite.uri} rings at {at} and should not"
        assert same(where[0].due, at), f"{invite.uri} rings at {at} instead of {where[0].due}"
        assert invite.to.uri.user == str(2000 + where[0].member)
        kind, id_ = ringing.began.destination
        keyword = f"info=group{id_}"
        assert (keyword in (invite.headers.get("Alert-Info") or "")) == (kind == "ring_group")  # R13
        where[0].invited, where[0].call_id = at, invite.call_id
        where[0].offered = voices(invite.body)
        self._legs[invite.call_id] = where[0]

    def _see_leg(self, at: float, way: Direction, message: Request | Response, leg: Leg) -> None:
        match message:
            case Response() if way is Direction.IN and message.cseq.method == "INVITE" and message.cseq.number == 1:
                self._see_answer(at, leg, message)
            case Request(method="CANCEL") if way is Direction.OUT and message.cseq.number == 1:
                leg.cancels.append(message)
                if leg.cancelled is None:
                    leg.cancelled = at
            case Request(method="ACK") if way is Direction.OUT and message.cseq.number == 1:
                leg.acks.setdefault(message.to.tag or "", []).append(at)
            case Request(method="BYE") if way is Direction.OUT:
                before = leg.byes.setdefault(message.to.tag or "", message)
                leg.bye_at.setdefault(message.to.tag or "", at)
                assert before.via.branch == message.via.branch, "one BYE for each dialog"
            case Request(method="BYE"):
                leg.left.add(message.from_.tag or "")

    def _see_answer(self, at: float, leg: Leg, response: Response) -> None:
        over = leg.over is not None and leg.status is not None and not 200 <= leg.status < 300
        first = leg.over is None
        if over:
            return  # its transaction is over, or repeats the ACK by itself
        if not response.is_final:
            leg.provisional = at if leg.provisional is None else leg.provisional
            if response.status > 100 and leg.lives and leg.rang is None:
                leg.rang = at
        elif not response.is_success:
            if first:
                self._failed(at, leg, response.status)
        elif first or at <= (leg.over or at) + TIMEOUT:
            leg.successes.setdefault(response.to.tag or "", []).append(at)
            if first:
                usable = bool(leg.offered & voices(response.body))
                decides = leg.lives and self._holds(leg) and not (usable and self._leaves_at(at))
                leg.over, leg.status = at, 200
                leg.won = decides and usable
                if decides:
                    self._rule(at, Answered(leg.number) if usable else Failed(leg.number, 488))

    # The wire towards the caller

    def _see_caller(self, at: float, way: Direction, message: Request | Response) -> None:
        match message:
            case Request(method="INVITE") if way is Direction.IN and message.to.tag is None:
                if not self._branches:
                    self._began = at
                self._branches.add(message.via.branch)
            case Request(method="CANCEL") if way is Direction.IN and message.via.branch in self._branches:
                self._caller_leaves(at, message.via.branch)
            case Request(method="BYE") if way is Direction.IN and not self._finals and self._provisionals - {100}:
                self._caller_leaves(at, "")
            case Response() if way is Direction.OUT and message.cseq.method == "INVITE":
                self._see_said(at, message)

    def _caller_leaves(self, at: float, branch: str) -> None:
        if self._finals or self._gone is not None:
            return
        if branch not in self._turned_away:
            self._gone = at
            self._rule(at, CallerGone())

    def _leaves_at(self, at: float) -> bool:
        """Whether the caller leaves in this very instant, before it was told of an answer: then nobody has won."""
        for event in self._chronicle.events:
            match event:
                case Seen(when, way, _, message) if same(when, at) and message.call_id == self._calling.call_id:
                    if way is Direction.OUT:
                        return False
                    if isinstance(message, Request) and message.method in ("CANCEL", "BYE"):
                        return True
        return False

    def _see_said(self, at: float, response: Response) -> None:
        if response.status == 401:
            self._turned_away.add(response.via.branch)
        elif response.cseq.number > 2 or (self._finals and response.status != self._finals[0][1]):
            pass  # to a re-INVITE
        elif response.is_final:
            self._finals.append((at, response.status))
        else:
            assert not self._finals, "no provisional after the final response"
            assert not (response.status == 180 and 183 in self._provisionals), "180 never follows 183"
            self._provisionals.add(response.status)

    # The sum of it

    def _sum_up(self) -> None:
        self._all_invited()
        assert self._ringing is None, "a group rings for ever"
        for leg in self._legs.values():
            self._check_leg(leg)
        final = self._finals[0][1] if self._finals else None
        if self._story is None:
            assert final in (None, 487), "every call has a record"
            assert not self._legs
            return
        expected, hops = self._expected()
        assert final == expected, f"the caller gets {final} instead of {expected}"
        assert self._provisionals <= {100, 180, 183}
        winners = [leg for leg in self._legs.values() if leg.won]
        assert len(winners) == (1 if expected == 200 else 0), "R4: exactly one winner"
        record.check(self._story, final, hops, self._rings, came=self._began, gone=self._gone is not None)
        caller_is_dead = f"10.1.0.{self._caller}" in self._chronicle.dead
        if not caller_is_dead and not self._calling.failed:
            assert self._calling.finals == [final], f"the caller saw {self._calling.finals}, it was told {final}"

    def _check_leg(self, leg: Leg) -> None:
        name = f"{leg.member} at {leg.binding} (invited at {leg.invited})"
        assert leg.invited is not None
        # CANCEL: for every leg that was stopped, as soon as there is something to cancel, and for no other.
        if leg.stopped is None:
            assert not leg.cancels, f"{name} is cancelled without need"
        elif leg.provisional is None or (leg.over is not None and leg.over < leg.stopped - INSTANT):
            assert not leg.cancels, f"{name} is cancelled too early or too late"
        else:
            wanted = max(leg.stopped, leg.provisional)
            tie = leg.over is not None and leg.over <= wanted + INSTANT
            assert leg.cancels or tie, f"{name} had to be cancelled at {wanted}"
            if leg.cancelled is not None:
                assert same(leg.cancelled, wanted), f"{name} is cancelled at {leg.cancelled} instead of {wanted}"
        elsewhere = leg.why is Why.ELSEWHERE
        for message in (*leg.cancels, *leg.byes.values()):
            told = any("cause=200" in reason for reason in message.headers.get_all("Reason"))
            if not leg.won:
                assert told == elsewhere, f"R5: {name}: {message.method} says elsewhere: {told}"
        # 2xx: each is acknowledged each time; all but the winner's are hung up at once.
        for tag, times in leg.successes.items():
            acked = leg.acks.get(tag, [])
            assert len(acked) == len(times), f"{name}: 2xx at {times}, ACK at {acked}"
            assert all(same(one, other) for one, other in zip(times, acked, strict=True)), f"{name}: {times}, {acked}"
            if not (leg.won and tag == next(iter(leg.successes))):
                assert tag in leg.byes, f"R4: {name} keeps a ghost call"
                assert same(leg.bye_at[tag], times[0]), f"R4: {name} is hung up late"

    def _expected(self) -> tuple[int, Way]:
        """The final status for the caller by the outcome table, and the way the call takes."""
        story = self._story
        assert story is not None
        people = {person.number: person.id for person in self._chronicle.script.people}
        groups = {group.number: group for group in self._chronicle.script.groups}
        by_id = {str(group.id): group for group in groups.values()}
        rings = iter(self._rings)
        way: Way = []
        if story.dialled in people:
            there = Destination(kind=DestinationKind.EXTENSION, value=str(people[story.dialled]))
        elif story.dialled in groups:
            there = Destination(kind=DestinationKind.RING_GROUP, value=str(groups[story.dialled].id))
        else:
            return (487 if self._gone is not None else 404), way
        visited: set[Destination] = set()
        verdict = 480
        while True:
            kind, id_ = str(there.kind), int(there.value or 0)
            if there in visited:
                return self._unless_gone(482, way, (kind, id_, HopOutcome.LOOP))
            visited.add(there)
            if there == END_CALL:
                return self._unless_gone(verdict, way, ("end_call", 0, HopOutcome.ENDED))
            ringing = next(rings, None)
            if ringing is None:
                assert self._gone is not None, f"nobody rings at {there}"
                return 487, way
            assert ringing.began.destination == (kind, id_)
            assert ringing.end is not None
            if isinstance(ringing.end, Win):
                way.append((kind, id_, HopOutcome.ANSWERED))
                assert next(rings, None) is None
                return 200, way
            way.append((kind, id_, HopOutcome(ringing.end.outcome)))
            if ringing.end.outcome is Outcome.ABANDONED:
                assert next(rings, None) is None, "R10: no failover"
                return 487, way
            verdict = ringing.end.status
            group = by_id[there.value] if there.kind is DestinationKind.RING_GROUP else None
            if group is None:
                there = END_CALL
            elif ringing.end.outcome is Outcome.NOBODY_ONLINE and group.nobody_dest is not None:
                there = group.nobody_dest
            else:
                there = group.fail_dest

    def _unless_gone(
        self,
        status: int,
        way: Way,
        hop: tuple[str, int, HopOutcome | None],
    ) -> tuple[int, Way]:
        """The caller may have left between two destinations."""
        return (487, way) if self._gone is not None else (status, [*way, hop])
