"""`ringgroup/…`: numbers that ring several people."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.crud import existing, named, nowhere, target, wanted
from ringdove.api.documentation import takes
from ringdove.api.envelope import Created, Done, Failure, Many, One, PageOf
from ringdove.api.errors import Problem, Refusal
from ringdove.api.form import ById, ByIds, Fields, Flag, Form, good, read
from ringdove.api.listing import ListQuery, SearchValue, in_portions
from ringdove.api.members import Member, Names, names
from ringdove.api.ringgroup_examples import EXAMPLES
from ringdove.api.ringgroup_form import DESTINATIONS, RingGroupForm, fields_of, merged, references, unsupported
from ringdove.api.routing import Body
from ringdove.api.services import Injected, Services
from ringdove.model.reference import Mention
from ringdove.model.ring_group import Entry, MemberType, RingGroup
from ringdove.model.simulation import Simulation
from ringdove.ring.plan import Strategy
from ringdove.store import BrokenReference, Duplicate, InUse, Loop

router = family("ringgroup")


class RingGroupRow(BaseModel):
    """A ring group in a list."""

    id: int
    number: str
    name: str
    ring_strategy: Strategy
    member_count: int = Field(description="The number of entries in `member_list`.")


class EntryDetail(BaseModel):
    """One entry of the member list: as a member, or with `custom` as `sub_option` with its times."""

    value: str | None = None
    type: MemberType | None = None
    text: str | None = None
    text2: str | None = None
    sub_option: list[Member] | None = None
    delay_time: int | None = None
    timeout: int | None = None


class RingGroupDetail(BaseModel):
    """Everything about a ring group; unset names are empty, and `ring_timeout` is there unless `custom`."""

    id: int
    number: str
    name: str
    ring_strategy: Strategy
    ring_timeout: int | None = None
    join_prompt: str
    play_full_join_prompt: int
    welcome_prompt: str
    moh: str
    alert_info: str
    client_unique_ringtone: str
    member_list: list[EntryDetail]
    fail_dest: str
    fail_dest_prefix: str = ""
    fail_dest_value: str = ""
    enb_miss_call: int
    no_agent_online_dest: str = ""
    no_agent_online_prefix: str = ""
    no_agent_online_value: str = ""


class OptionsForm(Form):
    """Switches of all ring groups."""

    enb_transfer_to_voicemail: Flag | None = Field(
        None, description="Whether members may send a ringing group's call to their own mailbox: 0 no, 1 yes."
    )


class OptionsDetail(BaseModel):
    """How the switches of all ring groups stand."""

    enb_transfer_to_voicemail: int


class RingGroupList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "number", "name", "ring_strategy"] = Field("id", description="What to sort by.")


class RingGroupSearch(RingGroupList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post("/create", response_model=Created | Failure, openapi_extra=takes(RingGroupForm, EXAMPLES))
async def create(body: Body, services: Injected) -> Created:
    """Add a ring group. Each bad field is named, and nothing is saved unless all are good."""
    form, problems = await _check(body, services)
    if problems or form is None:
        raise Refusal.parameters(problems)
    try:
        saved = await services.store.ring_groups.create(form.ring_group())
    except Duplicate as taken:
        raise Refusal.duplicate(taken, "create ring group") from None
    except BrokenReference as error:
        raise Refusal.parameters(_not_existing(body, error.missing)) from None
    return Created(id=saved.id)


@router.post("/update", response_model=Done | Failure, openapi_extra=takes(RingGroupForm, update=True))
async def update(body: Body, services: Injected) -> Done:
    """Change a ring group: the fields that are given, and never its number. The result has to be right as a whole.

    Calls that run go on as they began.
    """
    current, problems = await target(body, services.store.ring_groups.get)
    form, more = await _check(body, services, current)
    if current is None:
        raise nowhere(problems, more)
    if more or form is None:
        raise Refusal.parameters(more)

    def change(before: RingGroup) -> RingGroup:
        return good(RingGroupForm, merged(before, body)).ring_group()

    try:
        existing(await services.store.ring_groups.update(current.id, change))
    except BrokenReference as error:
        raise Refusal.parameters(_not_existing(merged(current, body), error.missing)) from None
    except Loop as loop:
        places = [fields.value for fields in DESTINATIONS if fields.kind in loop.fields]
        raise Refusal.parameters([Problem(place, "loop") for place in places]) from None
    return Done()


@router.get("/get", response_model=One[RingGroupDetail] | Failure, response_model_exclude_none=True)
async def get(query: Annotated[ById, Query()], services: Injected) -> One[RingGroupDetail]:
    """Tell the settings of one ring group."""
    found = await named(query, services.store.ring_groups.get)
    return One(data=(await _details([found], services))[0])


@router.get("/query", response_model=Many[RingGroupDetail] | Failure, response_model_exclude_none=True)
async def query(query: Annotated[ByIds, Query()], services: Injected) -> Many[RingGroupDetail]:
    """Tell the settings of several ring groups."""
    return Many(data=await _details(await wanted(query, services.store.ring_groups.many), services))


@router.get("/list", name="list", response_model=PageOf[RingGroupRow] | Failure)
async def list_(query: Annotated[RingGroupList, Query()], services: Injected) -> Response:
    """List the ring groups."""
    return await _page(query, "", services)


@router.get("/search", response_model=PageOf[RingGroupRow] | Failure)
async def search(query: Annotated[RingGroupSearch, Query()], services: Injected) -> Response:
    """Find ring groups by a part of number, name or strategy."""
    return await _page(query, query.search_value, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ById, Query()], services: Injected) -> Done:
    """Delete a ring group. Refused (40010) while calls of another one are sent to it."""
    try:
        existing(await services.store.ring_groups.delete(query.id) or None)
    except InUse as error:
        raise Refusal.in_use(error) from None
    return Done()


@router.get("/getoptions", response_model=One[OptionsDetail] | Failure)
async def getoptions(services: Injected) -> One[OptionsDetail]:
    """Tell the switches that hold for all ring groups."""
    options = await services.store.options.get()
    return One(data=OptionsDetail(enb_transfer_to_voicemail=int(options.enb_transfer_to_voicemail)))


@router.post("/updateoptions", response_model=Done | Failure, openapi_extra=takes(OptionsForm))
async def updateoptions(body: Body, services: Injected) -> Done:
    """Set the switches that hold for all ring groups: those that are given."""
    form = good(OptionsForm, body)
    given = {name: bool(value) for name, value in form.model_dump(exclude_none=True).items()}
    await services.store.options.update(lambda options: options.model_copy(update=given))
    return Done()


@router.get("/simulate", response_model=One[Simulation] | Failure)
async def simulate(query: Annotated[ById, Query()], services: Injected) -> One[Simulation]:
    """Tell who would ring from when to when if a call came now, and who would not and why. Nobody is rung."""
    found = await named(query, services.store.ring_groups.get)
    return One(data=await services.simulate(found.id))


async def _check(
    body: Fields, services: Services, current: RingGroup | None = None
) -> tuple[RingGroupForm | None, list[Problem]]:
    """Read a request, which may change the `current` group, and name every bad field.

    A list of members that is given has some. Audio that the group names already may be gone.
    """
    data = merged(current, body) if current else body
    form, problems = read(RingGroupForm, data)
    if body.get("member_list") == []:
        problems.append(Problem("member_list", "length"))
    problems += unsupported(data, services.destination_kinds.__contains__)
    bad = {problem.field for problem in problems}
    kept = current.audio() if current else {}
    mentions = [(place, ref) for place, ref in references(data) if place not in bad and kept.get(place) != ref]
    missing = await services.store.references.missing(ref for _, ref in mentions)
    problems += [Problem(place, "exist") for place, ref in mentions if ref in missing]
    return form, problems


def _not_existing(data: Fields, missing: frozenset[Mention]) -> list[Problem]:
    return [Problem(place, "exist") for place, ref in references(data) if ref in missing]


async def _page(query: RingGroupList, search: str, services: Services) -> Response:
    return await in_portions(*await services.store.ring_groups.page(query.listing(search)), _row)


def _row(group: RingGroup) -> RingGroupRow:
    return RingGroupRow(
        id=group.id,
        number=group.number,
        name=group.name,
        ring_strategy=group.ring_strategy,
        member_count=len(group.member_list),
    )


async def _details(groups: Sequence[RingGroup], services: Services) -> list[RingGroupDetail]:
    known = await names((ref for group in groups for ref in group.refs()), services)
    return [_detail(group, known) for group in groups]


def _detail(group: RingGroup, known: Names) -> RingGroupDetail:
    custom = group.ring_strategy is Strategy.CUSTOM
    fields: dict[str, Any] = fields_of(group)
    fields["member_list"] = [_entry(entry, known, custom=custom) for entry in group.member_list]
    return RingGroupDetail(id=group.id, **fields)


def _entry(entry: Entry, known: Names, *, custom: bool) -> EntryDetail:
    members = [known[member.ref] for member in entry.members if member.ref in known]
    if custom:
        return EntryDetail(sub_option=members, delay_time=entry.delay_time, timeout=entry.timeout)
    return EntryDetail(**members[0].model_dump()) if members else EntryDetail()
