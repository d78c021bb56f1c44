"""A ring group as it stands in requests: the fields of the page with every limit and condition on it."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from ringdove.api.errors import Problem
from ringdove.api.form import (
    LIBERAL_INT,
    Broken,
    Fields,
    Flag,
    Form,
    IdText,
    as_id,
    as_text,
    choice,
    objects,
    path,
)
from ringdove.model.destination import REFERS_TO, Destination, broken_rules
from ringdove.model.reference import AudioRef, DestinationKind, Mention, ObjectKind, Ref
from ringdove.model.ring_group import (
    AUDIO_FIELDS,
    Entry,
    MemberRef,
    MemberType,
    RingGroup,
    audio_ref,
    counts_missed_calls,
    needs_ring_timeout,
)
from ringdove.model.rules import MAX_MEMBERS, AlertInfo, AudioName, EntrySeconds, GroupName, Number, RingTimeout, refuse
from ringdove.ring.plan import Strategy


class DestinationFields(NamedTuple):
    """The three fields that hold one destination."""

    kind: str
    prefix: str
    value: str


FAIL_DEST = DestinationFields("fail_dest", "fail_dest_prefix", "fail_dest_value")
NO_AGENT = DestinationFields("no_agent_online_dest", "no_agent_online_prefix", "no_agent_online_value")
DESTINATIONS = (FAIL_DEST, NO_AGENT)

_SIMPLE_ENTRY = ("value", "type")
_CUSTOM_ENTRY = ("sub_option", "delay_time", "timeout")

_PREFIX = (
    "With `external_num`: the digits dialled before the number, at most 7, or empty. With `play_greeting`: how many "
)
_PREFIX += 'times it is played, "0" to "5". Required with these two, ignored with the others.'
_VALUE = (
    "What exactly: a file name with `play_greeting`, a number with `external_num`, else the id of the object. Required "
)
_VALUE += "with every kind but `end_call`."
_PROMPT = "the file name of a custom prompt"


class MemberForm(Form):
    """An extension or extension group that an entry of the `custom` strategy rings."""

    value: IdText = Field(description="The id of the extension or extension group.")
    type: MemberType = Field(description="What `value` is the id of.")


class EntryForm(Form):
    """One entry of the member list: `value` and `type`, or with `custom` the other three."""

    value: IdText | None = Field(None, description="The id of the extension or extension group. Not with `custom`.")
    type: MemberType | None = Field(None, description="What `value` is the id of. Not with `custom`.")
    sub_option: list[MemberForm] | None = Field(
        None, min_length=1, max_length=MAX_MEMBERS, description="With `custom`: who is rung by this entry."
    )
    delay_time: Annotated[EntrySeconds, LIBERAL_INT] | None = Field(
        None, description="With `custom`: seconds until this entry begins to ring."
    )
    timeout: Annotated[EntrySeconds, LIBERAL_INT] | None = Field(
        None, description="With `custom`: seconds this entry rings; with 0 it never does."
    )

    def entry(self) -> Entry:
        """Return the entry that the form describes."""
        mentions = self.sub_option if self.sub_option is not None else [self]
        members = tuple(
            MemberRef(type=mention.type, id=int(mention.value))
            for mention in mentions
            if mention.type is not None and mention.value is not None
        )
        return Entry(members=members, delay_time=self.delay_time or 0, timeout=self.timeout or 0)


class RingGroupForm(Form):
    """The settings of a ring group."""

    keeps_empty: ClassVar[frozenset[str]] = frozenset(fields.prefix for fields in DESTINATIONS)

    number: Number = Field(description="What is dialled to reach the group. It cannot be changed later.")
    name: GroupName = Field(description="The name of the group.")
    ring_strategy: Strategy = Field(
        description="`ring_all`: everybody at once. `sequentially`: one after the other. `memory_hunt`: one after the "
        "other, and earlier members keep ringing. `custom`: every entry at its own times."
    )
    ring_timeout: Annotated[RingTimeout, LIBERAL_INT] | None = Field(
        None,
        description="Seconds until the next member rings (`sequentially`, `memory_hunt`) or the call goes on to "
        "`fail_dest` (`ring_all`). Required with these three, ignored with `custom`.",
    )
    join_prompt: AudioName = Field("", description=f"Played once when a call joins: {_PROMPT}.")
    play_full_join_prompt: Flag = Field(0, description="Whether members ring only after `join_prompt`: 0 no, 1 yes.")
    welcome_prompt: AudioName = Field(
        "", description=f"Played until somebody answers: {_PROMPT}, or the name of a music playlist."
    )
    moh: AudioName = Field(
        "",
        description="The music playlist for calls on hold, by name; `follow_system`: the system's own; empty: none.",
    )
    alert_info: AlertInfo = Field(
        "", description="A keyword in the Alert-Info header by which phones choose their ring tone."
    )
    client_unique_ringtone: AudioName = Field("", description="The ring tone of web clients, by file name.")
    member_list: list[EntryForm] = Field(
        max_length=MAX_MEMBERS, description="Who is rung, in this order.", json_schema_extra={"minItems": 1}
    )
    fail_dest: DestinationKind = Field(description="Where calls go that nobody answers in time.")
    fail_dest_prefix: str | None = Field(None, description=_PREFIX)
    fail_dest_value: str | None = Field(None, description=_VALUE)
    enb_miss_call: Flag = Field(
        0,
        description="Whether a call that nobody took stands as missed in the logs of those in the failover "
        "destination: 0 no, 1 yes. 0 with `sequentially`, and unless `fail_dest` is `extension`, `ring_group` or "
        "`queue`.",
    )
    no_agent_online_dest: DestinationKind | None = Field(
        None, description="Where calls go when no member has a phone registered; default: as `fail_dest` says."
    )
    no_agent_online_prefix: str | None = Field(None, description=_PREFIX)
    no_agent_online_value: str | None = Field(None, description=_VALUE)

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Drop what does not apply to the strategy and to the kinds of destinations."""
        data = dict(data)
        strategy = choice(Strategy, data.get("ring_strategy"))
        if strategy:
            if not needs_ring_timeout(strategy):
                data.pop("ring_timeout", None)
            if isinstance(data.get("member_list"), list):
                data["member_list"] = [_relevant_entry(entry, strategy) for entry in data["member_list"]]
        for fields in DESTINATIONS:
            kind = choice(DestinationKind, data.get(fields.kind))
            if kind is DestinationKind.END_CALL or fields.kind not in data:
                data.pop(fields.prefix, None)
                data.pop(fields.value, None)
            elif kind not in (None, DestinationKind.EXTERNAL_NUM, DestinationKind.PLAY_GREETING):
                data.pop(fields.prefix, None)
        fail_dest = choice(DestinationKind, data.get("fail_dest"))
        if strategy and fail_dest and not counts_missed_calls(strategy, fail_dest):
            data.pop("enb_miss_call", None)
        return data

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """What the strategy requires of group and entries, and what the kinds of destinations require."""
        strategy = choice(Strategy, data.get("ring_strategy"))
        if strategy and needs_ring_timeout(strategy) and "ring_timeout" not in data:
            yield _required("ring_timeout")
        for i, entry in objects(data.get("member_list")) if strategy else ():
            needed = _CUSTOM_ENTRY if strategy is Strategy.CUSTOM else _SIMPLE_ENTRY
            yield from (_required("member_list", i, name) for name in needed if entry.get(name) in (None, ""))
        for fields in DESTINATIONS:
            kind = choice(DestinationKind, data.get(fields.kind))
            if kind:
                prefix, value = as_text(data.get(fields.prefix)), as_text(data.get(fields.value))
                for part, error in broken_rules(kind, prefix, value):
                    yield Broken((getattr(fields, part),), error)

    def ring_group(self) -> RingGroup:
        """Return the ring group that the form describes."""
        plain = self.model_dump(exclude={"member_list", *FAIL_DEST, *NO_AGENT})
        nobody = self.no_agent_online_dest
        return RingGroup(
            **plain,
            member_list=tuple(entry.entry() for entry in self.member_list),
            fail_dest=Destination.trimmed(self.fail_dest, self.fail_dest_prefix, self.fail_dest_value),
            no_agent_online_dest=Destination.trimmed(nobody, self.no_agent_online_prefix, self.no_agent_online_value)
            if nobody
            else None,
        )


