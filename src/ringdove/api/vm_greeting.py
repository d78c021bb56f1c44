"""`vm_greeting/…`, `extension_vm_greeting/…`: what callers hear before the tone, by mailbox."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from ringdove.api.audio_form import FilePart, IsCheck, checked
from ringdove.api.auth import family
from ringdove.api.crud import existing
from ringdove.api.documentation import takes
from ringdove.api.download import Link, PlayLink, link, play_link
from ringdove.api.envelope import Done, Failure, PageOf
from ringdove.api.errors import Refusal
from ringdove.api.form import LIBERAL_INT, Broken, Fields, Form
from ringdove.api.listing import ListQuery
from ringdove.api.routing import GuardedRoute
from ringdove.api.services import Injected, Services
from ringdove.api.shelf import keep, taken
from ringdove.api.upload import receive
from ringdove.media.library import Kept
from ringdove.model.reference import ObjectKind
from ringdove.model.rules import AudioName, Number, ObjectId, refuse
from ringdove.model.voicemail import Greeting, MailboxKind
from ringdove.store import BrokenReference, InUse
from ringdove.store.owners import Owner

_interfaces = APIRouter(route_class=GuardedRoute)

MAX_GREETING = 8 * 2**20
"""Octets of a greeting."""


def _same_owner(data: Fields) -> Fields:
    """Take `extension` for `owner`: the pages of the public interface have both."""
    return data if "owner" in data or "extension" not in data else data | {"owner": data["extension"]}


class GreetingUpload(Form):
    """A greeting to save."""

    owner: Number = Field(description="The number of the extension or group voicemail. `extension` does as well.")
    file: FilePart = Field(description="The file: WAV, MP3, FLAC or Ogg, at most 8 MiB.")
    is_check: IsCheck = None

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take one name for the other."""
        return _same_owner(data)


class StoredGreeting(Done):
    """Success, with the name that was saved or asked about, and its id where it has one."""

    owner: str
    file: str
    id: int | None = None


class GreetingList(ListQuery):
    """Whose greetings, and which part of them."""

    extension: Number = Field(description="The number of the extension or group voicemail.")
    sort_by: Literal["id", "file", "duration", "size", "time"] = Field("id", description="What to sort by.")


class GreetingQuery(Form):
    """Names one greeting, by its id or by mailbox and name."""

    id: Annotated[ObjectId, LIBERAL_INT] | None = Field(None, description="The unique id, or:")
    extension: Number | None = Field(None, description="The number of the extension or group voicemail, and:")
    file: AudioName | None = Field(None, description="The name of the file, with its ending.")

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """An id is needed, or both of the others."""
        if "id" not in data:
            if not data.keys() & {"extension", "file"}:
                yield Broken(("id",), refuse("required", "an id, or a number and a name"))
            else:
                missing = {"extension", "file"} - data.keys()
                yield from (Broken((name,), refuse("required", "a number and a name")) for name in missing)


class GreetingRow(BaseModel):
    """A greeting in a list."""

    id: int
    module: Literal["extension", "groupvoicemail"] = Field(description="Who has the mailbox.")
    number: str = Field(description="The number of who has it.")
    file: str
    suffix: str = Field(description="How the name ends: `.wav`, `.mp3`, `.flac` or `.ogg`.")
    type: Literal["record"] = Field("record", description="It was uploaded, or recorded at a phone.")
    real_filename: str = Field(description="The same as `file`.")
    duration: float = Field(description="Seconds.")
    size: int = Field(description="Octets of the file as it came.")
    time: int = Field(description="When it came, in Unix seconds.")
    in_use: int = Field(description="Whether callers hear it: 0 no, 1 yes.")


class Greetings(PageOf[GreetingRow]):
    """Success, with one page of the list: under the name that lists have in general, and that of this family."""

    greeting_list: list[GreetingRow] = Field(description="The same as `data`.")


