"""`custom_prompt/…`: what ring groups say to their callers."""

from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field

from ringdove.api.audio_form import MAX_AUDIO, ByIdOrFile, FilePart, IsCheck, Stored, checked, chosen
from ringdove.api.auth import family
from ringdove.api.crud import existing
from ringdove.api.documentation import takes
from ringdove.api.download import Link, link
from ringdove.api.envelope import Done, Failure, PageOf
from ringdove.api.errors import Refusal
from ringdove.api.form import Form
from ringdove.api.listing import ListQuery, SearchValue
from ringdove.api.services import Injected, Services
from ringdove.api.shelf import keep, taken
from ringdove.api.upload import receive
from ringdove.media.library import Kept
from ringdove.model.audio import Prompt
from ringdove.model.reference import ObjectKind
from ringdove.store import InUse

router = family("custom_prompt")


class PromptUpload(Form):
    """A prompt to save."""

    file: FilePart = Field(description="The file: WAV, MP3, FLAC or Ogg, at most 50 MiB and one hour.")
    is_check: IsCheck = None


class PromptRow(BaseModel):
    """A prompt in a list."""

    id: int
    file: str
    suffix: str = Field(description="How the name ends: `.wav`, `.mp3`, `.flac` or `.ogg`.")
    type: Literal["record"] = Field("record", description="It was uploaded.")
    duration: float = Field(description="Seconds.")
    size: int = Field(description="Octets of the file as it was uploaded.")
    upload_time: int = Field(description="Unix seconds.")


class Prompts(PageOf[PromptRow]):
    """Success, with one page of the prompts: under the name that lists have in general, and that of this family."""

    prompt_list: list[PromptRow] = Field(description="The same as `data`.")


class PromptList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "file", "duration", "size", "upload_time"] = Field("id", description="What to sort by.")


class PromptSearch(PromptList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post(
    "/upload",
    response_model=Stored | Failure,
    response_model_exclude_none=True,
    openapi_extra=takes(PromptUpload, file="demo.wav"),
)
async def upload(request: Request, services: Injected) -> Stored:
    """Save a prompt: WAV, MP3, FLAC or Ogg of any rate, at most 50 MiB and one hour, under the name that it comes with.

    The name has 1 to 127 characters, is no path, and ends in `.wav`, `.mp3`, `.flac` or `.ogg`; what the file is, its
    content decides. What cannot be read is refused with the reason in `submsg`.
    """
    async with receive(request, services.audio.incoming, MAX_AUDIO) as came:
        form = checked(PromptUpload, came, content=came.fields.get("is_check") != "ask")
        await _standing(form, services)
        if form.is_check == "ask":
            return Stored(file=form.file)

        async def save(kept: Kept) -> tuple[Prompt, Prompt | None]:
            before = await _standing(form, services)
            prompt = Prompt(
                file=form.file,
                digest=kept.digest,
                seconds=kept.seconds,
                size=kept.size,
                uploaded_at=services.clock(),
            )
            return await services.store.prompts.save(prompt), before

        saved = await keep(came, form.file, save, services)
    return Stored(file=saved.file, id=saved.id)


@router.get("/list", name="list", response_model=Prompts | Failure)
async def list_(query: Annotated[PromptList, Query()], services: Injected) -> Prompts:
    """List the prompts."""
    return await _page(query, "", services)


@router.get("/search", response_model=Prompts | Failure)
async def search(query: Annotated[PromptSearch, Query()], services: Injected) -> Prompts:
    """Find prompts by a part of their name."""
    return await _page(query, query.search_value, services)


@router.get("/download", response_model=Link | Failure)
async def download(query: Annotated[ByIdOrFile, Query()], request: Request, services: Injected) -> Link:
    """Tell where to fetch a prompt as it was uploaded: within 30 minutes, with the same `access_token`."""
    prompts = services.store.prompts
    return link(await chosen(query, prompts.get, prompts.by_file), request, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ByIdOrFile, Query()], services: Injected) -> Done:
    """Delete a prompt. Refused (40010) while ring groups play it."""
    prompts = services.store.prompts
    found = await chosen(query, prompts.get, prompts.by_file)
    try:
        gone = existing(await prompts.delete(found.id))
    except InUse as error:
        raise Refusal.in_use(error) from None
    await services.shelf.discard(gone.digest)
    return Done()


async def _standing(form: PromptUpload, services: Services) -> Prompt | None:
    """Return what has the name already. Raises Refusal unless it is to be replaced."""
    found = await services.store.prompts.by_file(form.file)
    if found and form.is_check != "force":
        raise taken(ObjectKind.PROMPT, "file", form.file)
    return found


async def _page(query: PromptList, search: str, services: Services) -> Prompts:
    total, found = await services.store.prompts.page(query.listing(search))
    rows = [_row(prompt) for prompt in found]
    return Prompts(total_number=total, data=rows, prompt_list=rows)


def _row(found: Prompt) -> PromptRow:
    return PromptRow(
        id=found.id,
        file=found.file,
        suffix=PurePath(found.file).suffix.lower(),
        duration=round(found.seconds, 3),
        size=found.size,
        upload_time=int(found.uploaded_at),
    )
