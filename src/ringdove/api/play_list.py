"""`play_list/…`: music under one name. What is in a playlist comes and goes by `moh_files/…`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from ringdove.api.audio_form import ByIdOrList, chosen
from ringdove.api.auth import family
from ringdove.api.crud import existing, named, nowhere, target, wanted
from ringdove.api.documentation import takes
from ringdove.api.envelope import Created, Done, Failure, Many, One
from ringdove.api.errors import Refusal
from ringdove.api.form import LIBERAL_INT, Broken, ById, ByIds, Fields, Form, as_text, good, read
from ringdove.api.listing import ListQuery, SearchValue
from ringdove.api.routing import Body
from ringdove.api.services import Injected, Services
from ringdove.model.audio import Playlist, PlaylistName, PlayOrder
from ringdove.model.rules import refuse
from ringdove.store import Builtin, Duplicate, InUse

router = family("play_list")

LOCAL, STREAMING = 1, 2


class PlaylistForm(Form):
    """The settings of a playlist."""

    list_name: PlaylistName = Field(description="The name, of one playlist only; not like that of a file.")
    list_type: Annotated[Literal[1, 2], LIBERAL_INT] = Field(
        description="1: files on this server. 2: music from elsewhere, which this release cannot play yet."
    )
    play_order: PlayOrder = Field(description="In which order the files are played.")

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Only files have an order."""
        return data | {"play_order": PlayOrder.RANDOM.value} if _streams(data) else data

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """Streams are refused until they can be played, as destinations are (ADR 0004)."""
        if _streams(data):
            yield Broken(("list_type",), refuse("unsupported", "streams cannot be played yet"))

    def playlist(self) -> Playlist:
        """Return the playlist that the form describes, without its files."""
        return Playlist(list_name=self.list_name, play_order=self.play_order)


class PlaylistFile(BaseModel):
    """One file of a playlist."""

    file: str


class PlaylistDetail(BaseModel):
    """Everything about a playlist."""

    id: int
    list_name: str
    play_order: PlayOrder
    list_type: int
    stream_url: str = ""
    prompt_list: list[PlaylistFile] = Field(description="The files in alphabetical order.")


class Playlists(Done):
    """Success, with one page of the playlists."""

    total_number: int = Field(description="How many match, on all pages together.")
    play_list: list[PlaylistDetail]


class PlaylistList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["id", "list_name", "play_order"] = Field("id", description="What to sort by.")


class PlaylistSearch(PlaylistList):
    """Which part of what is found."""

    search_value: SearchValue = ""


@router.post("/create", response_model=Created | Failure, openapi_extra=takes(PlaylistForm))
async def create(body: Body, services: Injected) -> Created:
    """Add a playlist; it is empty until files are uploaded to it."""
    form = good(PlaylistForm, body)
    try:
        saved = await services.store.playlists.create(form.playlist())
    except Duplicate as error:
        raise Refusal.duplicate(error, "create playlist") from None
    return Created(id=saved.id)


@router.post("/update", response_model=Done | Failure, openapi_extra=takes(PlaylistForm, update=True))
async def update(body: Body, services: Injected) -> Done:
    """Change a playlist: the fields that are given. Ring groups follow to a new name; `default` keeps its own."""
    current, problems = await target(body, services.store.playlists.get)
    if current is None:
        _, more = read(PlaylistForm, body)
        raise nowhere(problems, more)
    good(PlaylistForm, _merged(current, body))
    try:
        changed = await services.store.playlists.update(
            current.id, lambda before: good(PlaylistForm, _merged(before, body)).playlist()
        )
    except Duplicate as error:
        raise Refusal.duplicate(error, "update playlist") from None
    except Builtin:
        raise Refusal.parameter("list_name", "builtin") from None
    existing(changed)
    return Done()


@router.get("/get", response_model=One[PlaylistDetail] | Failure)
async def get(query: Annotated[ById, Query()], services: Injected) -> One[PlaylistDetail]:
    """Tell the settings and files of one playlist."""
    return One(data=_detail(await named(query, services.store.playlists.get)))


@router.get("/query", response_model=Many[PlaylistDetail] | Failure)
async def query(query: Annotated[ByIds, Query()], services: Injected) -> Many[PlaylistDetail]:
    """Tell the settings and files of several playlists."""
    return Many(data=[_detail(found) for found in await wanted(query, services.store.playlists.many)])


@router.get("/list", name="list", response_model=Playlists | Failure)
async def list_(query: Annotated[PlaylistList, Query()], services: Injected) -> Playlists:
    """List the playlists."""
    return await _page(query, "", services)


@router.get("/search", response_model=Playlists | Failure)
async def search(query: Annotated[PlaylistSearch, Query()], services: Injected) -> Playlists:
    """Find playlists by a part of their name."""
    return await _page(query, query.search_value, services)


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ByIdOrList, Query()], services: Injected) -> Done:
    """Delete a playlist with its files. Refused (40010) while ring groups play it; `default` cannot be deleted."""
    playlists = services.store.playlists
    found = await chosen(query, playlists.get, playlists.by_name)
    try:
        gone = existing(await playlists.delete(found.id))
    except InUse as error:
        raise Refusal.in_use(error) from None
    except Builtin:
        raise Refusal.parameter(query.field, "builtin") from None
    for audio in gone.files:
        await services.shelf.discard(audio.digest)
    return Done()


def _streams(data: Fields) -> bool:
    return as_text(data.get("list_type")) == str(STREAMING)


def _merged(current: Playlist, changes: Fields) -> Fields:
    fields = {"list_name": current.list_name, "list_type": LOCAL, "play_order": current.play_order.value}
    return fields | {name: value for name, value in changes.items() if name in fields}


def _detail(found: Playlist) -> PlaylistDetail:
    return PlaylistDetail(
        id=found.id,
        list_name=found.list_name,
        play_order=found.play_order,
        list_type=LOCAL,
        prompt_list=[PlaylistFile(file=audio.file) for audio in found.files],
    )


async def _page(query: PlaylistList, search: str, services: Services) -> Playlists:
    total, found = await services.store.playlists.page(query.listing(search))
    return Playlists(total_number=total, play_list=[_detail(playlist) for playlist in found])
