"""`system/…`: what there is to choose from."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.envelope import Failure, Many
from ringdove.api.errors import Refusal
from ringdove.api.form import Form
from ringdove.api.services import Injected
from ringdove.store import Listing, Store

router = family("system")

_EVERYTHING = Listing(limit=100_000, sort_by="id")


class MenuQuery(Form):
    """Which menu."""

    menu: str = Field(
        max_length=63,
        description="What to choose from: `extension`, `ext_group`, `ring_group`, `group_vm`, `custom_prompt`, "
        "`play_list` or `custom_ringtone`, in upper or lower case.",
        examples=["extension"],
    )


class Option(BaseModel):
    """Something that can be chosen."""

    text: str = Field(description="The name to show.")
    value: str = Field(description="What to use for it: the id, or of audio the name.")
    type: str = Field(description="What it is.")


async def _extensions(store: Store) -> list[Option]:
    _, found = await store.extensions.page(_EVERYTHING)
    return [Option(text=f"{e.number} {e.name}", value=str(e.id), type="extension") for e in found]


async def _ext_groups(store: Store) -> list[Option]:
    _, found = await store.extension_groups.page(_EVERYTHING)
    return [Option(text=group.name, value=str(group.id), type="ext_group") for group in found]


async def _ring_groups(store: Store) -> list[Option]:
    _, found = await store.ring_groups.page(_EVERYTHING)
    return [Option(text=f"{g.number} {g.name}", value=str(g.id), type="ring_group") for g in found]


async def _vm_groups(store: Store) -> list[Option]:
    _, found = await store.vm_groups.page(_EVERYTHING)
    return [Option(text=f"{g.number} {g.name}", value=str(g.id), type="group_vm") for g in found]


async def _prompts(store: Store) -> list[Option]:
    _, found = await store.prompts.page(_EVERYTHING)
    return [Option(text=prompt.file, value=prompt.file, type="custom_prompt") for prompt in found]


async def _playlists(store: Store) -> list[Option]:
    _, found = await store.playlists.page(_EVERYTHING)
    return [Option(text=music.list_name, value=music.list_name, type="play_list") for music in found]


async def _ringtones(store: Store) -> list[Option]:
    _, found = await store.ringtones.page(_EVERYTHING)
    return [Option(text=tone.file, value=tone.file, type="custom_ringtone") for tone in found]


MENUS: dict[str, Callable[[Store], Awaitable[list[Option]]]] = {
    "extension": _extensions,
    "ext_group": _ext_groups,
    "ring_group": _ring_groups,
    "group_vm": _vm_groups,
    "custom_prompt": _prompts,
    "play_list": _playlists,
    "custom_ringtone": _ringtones,
}
"""Every menu by its name."""


@router.get("/get_menuoptions", response_model=Many[Option] | Failure)
async def get_menuoptions(query: Annotated[MenuQuery, Query()], services: Injected) -> Many[Option]:
    """List what can be chosen where an id, or the name of audio, is wanted."""
    menu = MENUS.get(query.menu.strip().lower())
    if menu is None:
        raise Refusal.parameter("menu", "enum")
    return Many(data=await menu(services.store))
