"""`extensiongroup/…`: named sets of extensions."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.crud import existing, named, nowhere, target, wanted
from ringdove.api.documentation import takes
from ringdove.api.envelope import Created, Done, Failure, Many, One, PageOf
from ringdove.api.errors import Problem, Refusal
from ringdove.api.form import Broken, ById, ByIds, Fields, Form, IdText, as_id, choice, good, objects, path, read
from ringdove.api.listing import ListQuery, SearchValue
from ringdove.api.mailboxes import tell_members
from ringdove.api.members import Member, names
from ringdove.api.routing import Body
from ringdove.api.services import Injected, Services
from ringdove.model.extension_group import ExtensionGroup, MemberSelect
from ringdove.model.reference import Mention, ObjectKind, Ref
from ringdove.model.rules import MAX_MEMBERS, GroupName, refuse
from ringdove.store import BrokenReference, Builtin, Duplicate, Listing

router = family("extensiongroup")


class GroupMemberForm(Form):
    """One member of an extension group."""

    value: IdText = Field(description="The id of the extension.")
    type: Literal["extension"] = Field("extension", description="Only extensions can be members.")


class ExtensionGroupForm(Form):
    """The settings of an extension group."""

    name: GroupName = Field(description="The name, of one extension group only.")
    member_select: MemberSelect = Field(
        MemberSelect.SPECIFIC, description="`sel_all_ext`: every extension, later ones too; `sel_specific`: `members`."
    )
    members: list[GroupMemberForm] = Field(
        default_factory=list, max_length=MAX_MEMBERS, description="The members in order; needed with `sel_specific`."
    )

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Members do not apply where everybody is one."""
        everybody = choice(MemberSelect, data.get("member_select")) is MemberSelect.ALL
        return {name: value for name, value in data.items() if not (everybody and name == "members")}

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """Members are needed where they are to be chosen."""
        select = choice(MemberSelect, data.get("member_select", MemberSelect.SPECIFIC.value))
        if select is MemberSelect.SPECIFIC and "members" not in data:
            yield Broken(("members",), refuse("required", "members are needed"))

    def group(self) -> ExtensionGroup:
        """Return the group that the form describes."""
        members = tuple(dict.fromkeys(int(member.value) for member in self.members))
        return ExtensionGroup(name=self.name, member_select=self.member_select, members=members)


class ExtensionGroupRow(BaseModel):
    """An extension group in a list."""

    id: int
    name: str
    member_select: MemberSelect
    total_extensions: int


class ExtensionGroupDetail(BaseModel):
    """Everything about an extension group."""

    id: int
    name: str
    member_select: MemberSelect
    members: list[Member]


class ExtensionGroupList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "name"] = Field("id", description="What to sort by.")


class ExtensionGroupSearch(ExtensionGroupList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post("/create", response_model=Created | Failure, openapi_extra=takes(ExtensionGroupForm))
async def create(body: Body, services: Injected) -> Created:
    """Add an extension group."""
    form = await _checked(body, services)
    try:
        saved = await services.store.extension_groups.create(form.group())
    except Duplicate as taken:
        raise Refusal.duplicate(taken, "create extension group") from None
    except BrokenReference as error:
        raise Refusal.parameters(_not_existing(body, error.missing)) from None
    return Created(id=saved.id)


@router.post("/update", response_model=Done | Failure, openapi_extra=takes(ExtensionGroupForm, update=True))
async def update(body: Body, services: Injected) -> Done:
    """Change an extension group: the fields that are given. The built-in group cannot be changed."""
    current, problems = await target(body, services.store.extension_groups.get)
    if current is None:
        more = await _problems(body, services)
        raise nowhere(problems, more)
    await _checked(_merged(current, body), services)

    def change(before: ExtensionGroup) -> ExtensionGroup:
        return good(ExtensionGroupForm, _merged(before, body)).group()

    try:
        saved = existing(await services.store.extension_groups.update(current.id, change))
    except Duplicate as taken:
        raise Refusal.duplicate(taken, "update extension group") from None
    except BrokenReference as error:
        raise Refusal.parameters(_not_existing(body, error.missing)) from None
    except Builtin:
        raise Refusal.parameter("id", "builtin") from None
    tell_members(await _people(current, services) ^ await _people(saved, services), services)
    return Done()


@router.get("/get", response_model=One[ExtensionGroupDetail] | Failure)
async def get(query: Annotated[ById, Query()], services: Injected) -> One[ExtensionGroupDetail]:
    """Tell the settings and members of one extension group."""
    found = await named(query, services.store.extension_groups.get)
    return One(data=(await _details([found], services))[0])


@router.get("/query", response_model=Many[ExtensionGroupDetail] | Failure)
async def query(query: Annotated[ByIds, Query()], services: Injected) -> Many[ExtensionGroupDetail]:
    """Tell the settings and members of several extension groups."""
    return Many(data=await _details(await wanted(query, services.store.extension_groups.many), services))


@router.get("/list", name="list", response_model=PageOf[ExtensionGroupRow] | Failure)
async def list_(query: Annotated[ExtensionGroupList, Query()], services: Injected) -> PageOf[ExtensionGroupRow]:
    """List the extension groups."""
    return await _page(query, "", services)


@router.get("/search", response_model=PageOf[ExtensionGroupRow] | Failure)
async def search(query: Annotated[ExtensionGroupSearch, Query()], services: Injected) -> PageOf[ExtensionGroupRow]:
    """Find extension groups by a part of their name."""
    return await _page(query, query.search_value, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ById, Query()], services: Injected) -> Done:
    """Delete an extension group, also out of ring groups. The built-in group cannot be deleted."""
    people = await _people(await named(query, services.store.extension_groups.get), services)
    try:
        existing(await services.store.extension_groups.delete(query.id) or None)
    except Builtin:
        raise Refusal.parameter("id", "builtin") from None
    tell_members(people, services)
    return Done()


