"""`vm_group/…`: group voicemails."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.crud import existing, named, nowhere, target, wanted
from ringdove.api.documentation import takes
from ringdove.api.envelope import Created, Done, Failure, Many, One, PageOf
from ringdove.api.errors import Problem, Refusal
from ringdove.api.form import (
    Broken,
    ById,
    ByIds,
    Fields,
    Flag,
    Form,
    IdText,
    as_id,
    choice,
    good,
    is_on,
    objects,
    path,
    read,
)
from ringdove.api.listing import ListQuery, SearchValue
from ringdove.api.mailboxes import MessageNumbers, greeting_problems, tell_members
from ringdove.api.members import Member, names
from ringdove.api.routing import Body
from ringdove.api.services import Injected, Services
from ringdove.events.types import MailboxChanged
from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.reference import AudioRef, Mention, ObjectKind, Ref
from ringdove.model.ring_group import MemberType
from ringdove.model.rules import MAX_MEMBERS, AudioName, GroupName, Number, refuse
from ringdove.model.voicemail import Mailbox, MailboxKind, VmGroup, VmMode, VmPin
from ringdove.store import BrokenReference, Duplicate, InUse

router = family("vm_group")

EXAMPLES = {
    "One mailbox for all of them": {
        "number": "6400",
        "name": "Sales",
        "mode": "share",
        "member_list": [{"value": "3071", "type": "extension"}, {"value": "3074", "type": "extension"}],
    },
    "A copy for each of them": {
        "number": "6401",
        "name": "Everybody",
        "mode": "broadcast",
        "member_list": [{"value": "1", "type": "ext_group"}],
    },
}


class VmMemberForm(Form):
    """One member of a group voicemail."""

    value: IdText = Field(description="The id of the extension or extension group.")
    type: MemberType = Field(MemberType.EXTENSION, description="What `value` is the id of.")

    @property
    def ref(self) -> Ref:
        """The object that is mentioned."""
        return Ref(ObjectKind(self.type), int(self.value))


class VmGroupForm(Form):
    """The settings of a group voicemail."""

    number: Number = Field(description="What is dialled to leave a message. It cannot be changed later.")
    name: GroupName = Field(description="The name of the group voicemail.")
    type: Literal["custom"] = Field("custom", description="Those of ring groups and queues are not made here.")
    mode: VmMode = Field(
        VmMode.SHARE,
        description="`broadcast`: a message is copied to each member's own mailbox, and not kept for the group. "
        "`share`: it lies in one mailbox that all members share.",
    )
    member_list: list[VmMemberForm] = Field(
        max_length=MAX_MEMBERS, description="The members.", json_schema_extra={"minItems": 1}
    )
    enb_vm_pin: Flag = Field(0, description="Whether its mailbox asks for `vm_pin`: 0 no, 1 yes.")
    vm_pin: VmPin | None = Field(None, description="The PIN of its mailbox, 3 to 15 digits.")
    vm_greeting: AudioName = Field(
        FOLLOW_SYSTEM, description="What callers hear before the tone: `follow_system`, or a greeting of this mailbox."
    )

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """A PIN that is asked for must be there."""
        if is_on(data.get("enb_vm_pin")) and "vm_pin" not in data:
            yield Broken(("vm_pin",), refuse("required", "a mailbox that asks for a PIN needs one"))

    def group(self) -> VmGroup:
        """Return the group voicemail that the form describes."""
        members = tuple(dict.fromkeys(member.ref for member in self.member_list))
        return VmGroup(**self.model_dump(exclude={"type", "member_list"}), members=members)


class VmGroupDetail(BaseModel):
    """Everything about a group voicemail but its PIN."""

    id: int
    type: Literal["custom"] = "custom"
    number: str
    name: str
    mode: VmMode
    member_list: list[Member]
    messages: MessageNumbers
    enb_vm_pin: int
    vm_greeting: str


class VmGroups(PageOf[VmGroupDetail]):
    """Success, with one page of the list: under the name that lists have in general, and that of this family."""

    vm_group_list: list[VmGroupDetail] = Field(description="The same as `data`.")


class VmGroupList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "number", "name", "type", "mode"] = Field("id", description="What to sort by.")


class VmGroupSearch(VmGroupList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post("/create", response_model=Created | Failure, openapi_extra=takes(VmGroupForm, EXAMPLES))
async def create(body: Body, services: Injected) -> Created:
    """Add a group voicemail. Each bad field is named, and nothing is saved unless all are good."""
    form, problems = await _check(body, services)
    if problems or form is None:
        raise Refusal.parameters(problems)
    try:
        saved = await services.store.vm_groups.create(form.group())
    except Duplicate as taken:
        raise Refusal.duplicate(taken, "create group voicemail") from None
    except BrokenReference as error:
        raise Refusal.parameters(_not_existing(body, error.missing)) from None
    return Created(id=saved.id)


@router.post("/update", response_model=Done | Failure, openapi_extra=takes(VmGroupForm, update=True))
async def update(body: Body, services: Injected) -> Done:
    """Change a group voicemail: the fields that are given, and never its number.

    In another mode, messages that are there stay where they are.
    """
    current, problems = await target(body, services.store.vm_groups.get)
    form, more = await _check(body, services, current)
    if current is None:
        raise nowhere(problems, more)
    if more or form is None:
        raise Refusal.parameters(more)

    def change(before: VmGroup) -> VmGroup:
        return good(VmGroupForm, _merged(before, body)).group()

    before = await services.store.vm_groups.people(current.id)
    try:
        existing(await services.store.vm_groups.update(current.id, change))
    except BrokenReference as error:
        raise Refusal.parameters(_not_existing(_merged(current, body), error.missing)) from None
    tell_members({*before, *await services.store.vm_groups.people(current.id)}, services)
    return Done()


@router.get("/get", response_model=One[VmGroupDetail] | Failure)
async def get(query: Annotated[ById, Query()], services: Injected) -> One[VmGroupDetail]:
    """Tell the settings of one group voicemail."""
    found = await named(query, services.store.vm_groups.get)
    return One(data=(await _details([found], services))[0])


@router.get("/query", response_model=Many[VmGroupDetail] | Failure)
async def query(query: Annotated[ByIds, Query()], services: Injected) -> Many[VmGroupDetail]:
    """Tell the settings of several group voicemails."""
    return Many(data=await _details(await wanted(query, services.store.vm_groups.many), services))


@router.get("/list", name="list", response_model=VmGroups | Failure)
async def list_(query: Annotated[VmGroupList, Query()], services: Injected) -> VmGroups:
    """List the group voicemails."""
    return await _page(query, "", services)


@router.get("/search", response_model=VmGroups | Failure)
async def search(query: Annotated[VmGroupSearch, Query()], services: Injected) -> VmGroups:
    """Find group voicemails by a part of number or name."""
    return await _page(query, query.search_value, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ById, Query()], services: Injected) -> Done:
    """Delete a group voicemail with its messages and greetings. Refused (40010) while calls are sent to it."""
    before = await services.store.vm_groups.people(query.id)
    try:
        heard = existing(await services.store.vm_groups.delete(query.id))
    except InUse as error:
        raise Refusal.in_use(error) from None
    await services.shelf.discard(*heard)
    services.bus.publish(MailboxChanged(Mailbox(MailboxKind.GROUP, query.id)))
    tell_members(before, services)
    return Done()


async def _check(
    body: Fields, services: Services, current: VmGroup | None = None
) -> tuple[VmGroupForm | None, list[Problem]]:
    """Read a request, which may change the `current` group, and name every bad field.

    A list of members that is given has some.
    """
    data = _merged(current, body) if current else body
    form, problems = read(VmGroupForm, data)
    if body.get("member_list") == []:
        problems.append(Problem("member_list", "length"))
    bad = {problem.field for problem in problems}
    mentions = [(place, ref) for place, ref in _members(data) if place not in bad]
    missing = await services.store.references.missing(ref for _, ref in mentions)
    problems += [Problem(place, "exist") for place, ref in mentions if ref in missing]
    problems += await greeting_problems(VmGroupForm.present(data), current.mailbox if current else None, services)
    return form, problems


def _members(data: Fields) -> Iterator[tuple[str, Ref]]:
    """Say where a request, checked or not, mentions which member."""
    for i, member in objects(VmGroupForm.present(data).get("member_list")):
        kind, object_id = (
            choice(MemberType, member.get("type") or MemberType.EXTENSION.value),
            as_id(member.get("value")),
        )
        if kind and object_id:
            yield path(("member_list", i, "value")), Ref(ObjectKind(kind.value), object_id)


def _not_existing(data: Fields, missing: frozenset[Mention]) -> list[Problem]:
    """Name what has gone since it was checked."""
    gone = [Problem(place, "exist") for place, ref in _members(data) if ref in missing]
    return gone + [Problem("vm_greeting", "exist") for ref in missing if isinstance(ref, AudioRef)]


def _merged(current: VmGroup, changes: Fields) -> Fields:
    """Return a group voicemail as a form with `changes` made; its number stays."""
    fields: Fields = current.model_dump(mode="json", exclude={"id", "members"})
    fields["enb_vm_pin"] = int(current.enb_vm_pin)
    fields["member_list"] = [{"value": str(ref.id), "type": ref.kind.value} for ref in current.members]
    known = VmGroupForm.model_fields.keys() - {"number"}
    return fields | {name: value for name, value in changes.items() if name in known}


async def _page(query: VmGroupList, search: str, services: Services) -> VmGroups:
    total, groups = await services.store.vm_groups.page(query.listing(search))
    rows = await _details(groups, services)
    return VmGroups(total_number=total, data=rows, vm_group_list=rows)


async def _details(groups: list[VmGroup], services: Services) -> list[VmGroupDetail]:
    known = await names((ref for group in groups for ref in group.members), services)
    counts = await services.store.messages.counts(group.mailbox for group in groups)
    return [
        VmGroupDetail(
            id=group.id,
            number=group.number,
            name=group.name,
            mode=group.mode,
            member_list=[known[ref] for ref in group.members if ref in known],
            messages=MessageNumbers.of(counts[group.mailbox]),
            enb_vm_pin=int(group.enb_vm_pin),
            vm_greeting=group.vm_greeting,
        )
        for group in groups
    ]
