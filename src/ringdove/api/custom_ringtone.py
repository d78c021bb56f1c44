"""`custom_ringtone/…`: how web clients ring."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field

from ringdove.api.audio_form import (
    MAX_RINGTONE,
    ByIdOrFile,
    IsCheck,
    OptionalRingtone,
    RingtonePart,
    Stored,
    checked,
    chosen,
)
from ringdove.api.auth import family
from ringdove.api.crud import existing
from ringdove.api.documentation import takes
from ringdove.api.download import Link, PlayLink, link, play_link
from ringdove.api.envelope import Done, Failure
from ringdove.api.errors import Refusal
from ringdove.api.form import Broken, Fields, Form, as_text
from ringdove.api.listing import ListQuery, SearchValue
from ringdove.api.services import Injected, Services
from ringdove.api.shelf import keep, taken
from ringdove.api.upload import Upload, receive
from ringdove.media.library import Kept
from ringdove.model.audio import Ringtone, RingtoneType
from ringdove.model.reference import ObjectKind
from ringdove.model.rules import AudioName, refuse
from ringdove.store import Builtin, InUse

router = family("custom_ringtone")


class RingtoneUpload(Form):
    """A ring tone to save, or a new content or name for one."""

    file: RingtonePart = Field(
        None, description="The file: WAV or MP3, at most 4 MiB. Can be left out where only the name is to change."
    )
    is_check: IsCheck = None
    type: Literal[RingtoneType.BACKEND] = Field(RingtoneType.BACKEND, description="Ring tones that are uploaded.")
    old_file: OptionalRingtone = Field(
        None, description="The name of the ring tone to replace or rename; `is_check` does not count then."
    )
    new_file: OptionalRingtone = Field(
        None, description="The new name of `old_file`, in ring groups too; it ends as before."
    )

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """A new name needs an old one, everything else a file; a ring tone stays what it is by its ending."""
        if "new_file" in data and "old_file" not in data:
            yield Broken(("old_file",), refuse("required", "which is to be renamed"))
        if "file" not in data and not ("new_file" in data and "old_file" in data):
            yield Broken(("file",), refuse("required", "a file is needed"))
        if "old_file" in data:
            for field in ("file", "new_file"):
                if field in data and _ending(data[field]) != _ending(data["old_file"]):
                    yield Broken((field,), refuse("pattern", "ends as old_file does"))


class RingtoneRow(BaseModel):
    """A ring tone in a list."""

    id: int
    file: str
    suffix: str = Field(description="`.mp3` or `.wav`.")
    type: RingtoneType = Field(description="`backend` if it was uploaded.")


class Ringtones(Done):
    """Success, with one page of the ring tones."""

    total_number: int = Field(description="How many match, on all pages together.")
    ringtone_list: list[RingtoneRow]


class RingtoneList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "file", "type"] = Field("id", description="What to sort by.")


class RingtoneToPlay(Form):
    """Names one ring tone."""

    file: AudioName = Field(description="The name of the file, with its ending.")
    type: RingtoneType | None = Field(None, description="Can be left out: no two ring tones have one name.")


class RingtoneSearch(RingtoneList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post(
    "/upload",
    response_model=Stored | Failure,
    response_model_exclude_none=True,
    openapi_extra=takes(RingtoneUpload, file="DawnChime.wav"),
)
async def upload(request: Request, services: Injected) -> Stored:
    """Save a ring tone: WAV or MP3, at most 4 MiB, under the name that it comes with, or in place of `old_file`.

    The name has 1 to 127 characters, is no path, and ends as the format does, for web clients play the file as it is.
    Other content is refused with the reason in `submsg`. Built-in ring tones cannot be replaced.
    """
    async with receive(request, services.audio.incoming, MAX_RINGTONE) as came:
        renamed = bool(came.fields.get("old_file") and came.fields.get("new_file"))
        asked = came.fields.get("is_check") == "ask" and not came.fields.get("old_file")
        form = checked(RingtoneUpload, came, content=not asked and not (renamed and came.size is None))
        if form.old_file:
            return await _replace(form.old_file, form.new_file or form.old_file, came, services)
        name = form.file or ""
        await _standing(name, form, services)
        if form.is_check == "ask":
            return Stored(file=name)

        async def save(kept: Kept) -> tuple[Ringtone, Ringtone | None]:
            before = await _standing(name, form, services)
            return await services.store.ringtones.save(_ringtone(name, kept)), before

        saved = await keep(came, name, save, services)
    return Stored(file=saved.file, id=saved.id)


@router.get("/list", name="list", response_model=Ringtones | Failure)
async def list_(query: Annotated[RingtoneList, Query()], services: Injected) -> Ringtones:
    """List the ring tones: the built-in ones, then those that were uploaded."""
    return await _page(query, "", services)


@router.get("/search", response_model=Ringtones | Failure)
async def search(query: Annotated[RingtoneSearch, Query()], services: Injected) -> Ringtones:
    """Find ring tones by a part of their name."""
    return await _page(query, query.search_value, services)


@router.get("/download", response_model=Link | Failure)
async def download(query: Annotated[ByIdOrFile, Query()], request: Request, services: Injected) -> Link:
    """Tell where to fetch a ring tone: within 30 minutes, with the same `access_token`."""
    ringtones = services.store.ringtones
    return link(await chosen(query, ringtones.get, ringtones.by_file), request, services)


@router.get("/play", response_model=PlayLink | Failure)
async def play(query: Annotated[RingtoneToPlay, Query()], request: Request, services: Injected) -> PlayLink:
    """Tell where to hear a ring tone: within 30 minutes, with the same `access_token`."""
    found = await services.store.ringtones.by_file(query.file)
    if found is None or query.type not in {None, found.type}:
        raise Refusal.parameter("file", "exist")
    return play_link(found, request, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ByIdOrFile, Query()], services: Injected) -> Done:
    """Delete a ring tone. Refused (40010) while ring groups use it; the built-in ones cannot be deleted."""
    ringtones = services.store.ringtones
    found = await chosen(query, ringtones.get, ringtones.by_file)
    try:
        gone = existing(await ringtones.delete(found.id))
    except InUse as error:
        raise Refusal.in_use(error) from None
    except Builtin:
        raise Refusal.parameter(query.field, "builtin") from None
    await services.shelf.discard(gone.digest)
    return Done()


async def _standing(name: str, form: RingtoneUpload, services: Services) -> Ringtone | None:
    """Return what has the name already. Raises Refusal unless it is to be replaced, and can be."""
    found = await services.store.ringtones.by_file(name)
    if found and form.is_check != "force":
        raise taken(ObjectKind.RINGTONE, "file", name)
    if found and found.type is RingtoneType.BUILT_IN:
        raise Refusal.parameter("file", "builtin")
    return found


async def _replace(old_file: str, new_file: str, came: Upload, services: Services) -> Stored:
    """Give a ring tone another name, another content, or both; both or nothing."""

    async def save(kept: Kept | None) -> tuple[Ringtone, Ringtone]:
        before = await _replaceable(old_file, new_file, services)
        new = _ringtone(new_file, kept) if kept else before.model_copy(update={"file": new_file})
        saved = await services.store.ringtones.update(before.id, lambda _: new)
        if saved is None:
            raise Refusal.parameter("old_file", "exist")
        return saved, before

    await _replaceable(old_file, new_file, services)
    if came.size is not None:
        saved = await keep(came, new_file, save, services)
    else:
        async with services.shelf.rows:
            saved, _ = await save(None)
    return Stored(file=saved.file, id=saved.id)


async def _replaceable(old_file: str, new_file: str, services: Services) -> Ringtone:
    """Return the ring tone with the old name. Raises Refusal unless it can have the new one."""
    found = await services.store.ringtones.by_file(old_file)
    if found is None:
        raise Refusal.parameter("old_file", "exist")
    if found.type is RingtoneType.BUILT_IN:
        raise Refusal.parameter("old_file", "builtin")
    if new_file != old_file and await services.store.ringtones.by_file(new_file):
        raise taken(ObjectKind.RINGTONE, "new_file", new_file)
    return found


def _ringtone(name: str, kept: Kept) -> Ringtone:
    """Return a new ring tone. Raises Refusal where the name says something else than the content."""
    if _ending(name) != kept.suffix:
        raise Refusal.parameter("file", "audio", why=f"ends in {_ending(name)}, but its content is {kept.suffix}")
    return Ringtone(file=name, digest=kept.digest, seconds=kept.seconds, size=kept.size)


def _ending(name: object) -> str:
    return PurePath(as_text(name) or "").suffix.lower()


async def _page(query: RingtoneList, search: str, services: Services) -> Ringtones:
    total, found = await services.store.ringtones.page(query.listing(search))
    rows = [RingtoneRow(id=tone.id, file=tone.file, suffix=tone.suffix, type=tone.type) for tone in found]
    return Ringtones(total_number=total, ringtone_list=rows)
