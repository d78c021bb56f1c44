"""`extension/…`: people with a number and phones."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.credentials import hash_secret
from ringdove.api.crud import existing, named, nowhere, target, wanted
from ringdove.api.documentation import takes
from ringdove.api.envelope import Created, Done, Failure, Many, One, PageOf
from ringdove.api.errors import Refusal
from ringdove.api.extension_form import ExtensionForm, merged
from ringdove.api.form import ById, ByIds, good, read
from ringdove.api.listing import ListQuery, SearchValue, in_portions
from ringdove.api.mailboxes import MessageNumbers, greeting_problems
from ringdove.api.routing import Body
from ringdove.api.services import Injected, Services
from ringdove.events.types import ExtensionChanged, ExtensionDeleted
from ringdove.model.extension import Extension, Presence
from ringdove.model.voicemail import AfterVmNotify, MessageCount, NewVmNotify
from ringdove.store import BrokenReference, Duplicate, InUse

router = family("extension")


class ExtensionDetail(BaseModel):
    """Everything about an extension but its passwords."""

    id: int
    type: Literal["SIP"] = "SIP"
    number: str
    first_name: str
    last_name: str
    caller_id_name: str
    caller_id: str
    email_addr: str
    mobile_number: str
    reg_name: str
    concurrent_registrations: int
    presence_status: Presence
    enb_call_waiting: int
    enabled: int
    ring_timeout: int
    enb_vm: int
    enb_vm_pin: int
    new_vm_notify: NewVmNotify
    after_vm_notify: AfterVmNotify
    enb_vm_play_datetime: int
    enb_vm_play_caller_id: int
    enb_vm_play_duration: int
    vm_greeting: str


class Phone(BaseModel):
    """Whether a kind of phone is registered: 1 yes, 0 no."""

    status: int


class OnlineStatusRow(BaseModel):
    """The phones of an extension."""

    sip_phone: Phone


class ExtensionRow(BaseModel):
    """An extension in a list."""

    id: int
    number: str
    caller_id_name: str
    email_addr: str
    mobile_number: str
    presence_status: Presence
    online_status: OnlineStatusRow
    messages: MessageNumbers


class Password(BaseModel):
    """What a phone needs to register, and what its owner keys in at the mailbox."""

    reg_name: str
    reg_password: str
    vm_pin: str


class ExtensionList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "number", "caller_id_name", "email_addr", "mobile_number", "presence_status"] = Field(
        "id", description="What to sort by."
    )


class ExtensionSearch(ExtensionList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post("/create", response_model=Created | Failure, openapi_extra=takes(ExtensionForm))
async def create(body: Body, services: Injected) -> Created:
    """Add an extension. Only its number is required."""
    form, problems = read(ExtensionForm, body)
    problems += await greeting_problems(ExtensionForm.present(body), None, services)
    if problems or form is None:
        raise Refusal.parameters(problems)
    hashed = await hash_secret(form.user_password) if form.user_password else None
    try:
        saved = await services.store.extensions.create(form.extension(hashed))
    except Duplicate as taken:
        raise Refusal.duplicate(taken, "create extension") from None
    except BrokenReference:
        raise Refusal.parameter("vm_greeting", "exist") from None
    services.bus.publish(ExtensionChanged(saved.id))
    return Created(id=saved.id)


@router.post("/update", response_model=Done | Failure, openapi_extra=takes(ExtensionForm, update=True))
async def update(body: Body, services: Injected) -> Done:
    """Change an extension: the fields that are given, and never its number."""
    current, problems = await target(body, services.store.extensions.get)
    if current is None:
        _, more = read(ExtensionForm, body)
        raise nowhere(problems, more)
    form, problems = read(ExtensionForm, merged(current, body))
    problems += await greeting_problems(ExtensionForm.present(body), current.mailbox, services)
    if problems or form is None:
        raise Refusal.parameters(problems)
    hashed = await hash_secret(form.user_password) if form.user_password else None

    def change(before: Extension) -> Extension:
        return good(ExtensionForm, merged(before, body)).extension(hashed or before.user_password_hash)

    try:
        saved = existing(await services.store.extensions.update(current.id, change))
    except Duplicate as taken:
        raise Refusal.duplicate(taken, "update extension") from None
    except BrokenReference:
        raise Refusal.parameter("vm_greeting", "exist") from None
    services.bus.publish(ExtensionChanged(saved.id))
    return Done()


@router.get("/get", response_model=One[ExtensionDetail] | Failure)
async def get(query: Annotated[ById, Query()], services: Injected) -> One[ExtensionDetail]:
    """Tell the settings of one extension."""
    return One(data=_detail(await named(query, services.store.extensions.get)))


@router.get("/query", response_model=Many[ExtensionDetail] | Failure)
async def query(query: Annotated[ByIds, Query()], services: Injected) -> Many[ExtensionDetail]:
    """Tell the settings of several extensions."""
    return Many(data=[_detail(found) for found in await wanted(query, services.store.extensions.many)])


@router.get("/list", name="list", response_model=PageOf[ExtensionRow] | Failure)
async def list_(query: Annotated[ExtensionList, Query()], services: Injected) -> Response:
    """List the extensions, with presence, whether a phone is registered, and how many messages there are."""
    return await _page(query, "", services)


@router.get("/search", response_model=PageOf[ExtensionRow] | Failure)
async def search(query: Annotated[ExtensionSearch, Query()], services: Injected) -> Response:
    """Find extensions by a part of number, name, e-mail address or mobile number."""
    return await _page(query, query.search_value, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ById, Query()], services: Injected) -> Done:
    """Delete an extension with its mailbox, also out of groups.

    Refused (40010) while calls are sent to it or its mailbox when others do not answer.
    """
    try:
        heard = existing(await services.store.extensions.delete(query.id))
    except InUse as error:
        raise Refusal.in_use(error) from None
    await services.shelf.discard(*heard)
    services.bus.publish(ExtensionDeleted(query.id))
    return Done()


@router.get("/getpassword", response_model=One[Password] | Failure)
async def getpassword(query: Annotated[ById, Query()], services: Injected) -> One[Password]:
    """Tell the name and password with which phones of an extension register, and the PIN of its mailbox."""
    found = await named(query, services.store.extensions.get)
    return One(data=Password(reg_name=found.reg_name, reg_password=found.reg_password, vm_pin=found.vm_pin or ""))


def _detail(found: Extension) -> ExtensionDetail:
    fields = found.model_dump(exclude={"reg_password", "user_password_hash", "vm_pin"})
    return ExtensionDetail(**{name: "" if value is None else value for name, value in fields.items()})


async def _page(query: ExtensionList, search: str, services: Services) -> Response:
    total, found = await services.store.extensions.page(query.listing(search))
    counts = await services.store.messages.counts(extension.mailbox for extension in found)
    return await in_portions(total, found, lambda extension: _row(extension, counts[extension.mailbox], services))


def _row(found: Extension, count: MessageCount, services: Services) -> ExtensionRow:
    return ExtensionRow(
        id=found.id,
        number=found.number,
        caller_id_name=found.caller_id_name,
        email_addr=found.email_addr or "",
        mobile_number=found.mobile_number or "",
        presence_status=found.presence_status,
        online_status=OnlineStatusRow(sip_phone=Phone(status=int(services.online(found.id)))),
        messages=MessageNumbers.of(count),
    )