def _references(data: Fields) -> Iterator[tuple[str, Ref]]:
    """Say where a request, checked or not, mentions which extension."""
    for i, member in objects(ExtensionGroupForm.present(data).get("members")):
        if extension_id := as_id(member.get("value")):
            yield path(("members", i, "value")), Ref(ObjectKind.EXTENSION, extension_id)


def _not_existing(data: Fields, missing: frozenset[Mention]) -> list[Problem]:
    return [Problem(place, "exist") for place, ref in _references(data) if ref in missing]


async def _problems(data: Fields, services: Services) -> list[Problem]:
    _, problems = read(ExtensionGroupForm, data)
    missing = await services.store.references.missing(ref for _, ref in _references(data))
    return [*problems, *_not_existing(data, missing)]


async def _checked(data: Fields, services: Services) -> ExtensionGroupForm:
    form, _ = read(ExtensionGroupForm, data)
    if (problems := await _problems(data, services)) or form is None:
        raise Refusal.parameters(problems)
    return form


def _merged(current: ExtensionGroup, changes: Fields) -> Fields:
    fields: Fields = {
        "name": current.name,
        "member_select": current.member_select.value,
        "members": [{"value": str(member), "type": "extension"} for member in current.members],
    }
    return fields | {name: value for name, value in changes.items() if name in fields}


async def _everybody(services: Services) -> list[int]:
    _, people = await services.store.extensions.page(Listing(limit=100_000, sort_by="number"))
    return [person.id for person in people]


async def _people(group: ExtensionGroup, services: Services) -> set[int]:
    return set(await _everybody(services) if group.member_select is MemberSelect.ALL else group.members)


async def _details(groups: list[ExtensionGroup], services: Services) -> list[ExtensionGroupDetail]:
    everybody: list[int] = []
    if any(group.member_select is MemberSelect.ALL for group in groups):
        everybody = await _everybody(services)
    ids = {g.id: everybody if g.member_select is MemberSelect.ALL else list(g.members) for g in groups}
    known = await names((Ref(ObjectKind.EXTENSION, i) for members in ids.values() for i in members), services)
    return [
        ExtensionGroupDetail(
            id=group.id,
            name=group.name,
            member_select=group.member_select,
            members=[known[ref] for i in ids[group.id] if (ref := Ref(ObjectKind.EXTENSION, i)) in known],
        )
        for group in groups
    ]


async def _page(query: ExtensionGroupList, search: str, services: Services) -> PageOf[ExtensionGroupRow]:
    total, groups = await services.store.extension_groups.page(query.listing(search))
    everybody = await services.store.extensions.count()
    rows = [
        ExtensionGroupRow(
            id=group.id,
            name=group.name,
            member_select=group.member_select,
            total_extensions=everybody if group.member_select is MemberSelect.ALL else len(group.members),
        )
        for group in groups
    ]
    return PageOf(total_number=total, data=rows)