@_interfaces.post(
    "/upload",
    response_model=StoredGreeting | Failure,
    response_model_exclude_none=True,
    openapi_extra=takes(GreetingUpload, file="absent.wav"),
)
async def upload(request: Request, services: Injected) -> StoredGreeting:
    """Save a greeting for a mailbox: WAV, MP3, FLAC or Ogg, at most 8 MiB, under the name that it comes with.

    Callers hear it once `vm_greeting` of the extension or group voicemail says so.
    """
    async with receive(request, services.audio.incoming, MAX_GREETING) as came:
        form = checked(GreetingUpload, came, content=came.fields.get("is_check") != "ask")
        owner = await _owner(form.owner, "owner", services)
        await _check_free(owner, form, services)
        if form.is_check == "ask":
            return StoredGreeting(owner=owner.number, file=form.file)

        async def save(kept: Kept) -> tuple[Greeting, Greeting | None]:
            await _check_free(owner, form, services)
            new = Greeting(
                mailbox=owner.mailbox,
                file=form.file,
                digest=kept.digest,
                seconds=kept.seconds,
                size=kept.size,
                uploaded_at=services.clock(),
            )
            return await services.store.greetings.save(new)

        try:
            saved = await keep(came, form.file, save, services)
        except BrokenReference:
            raise Refusal.parameter("owner", "exist") from None
    return StoredGreeting(owner=owner.number, file=saved.file, id=saved.id)


@_interfaces.get("/list", name="list", response_model=Greetings | Failure)
async def list_(query: Annotated[GreetingList, Query()], services: Injected) -> Greetings:
    """List the greetings of a mailbox."""
    owner = await _owner(query.extension, "extension", services)
    total, found = await services.store.greetings.page(owner.mailbox, query.listing())
    rows = [_row(greeting, owner) for greeting in found]
    return Greetings(total_number=total, data=rows, greeting_list=rows)


@_interfaces.get("/download", response_model=Link | Failure)
async def download(query: Annotated[GreetingQuery, Query()], request: Request, services: Injected) -> Link:
    """Tell where to fetch a greeting: within 30 minutes, with the same `access_token`."""
    return link(await _chosen(query, services), request, services)


@_interfaces.get("/play", response_model=PlayLink | Failure)
async def play(query: Annotated[GreetingQuery, Query()], request: Request, services: Injected) -> PlayLink:
    """Tell where to hear a greeting: within 30 minutes, with the same `access_token`."""
    return play_link(await _chosen(query, services), request, services)


@_interfaces.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[GreetingQuery, Query()], services: Injected) -> Done:
    """Delete a greeting. Refused (40010) while callers hear it."""
    found = await _chosen(query, services)
    try:
        gone = existing(await services.store.greetings.delete(found.id))
    except InUse as error:
        raise Refusal.in_use(error) from None
    await services.shelf.discard(gone.digest)
    return Done()


async def _owner(number: str, field: str, services: Services) -> Owner:
    """Return who has the mailbox. Raises Refusal naming `field` where there is none."""
    found = await services.store.owners.find(number)
    if found is None:
        raise Refusal.parameter(field, "exist")
    return found


async def _check_free(owner: Owner, form: GreetingUpload, services: Services) -> None:
    """Raise Refusal where the name is taken, unless what has it is to be replaced."""
    if form.is_check != "force" and await services.store.greetings.chosen(owner.mailbox, form.file):
        raise taken(ObjectKind.GREETING, "file", form.file)


async def _chosen(query: GreetingQuery, services: Services) -> Greeting:
    """Return the greeting that a request names. Raises Refusal where there is none."""
    if query.id is not None:
        return existing(await services.store.greetings.get(query.id))
    owner = await _owner(query.extension or "", "extension", services)
    found = await services.store.greetings.chosen(owner.mailbox, query.file or "")
    if found is None:
        raise Refusal.parameter("file", "exist")
    return found


def _row(found: Greeting, owner: Owner) -> GreetingRow:
    of_extension = found.mailbox.kind is MailboxKind.EXTENSION
    return GreetingRow(
        id=found.id,
        module="extension" if of_extension else "groupvoicemail",
        number=owner.number,
        file=found.file,
        suffix=PurePath(found.file).suffix.lower(),
        real_filename=found.file,
        duration=round(found.seconds, 3),
        size=found.size,
        time=int(found.uploaded_at),
        in_use=int(owner.vm_greeting == found.file),
    )


router = family("vm_greeting")
router.include_router(_interfaces)
of_extensions = family("extension_vm_greeting")
"""The same: the public interface has two families, and a number says already whose the mailbox is."""
of_extensions.include_router(_interfaces)
