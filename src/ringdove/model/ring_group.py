"""A ring group: a number that rings several people, and what happens when nobody answers."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from ringdove.model.destination import Destination
from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.rules import (
    AlertInfo,
    AudioName,
    EntrySeconds,
    GroupName,
    Number,
    ObjectId,
    RingTimeout,
    StoredId,
    refuse,
)
from ringdove.ring.plan import Strategy


class MemberType(StrEnum):
    """What one mention in a member list names."""

    EXTENSION = "extension"
    EXT_GROUP = "ext_group"


class MemberRef(BaseModel):
    """One mention of an extension or extension group."""

    model_config = ConfigDict(frozen=True)

    type: MemberType
    id: ObjectId

    @property
    def ref(self) -> Ref:
        """The object that is mentioned."""
        return Ref(ObjectKind(self.type), self.id)


class Entry(BaseModel):
    """One element of `member_list`: a single member, or with `custom` several sharing delay and timeout (seconds)."""

    model_config = ConfigDict(frozen=True)

    members: tuple[MemberRef, ...]
    delay_time: EntrySeconds = 0
    timeout: EntrySeconds = 0


class RingGroup(BaseModel):
    """One ring group in the words of the page; `id` is 0 until the store has given one.

    `ring_timeout` (seconds) is None with `custom`, where each entry has its own times. Audio names are "" when unset.
    `member_list` can be empty: members may have been deleted since.
    """

    model_config = ConfigDict(frozen=True)

    id: StoredId = 0
    number: Number
    name: GroupName
    ring_strategy: Strategy
    ring_timeout: RingTimeout | None = None
    join_prompt: AudioName = ""
    play_full_join_prompt: bool = False
    welcome_prompt: AudioName = ""
    moh: AudioName = ""
    alert_info: AlertInfo = ""
    client_unique_ringtone: AudioName = ""
    member_list: tuple[Entry, ...] = ()
    fail_dest: Destination
    no_agent_online_dest: Destination | None = None
    enb_miss_call: bool = False

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if needs_ring_timeout(self.ring_strategy) and self.ring_timeout is None:
            raise refuse("required", "ring_timeout is required for this strategy")
        return self

    def refs(self) -> Iterator[Ref]:
        """Every object that this group mentions, as member or as destination."""
        for entry in self.member_list:
            yield from (member.ref for member in entry.members)
        yield from (d.ref for d in (self.fail_dest, self.no_agent_online_dest) if d and d.ref)


class RosterEntry(BaseModel):
    """One entry with its extension groups expanded: extensions in order, each once."""

    model_config = ConfigDict(frozen=True)

    members: list[Extension]
    delay_time: int = 0
    timeout: int = 0


def needs_ring_timeout(strategy: Strategy) -> bool:
    """Whether the strategy times its members by `ring_timeout`; with `custom` each entry has its own times."""
    return strategy is not Strategy.CUSTOM


def counts_missed_calls(strategy: Strategy, fail_dest: DestinationKind) -> bool:
    """Whether `enb_miss_call` applies."""
    forwards = {DestinationKind.EXTENSION, DestinationKind.RING_GROUP, DestinationKind.QUEUE}
    return strategy is not Strategy.SEQUENTIALLY and fail_dest in forwards
