"""`moh_files/…`: the music in playlists."""

from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import Field

from ringdove.api.audio_form import MAX_AUDIO, FilePart, IsCheck, Stored, checked
from ringdove.api.auth import family
from ringdove.api.documentation import takes
from ringdove.api.download import Link, link
from ringdove.api.envelope import Done, Failure
from ringdove.api.errors import Code, Problem, Refusal
from ringdove.api.form import Fields, Form
from ringdove.api.listing import ListQuery
from ringdove.api.play_list import PlaylistFile
from ringdove.api.services import Injected, Services
from ringdove.api.shelf import keep, taken
from ringdove.api.upload import receive
from ringdove.media.library import Kept
from ringdove.model.audio import Audio, Playlist
from ringdove.model.reference import ObjectKind
from ringdove.model.rules import AudioName
from ringdove.store import Full

router = family("moh_files")


class OfPlaylist(Form):
    """Names a playlist."""

    list_name: AudioName = Field(description="The name of the playlist; `owner` says the same.")

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take `owner` for `list_name`, as some pages of the public interface have it."""
        return data if "list_name" in data or "owner" not in data else data | {"list_name": data["owner"]}


class MusicUpload(OfPlaylist):
    """A file to save in a playlist."""

    file: FilePart = Field(description="The file: WAV, MP3, FLAC or Ogg, at most 50 MiB and one hour.")
    is_check: IsCheck = None


class MusicFile(OfPlaylist):
    """Names one file of a playlist."""

    file: AudioName = Field(description="The name of the file, with its ending.")


class MusicList(OfPlaylist, ListQuery):
    """Which playlist, and which part of it."""

    sort_by: Literal["file"] = Field("file", description="What to sort by.")


class Music(Done):
    """Success, with one page of the files."""

    total_number: int = Field(description="How many there are, on all pages together.")
    prompt_list: list[PlaylistFile]


@router.post(
    "/upload",
    response_model=Stored | Failure,
    response_model_exclude_none=True,
    openapi_extra=takes(MusicUpload, file="WhisperingPine.wav"),
)
async def upload(request: Request, services: Injected) -> Stored:
    """Save music in a playlist: WAV, MP3, FLAC or Ogg of any rate, at most 50 MiB and one hour.

    The name that it comes with has 1 to 127 characters, is no path, and ends in `.wav`, `.mp3`, `.flac` or `.ogg`; what
    the file is, its content decides. What cannot be read is refused with the reason in `submsg`. A playlist takes 500
    files (60002).
    """
    async with receive(request, services.audio.incoming, MAX_AUDIO) as came:
        name = MusicUpload.present(came.fields).get("list_name")
        known = name is None or await services.store.playlists.by_name(name)
        form = checked(
            MusicUpload,
            came,
            content=came.fields.get("is_check") != "ask",
            more=[] if known else [Problem("list_name", "exist")],
        )
        await _standing(form, services)
        if form.is_check == "ask":
            return Stored(file=form.file)

        async def save(kept: Kept) -> tuple[Audio, Audio | None]:
            before = await _standing(form, services)
            audio = Audio(file=form.file, digest=kept.digest, seconds=kept.seconds, size=kept.size)
            try:
                added = await services.store.playlists.add_file(form.list_name, audio)
            except Full:
                raise Refusal(Code.MAX_LIMITATION_EXCEEDED) from None
            if not added:
                raise Refusal.parameter("list_name", "exist")
            return audio, before

        saved = await keep(came, form.file, save, services)
    return Stored(file=saved.file)


@router.get("/list", name="list", response_model=Music | Failure)
async def list_(query: Annotated[MusicList, Query()], services: Injected) -> Music:
    """List the files of a playlist."""
    files = (await _playlist(query, services)).files
    ordered = files[::-1] if query.order_by == "desc" else files
    part = query.listing()
    rows = [PlaylistFile(file=audio.file) for audio in ordered[part.offset : part.offset + part.limit]]
    return Music(total_number=len(files), prompt_list=rows)


@router.get("/download", response_model=Link | Failure)
async def download(query: Annotated[MusicFile, Query()], request: Request, services: Injected) -> Link:
    """Tell where to fetch a file of a playlist: within 30 minutes, with the same `access_token`."""
    found = _file(await _playlist(query, services), query.file)
    if found is None:
        raise Refusal.parameter("file", "exist")
    return link(found, request, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[MusicFile, Query()], services: Injected) -> Done:
    """Delete a file of a playlist. Whoever hears it hears it to its end."""
    await _playlist(query, services)
    gone = await services.store.playlists.remove_file(query.list_name, query.file)
    if gone is None:
        raise Refusal.parameter("file", "exist")
    await services.shelf.discard(gone.digest)
    return Done()


async def _standing(form: MusicUpload, services: Services) -> Audio | None:
    """Return what has the name in the playlist already. Raises Refusal unless it is to be replaced."""
    found = _file(await _playlist(form, services), form.file)
    if found and form.is_check != "force":
        raise taken(ObjectKind.PLAYLIST, "file", form.file)
    return found


async def _playlist(query: OfPlaylist, services: Services) -> Playlist:
    found = await services.store.playlists.by_name(query.list_name)
    if found is None:
        raise Refusal.parameter("list_name", "exist")
    return found


def _file(playlist: Playlist, name: str) -> Audio | None:
    return next((audio for audio in playlist.files if audio.file == name), None)
