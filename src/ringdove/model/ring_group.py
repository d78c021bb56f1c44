"""A ring group: a number that rings several people, and what happens when nobody answers."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from ringdove.model.audio import FOLLOW_SYSTEM, is_file_name
from ringdove.model.destination import Destination
from ringdove.model.extension import Extension
from ringdove.model.reference import AudioRef, DestinationKind, ObjectKind, Ref
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

AUDIO_FIELDS = {
    "join_prompt": {ObjectKind.PROMPT},
    "welcome_prompt": {ObjectKind.PROMPT, ObjectKind.PLAYLIST},
    "moh": {ObjectKind.PLAYLIST},
    "client_unique_ringtone": {ObjectKind.RINGTONE},
}
"""The fields that name audio, and what they can name."""


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

    def onward(self, *, nobody_online: bool) -> Destination:
        """Where a call goes that nobody here answers (R2)."""
        return self.no_agent_online_dest or self.fail_dest if nobody_online else self.fail_dest

    def refs(self) -> Iterator[Ref]:
        """Every object that this group mentions, as member or as destination."""
        for entry in self.member_list:
            yield from (member.ref for member in entry.members)
        yield from (d.ref for d in (self.fail_dest, self.no_agent_online_dest) if d and d.ref)

    def audio(self) -> dict[str, AudioRef]:
        """All audio that this group names, by the field that does."""
        named = {field: audio_ref(field, getattr(self, field)) for field in AUDIO_FIELDS}
        named["fail_dest_value"] = self.fail_dest.prompt
        named["no_agent_online_value"] = self.no_agent_online_dest.prompt if self.no_agent_online_dest else None
        return {field: ref for field, ref in named.items() if ref}


class RosterEntry(BaseModel):
    """One entry with its extension groups expanded: extensions in order, each once."""

    model_config = ConfigDict(frozen=True)

    members: tuple[Extension, ...]
    delay_time: int = 0
    timeout: int = 0


def audio_ref(field: str, name: str) -> AudioRef | None:
    """Return what a name in one of `AUDIO_FIELDS` stands for; None for none at all, and for the system's music."""
    if not name or (field == "moh" and name == FOLLOW_SYSTEM):
        return None
    kinds = AUDIO_FIELDS[field]
    if len(kinds) > 1:
        kinds = {ObjectKind.PROMPT if is_file_name(name) else ObjectKind.PLAYLIST}
    (kind,) = kinds
    return AudioRef(kind, name)


def needs_ring_timeout(strategy: Strategy) -> bool:
    """Whether the strategy times its members by `ring_timeout`; with `custom` each entry has its own times."""
    return strategy is not Strategy.CUSTOM


def counts_missed_calls(strategy: Strategy, fail_dest: DestinationKind) -> bool:
    """Whether `enb_miss_call` applies."""
    forwards = {DestinationKind.EXTENSION, DestinationKind.RING_GROUP, DestinationKind.QUEUE}
    return strategy is not Strategy.SEQUENTIALLY and fail_dest in forwards
