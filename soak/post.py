"""The messages: what their owners collect meanwhile, what is in the mailboxes in the end, and what there should be."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from ringdove.client import Client
from ringdove.demo.mailbox import packets_of
from ringdove.media.codecs import FRAME_SECONDS
from ringdove.model.story import Hop, HopOutcome, Story

from .ledger import Ledger
from .world import VmGroup, World

_CLOSE = 0.05
"""Seconds by which two words of the server about the length of one recording may differ."""
_AUDIBLE = 0.7
"""The share of what a caller said that is there at least: packets are lost, and the phones wait for a core at times."""


class Box(NamedTuple):
    """A mailbox, as the interface asks for it: `ext_id` or `group_id`, and the id."""

    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Found:
    """A message as it lay in a mailbox; `call` is the id of its record."""

    box: Box
    call: str
    caller: str
    seconds: float


@dataclass
class Post:
    """What owners did with their messages: `gone` were deleted, `unsure` perhaps (there was no answer)."""

    gone: list[Found] = field(default_factory=list)
    unsure: list[Found] = field(default_factory=list)
    heard: int = 0
    """How many were fetched and listened to."""
    complaints: list[str] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def collect(self, api: Client, ledger: Ledger, box: Box, random: Random) -> None:
        """Fetch a message from a mailbox and hear whether it is the caller; then mark it as heard, or delete it."""
        async with self._lock:
            rows = (await api.get("vm/query", **{box.kind: box.id}))["data"]
            if not rows:
                return
            row = random.choice(rows)
            found = _found(box, row)
            wav = await api.download("vm/download", id=row["id"])
            story = Story.from_data((await api.get("calls/get", id=found.call))["data"])
            self.heard += 1
            self._listen(wav, found, ledger, story)
            if random.random() < 0.5:
                await api.post("vm/update", {"id": row["id"], "read": 1})
                return
            self.unsure.append(found)
            await api.get("vm/delete", ids=row["id"])
            self.unsure.remove(found)
            self.gone.append(found)

    def _listen(self, wav: bytes, found: Found, ledger: Ledger, story: Story) -> None:
        """Whoever vanished has left no word of what it said."""
        spoken = ledger.spoken.get(story.sip_call_id)
        if spoken is None or not spoken.takes:
            return
        heard = sum(packet.body == spoken.voice for packet in packets_of(wav, spoken.voice)) * FRAME_SECONDS
        if heard < _AUDIBLE * found.seconds - 1.0:
            of = f"{heard:.2f} s of {found.seconds:.2f} s are the caller's voice, takes {spoken.takes}"
            self.complaints.append(f"a message for {found.box} from {found.caller} (call {found.call}): {of}")


async def lying(api: Client, world: World) -> list[Found]:
    """All that is in the mailboxes."""
    found: list[Found] = []
    for box in boxes(world):
        rows = (await api.get("vm/query", **{box.kind: box.id}))["data"]
        found += [_found(box, row) for row in rows]
    return found


def boxes(world: World) -> list[Box]:
    """All mailboxes in which messages can lie."""
    own = [Box("ext_id", person.id) for person in (*world.people, *world.guests)]
    return own + [Box("group_id", group.id) for group in world.vm_groups if group.shared]


def boxes_of(person_id: int, groups: Sequence[VmGroup]) -> list[Box]:
    """The mailboxes that this person's lamp tells of: its own, and those that it shares."""
    shared = [Box("group_id", group.id) for group in groups if group.shared and person_id in group.members]
    return [Box("ext_id", person_id), *shared]


def wrongs(
    stories: Iterable[Story], groups: Sequence[VmGroup], there: Iterable[Found], post: Post
) -> Iterator[tuple[str, str]]:
    """What does not fit of the messages that calls have left and those that lie, or lay, in mailboxes; each with the id
    of its call. Each message has to be there exactly once in each mailbox that it is for.
    """
    counts = Counter((found.call, found.box) for found in (*there, *post.gone))
    may_be = {(found.call, found.box) for found in post.unsure}
    by_call: dict[str, list[Found]] = {}
    for found in (*there, *post.gone):
        by_call.setdefault(found.call, []).append(found)
    for story in stories:
        wanted = {box for hop in story.hops for box in _left_in(hop, groups)}
        message = story.message
        if bool(wanted) != (message is not None):
            yield story.id, f"a message is told of: {message}, and it was left in {wanted or 'nothing'}"
        for box in wanted:
            count = counts.pop((story.id, box), 0)
            if count != 1 and not (count == 0 and (story.id, box) in may_be):
                yield story.id, f"the message for {box} is there {count} times"
        for found in by_call.get(story.id, ()):
            if found.caller != story.caller.number:
                yield story.id, f"the message for {found.box} is said to be from {found.caller}"
            if message is not None and abs(found.seconds - message.seconds) > _CLOSE:
                yield story.id, f"the message has {message.seconds} s in the record, {found.seconds} s in {found.box}"
    for (call, box), count in counts.items():
        yield call, f"{count} messages in {box} that it has not left there"


def _left_in(hop: Hop, groups: Sequence[VmGroup]) -> Iterator[Box]:
    if hop.outcome is not HopOutcome.MESSAGE_LEFT:
        return
    if hop.kind == "ext_vm":
        yield Box("ext_id", int(hop.id))
        return
    group = next(group for group in groups if group.id == int(hop.id))
    if group.shared:
        yield Box("group_id", group.id)
    else:
        yield from (Box("ext_id", member) for member in group.members)


def _found(box: Box, row: dict[str, Any]) -> Found:
    return Found(box, row["call_id"], row["caller"], row["duration"])
