"""Both sides' books of the calls, laid side by side: what the phones saw, and what the server has on record."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ringdove.client import Client
from ringdove.demo.line import Ending
from ringdove.model.story import Disposition, LegResult, LegStory, Story
from ringdove.sip.uri import Uri

from . import logs, post
from .ledger import Attempt, Ledger, Place, Ring, Seen
from .logs import Logs, read_logs
from .post import Found, Post, lying
from .world import OWN_MAILBOX, SHORTEST, World

_NEAR = 1.0
"""Seconds by which two durations of the same talk may differ,"""
_REPEAT = 0.5
"""and those after which a message that was lost is sent again, twice as many each time (T1 of RFC 3261)."""
_POSTED = 60.0
"""Seconds within which the last messages are in their mailboxes."""
_WRITTEN = 10.0
"""Seconds within which the records of the last calls are closed."""
_PAGE = 100
_REFUSED = {
    487: Disposition.ABANDONED,
    **dict.fromkeys((486, 600), Disposition.BUSY),
    **dict.fromkeys((408, 480, 603), Disposition.NO_ANSWER),
}
"""How a call counts that was not answered; FAILED with any other status."""


class Outage(NamedTuple):
    """From when to when the server was away; Unix seconds."""

    began: float
    ended: float


class Stall(NamedTuple):
    """When the machine let the server, or the phones, wait, and for how long: Unix seconds, seconds."""

    at: float
    seconds: float


@dataclass
class Accounts:
    """What came out: how the calls ended, by the phones' and by the server's books, and what does not fit together."""

    outcomes: Counter[str] = field(default_factory=Counter)
    dispositions: Counter[str] = field(default_factory=Counter)
    rings: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    """Lines in the logs of extensions."""
    messages: Counter[str] = field(default_factory=Counter)
    cut_off: int = 0
    """Calls that an outage of the server ended."""
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Books:
    """What the server has on record beside the calls themselves: messages, and logs of extensions."""

    world: World
    post: Post
    there: Sequence[Found] = ()
    logs: Logs = field(default_factory=dict)


@dataclass(eq=False)
class _Leg:
    story: Story
    line: LegStory
    ring: Ring | None = None

    @property
    def invited(self) -> float:
        return self.story.started_at + self.line.invited_at


async def audit(
    api: Client,
    world: World,
    ledger: Ledger,
    post: Post,
    lost_of: Counter[str],
    outages: Sequence[Outage] = (),
    stalls: Sequence[Stall] = (),
) -> Accounts:
    """Read every record, message and log, and compare. `lost_of` are SIP messages lost by Call-ID."""
    stories = await _closed(api)
    everybody = [person.id for person in (*world.people, *world.guests)]
    there = await _arrived(api, world, stories, post)
    books = Books(world, post, there, await read_logs(api, everybody))
    return compare(ledger, stories, lost_of, outages, stalls, books)


async def _closed(api: Client) -> list[Story]:
    """Every record, once all are closed or time is up: they are written a little after the phones know of the end."""
    until = time.monotonic() + _WRITTEN
    while True:
        stories = await _stories(api)
        if all(story.ended_at is not None for story in stories) or time.monotonic() > until:
            return stories
        await asyncio.sleep(0.5)


async def _arrived(api: Client, world: World, stories: Sequence[Story], deeds: Post) -> list[Found]:
    """What is in the mailboxes, once nothing is wrong with it or time is up: each message is work for a process."""
    until = time.monotonic() + _POSTED
    while True:
        there = await lying(api, world)
        if not any(post.wrongs(stories, world.vm_groups, there, deeds)) or time.monotonic() > until:
            return there
        await asyncio.sleep(1.0)


def compare(
    ledger: Ledger,
    stories: list[Story],
    lost_of: Counter[str],
    outages: Sequence[Outage] = (),
    stalls: Sequence[Stall] = (),
    books: Books | None = None,
) -> Accounts:
    """Lay the two books side by side; see `audit`."""
    return _Audit(ledger, stories, lost_of, outages, stalls, books).run()


class _Audit:
    def __init__(
        self,
        ledger: Ledger,
        stories: list[Story],
        lost_of: Counter[str],
        outages: Sequence[Outage],
        stalls: Sequence[Stall],
        books: Books | None,
    ) -> None:
        self._ledger = ledger
        self._stories = stories
        self._lost_of = lost_of
        self._outages = outages
        self._stalls = stalls
        self._books = books
        self._cut_off: list[Attempt] = []
        """Calls that an outage ended: their records hold what was known at the last step before it."""
        self._result = Accounts()
        self._legs: list[_Leg] = [
            _Leg(story, line)
            for story in stories
            for hop in story.hops
            for attempt in hop.attempts
            for line in attempt.legs
        ]

    def run(self) -> Accounts:
        for story in self._stories:
            self._result.dispositions[story.disposition or "open"] += 1
            if story.ended_at is None:
                self._complain(story, "its record is still open")
        self._match_attempts()
        self._match_rings()
        for leg in self._legs:
            self._check_leg(leg)
        legs_of: defaultdict[str, list[_Leg]] = defaultdict(list)
        for leg in self._legs:
            legs_of[leg.story.id].append(leg)
        for story in self._stories:
            self._check_winner(story, legs_of[story.id])
        for line in self._ledger.open:
            number = line.phone.account.number
            self._result.complaints.append(f"a phone of {number} is left {line.state} with {line.party}")
        self._result.cut_off = len(self._cut_off)
        if self._books is not None:
            self._check_books(self._books)
        return self._result

    # Calls that phones made

    def _match_attempts(self) -> None:
        """Each has exactly one record, and the other way round."""
        records: defaultdict[str, list[Story]] = defaultdict(list)
        for story in self._stories:
            records[story.sip_call_id].append(story)
        for attempt in self._ledger.attempts:
            self._result.outcomes[attempt.outcome] += 1
            mine = records.pop(attempt.call_id, [])
            if self._is_cut_off(attempt.began, attempt.ended):
                self._cut_off.append(attempt)
            elif len(mine) > 1:
                self._complain(mine[1], f"{len(mine)} records of one call")
            elif mine:
                self._check_attempt(attempt, mine[0])
            elif attempt.ending is Ending.GAVE_UP and self._ledger.may_be_turned_away(attempt):
                pass  # it was told that it had given up before it was told that it may not call
            elif attempt.identified and attempt.status != 401 and attempt.ending is not Ending.LOST:
                what = f"{attempt.phone} called {attempt.dialled} ({attempt.outcome})"
                self._result.complaints.append(f"{what}, and there is no record of it")
        for left in records.values():
            for story in left:
                self._complain(story, "a record of a call that nobody made")

    def _check_attempt(self, attempt: Attempt, story: Story) -> None:
        """The record says what the caller saw. One that vanished has not seen the end."""
        if (attempt.phone, attempt.dialled) != (story.caller.number, story.dialled):
            self._complain(story, f"it was {attempt.phone} who called {attempt.dialled}")
        if attempt.ending is Ending.LOST:
            return
        if attempt.status != story.final_status:
            self._complain(story, f"the caller got {attempt.status}, the record says {story.final_status}")
        expected = self._dispositions(attempt)
        if story.disposition not in expected:
            wanted = " or ".join(expected)
            self._complain(story, f"{story.disposition}, though for the caller it was {wanted} ({attempt.outcome})")
        self._check_length("caller", attempt, story)
        self._check_message(attempt, story)

    def _dispositions(self, attempt: Attempt) -> Sequence[Disposition]:
        """How a call may count by what its caller saw (outcome table of the design), and heard once it was answered."""
        if attempt.answered is None:
            return (_REFUSED.get(attempt.status or 0, Disposition.FAILED),)
        if attempt.call_id in self._ledger.spoken:
            return (Disposition.VOICEMAIL,)
        if attempt.call_id in self._ledger.persons or attempt.dialled == OWN_MAILBOX:
            return (Disposition.ANSWERED,)
        return Disposition.ANSWERED, Disposition.VOICEMAIL  # it hung up before it could tell

    def _check_length(self, who: str, seen: Seen, story: Story) -> None:
        if seen.talked is None or story.answered_at is None or story.ended_at is None:
            return
        talked = story.ended_at - story.answered_at
        if abs(talked - seen.talked) > self._allowed(seen):
            self._complain(story, f"the {who} talked for {seen.talked:.2f} s, the record says {talked:.2f} s")

    def _check_message(self, attempt: Attempt, story: Story) -> None:
        """What a caller said that was long enough is a message; and nothing else is."""
        spoken = self._ledger.spoken.get(attempt.call_id)
        takes = spoken.takes if spoken is not None else []
        allowed, message = self._allowed(attempt), story.message
        if message is not None and not any(abs(message.seconds - take) <= allowed for take in takes):
            said = ", ".join(f"{take:.2f}" for take in takes) or "nothing"
            self._complain(story, f"a message of {message.seconds:.2f} s, and the caller said {said}")
        if message is None and any(take > SHORTEST + allowed for take in takes):
            self._complain(story, f"no message, and the caller spoke for {max(takes):.2f} s")

    def _allowed(self, seen: Seen) -> float:
        """Seconds by which two durations may differ: what was lost is said again, and the machine was busy."""
        repeats = _REPEAT * (2.0 ** self._lost_of[seen.call_id] - 1)
        meanwhile = (stall for stall in self._stalls if seen.began - _NEAR <= stall.at <= seen.ended + _NEAR)
        return _NEAR + repeats + sum(stall.seconds for stall in meanwhile)

    # Messages and logs

    def _check_books(self, books: Books) -> None:
        judged = {story.id: story for story in self._stories if not self._is_cut_off_story(story)}
        cut = {story.id for story in self._stories} - set(judged)
        wrong = [
            *post.wrongs(judged.values(), books.world.vm_groups, books.there, books.post),
            *logs.wrongs(judged.values(), books.logs),
        ]
        for call, what in wrong:
            if call in judged:
                self._complain(judged[call], what)
            elif call not in cut:
                self._result.complaints.append(f"call {call}, of which there is no record: {what}")
        self._result.messages.update(
            {
                "left": sum(story.message is not None for story in self._stories),
                "in mailboxes at the end": len(books.there),
                "fetched and heard": books.post.heard,
                "deleted": len(books.post.gone),
            }
        )
        for rows in books.logs.values():
            self._result.logged.update(f"{row.direction}: {row.result}" for row in rows)

    # Calls that rang phones

    def _match_rings(self) -> None:
        """Each stands in a record."""
        legs = {leg.line.sip_call_id: leg for leg in self._legs}
        for ring in self._ledger.rings:
            self._result.rings[ring.ending] += 1
            if (leg := legs.get(ring.call_id)) is not None:
                leg.ring = ring
            elif not self._was_cut_off(ring):
                self._result.complaints.append(
                    f"a phone of {ring.phone} rang for {ring.caller} ({ring.ending}), and no record says so"
                )

    def _check_leg(self, leg: _Leg) -> None:
        """What the record says of a leg is what its phone saw."""
        ring, line, story = leg.ring, leg.line, leg.story
        if self._is_cut_off(leg.invited, story.started_at + (story.ended_at or 0.0)):
            return
        if ring is None:
            if line.ringing_at is not None:
                self._complain(story, f"{line.contact} rang, and no phone knows of it")
            return
        if ring.place != _place(line.contact):
            self._complain(story, f"{line.contact} is said to have rung, it was {ring.place}")
        if ring.ending is Ending.LOST:
            return
        # Without the ACK a BYE of the server shows that it knows of the answer: the ACK was lost, or late.
        knows = ring.answered is not None and (ring.acknowledged or ring.ending is Ending.LEFT)
        if line.result is LegResult.ANSWERED and not knows:
            self._complain(story, f"{line.contact} answered, and its phone does not know ({ring.ending})")
        if ring.ending is Ending.REFUSED and line.status not in (None, ring.status):
            self._complain(story, f"{line.contact} said {ring.status}, the record has {line.status}")

    def _check_winner(self, story: Story, legs: Iterable[_Leg]) -> None:
        """The winner that is named is the phone that was connected, and there is one, or none where none is named."""
        winners = [leg for leg in legs if leg.line.result is LegResult.ANSWERED]
        if len(winners) != (story.answered_by is not None) and not self._is_cut_off_story(story):
            self._complain(story, f"{len(winners)} legs were answered, by {story.answered_by}")
        for winner in winners:
            ring = winner.ring
            if ring is None or ring.ending is Ending.LOST or self._is_cut_off_story(story):
                continue
            if story.answered_by is None or story.answered_by.number != ring.phone:
                self._complain(story, f"{ring.phone} was connected, {story.answered_by} is named")
            self._check_length("callee", ring, story)

    # How it is done

    def _is_cut_off_story(self, story: Story) -> bool:
        return self._is_cut_off(story.started_at, story.started_at + (story.ended_at or 0.0))

    def _is_cut_off(self, began: float, ended: float) -> bool:
        """Whether the server was away meanwhile, or so shortly after that the record may not be complete."""
        return any(began - _NEAR <= outage.ended and outage.began <= ended + _NEAR for outage in self._outages)

    def _was_cut_off(self, ring: Ring) -> bool:
        """Whether the call that rang there was."""
        calls = (attempt for attempt in self._cut_off if attempt.phone == ring.caller)
        return any(attempt.began <= ring.began <= attempt.ended for attempt in calls)

    def _complain(self, story: Story, what: str) -> None:
        self._result.complaints.append(f"call {story.id}, {story.caller.number} to {story.dialled}: {what}")


async def _stories(api: Client) -> list[Story]:
    """Every record there is."""
    ids: list[str] = []
    while True:
        page = await api.get("calls/list", page=len(ids) // _PAGE + 1, page_size=_PAGE, order_by="asc")
        ids += [row["id"] for row in page["data"]]
        if len(page["data"]) < _PAGE:
            break
    stories: list[Story] = []
    for at in range(0, len(ids), 4):
        answers = await asyncio.gather(*(api.get("calls/get", id=id_) for id_ in ids[at : at + 4]))
        stories += [Story.from_data(answer["data"]) for answer in answers]
    return stories


def _place(contact: str) -> Place:
    uri = Uri.parse(contact)
    return uri.host, uri.port or 5060