def fields_of(group: RingGroup) -> Fields:
    """Return a ring group as it would stand in a request, without what is not set."""
    fields: Fields = group.model_dump(
        mode="json", exclude={"id", "member_list", "fail_dest", "no_agent_online_dest"}, exclude_none=True
    )
    fields["play_full_join_prompt"] = int(group.play_full_join_prompt)
    fields["enb_miss_call"] = int(group.enb_miss_call)
    custom = group.ring_strategy is Strategy.CUSTOM
    fields["member_list"] = [_entry_fields(entry, custom=custom) for entry in group.member_list]
    for names, destination in ((FAIL_DEST, group.fail_dest), (NO_AGENT, group.no_agent_online_dest)):
        if destination:
            parts = (destination.kind.value, destination.prefix, destination.value)
            fields |= {name: part for name, part in zip(names, parts, strict=True) if part is not None}
    return fields


def merged(current: RingGroup, changes: Fields) -> Fields:
    """Return a ring group as a form with `changes` made; its number stays.

    A new kind of destination does not inherit prefix and value: an id means something else under every kind.
    """
    fields = fields_of(current)
    for names in DESTINATIONS:
        if names.kind in changes and changes[names.kind] != fields.get(names.kind):
            fields.pop(names.prefix, None)
            fields.pop(names.value, None)
    known = RingGroupForm.model_fields.keys() - {"number"}
    return fields | {name: value for name, value in changes.items() if name in known}


def references(data: Fields) -> Iterator[tuple[str, Mention]]:
    """Say where a request, checked or not, mentions which object."""
    data = RingGroupForm.present(data)
    for i, entry in objects(data.get("member_list")):
        yield from _mention(entry, "member_list", i)
        for j, member in objects(entry.get("sub_option")):
            yield from _mention(member, "member_list", i, "sub_option", j)
    for fields in DESTINATIONS:
        kind = choice(DestinationKind, data.get(fields.kind))
        value = data.get(fields.value)
        if kind in REFERS_TO and (object_id := as_id(value)):
            yield fields.value, Ref(REFERS_TO[kind], object_id)
        elif kind is DestinationKind.PLAY_GREETING and (file := as_text(value)):
            yield fields.value, AudioRef(ObjectKind.PROMPT, file)
    for field in AUDIO_FIELDS:
        if ref := audio_ref(field, as_text(data.get(field)) or ""):
            yield field, ref


def unsupported(data: Fields, can_enter: Callable[[DestinationKind], bool]) -> Iterator[Problem]:
    """Name the destinations of kinds that this build cannot enter."""
    for fields in DESTINATIONS:
        kind = choice(DestinationKind, data.get(fields.kind))
        if kind and not can_enter(kind):
            yield Problem(fields.kind, "unsupported")


def _required(*location: int | str) -> Broken:
    return Broken(location, refuse("required", "this field is needed here"))


def _relevant_entry(entry: Any, strategy: Strategy) -> Any:
    if not isinstance(entry, dict):
        return entry
    ignored = _SIMPLE_ENTRY if strategy is Strategy.CUSTOM else _CUSTOM_ENTRY
    return {name: value for name, value in entry.items() if name not in ignored}


def _mention(member: Any, *location: int | str) -> Iterator[tuple[str, Ref]]:
    kind, object_id = choice(MemberType, member.get("type")), as_id(member.get("value"))
    if kind and object_id:
        yield path((*location, "value")), Ref(ObjectKind(kind.value), object_id)


def _entry_fields(entry: Entry, *, custom: bool) -> Fields:
    mentions = [{"value": str(member.id), "type": member.type.value} for member in entry.members]
    if custom:
        return {"sub_option": mentions, "delay_time": entry.delay_time, "timeout": entry.timeout}
    return dict(mentions[0])
