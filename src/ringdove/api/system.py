"""`system/…`: what there is to choose from, and mails."""

from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.documentation import takes
from ringdove.api.envelope import Done, Failure, Many
from ringdove.api.errors import Refusal
from ringdove.api.form import Broken, Fields, Flag, Form, good, is_on
from ringdove.api.routing import Body
from ringdove.api.services import Injected
from ringdove.model.rules import EmailAddress, ShownName, refuse
from ringdove.store import Listing, Store
from ringdove.voicemail.mail_text import Unwritable
from ringdove.voicemail.smtp import NoWay, Refused

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


class EmailServer(StrEnum):
    """Which mail server: here there is one, that of the settings."""

    FOLLOW_SYSTEM = "follow_system"
    CUSTOM = "custom"
    YS = "ys"


_Addresses = Annotated[tuple[EmailAddress, ...], Field(max_length=100)]


class EmailForm(Form):
    """A mail."""

    verbatim = frozenset({"body"})

    email_server: EmailServer = Field(
        description="`follow_system` or `custom`: the mail server of the settings. `ys`, the vendor's, is refused."
    )
    recipient: _Addresses = Field((), description="Whom it is for; `recipient`, `cc` or `bcc` has to name somebody.")
    cc: _Addresses = Field((), description="Who gets a copy.")
    bcc: _Addresses = Field((), description="Who gets a copy that nobody else is told of.")
    subject: ShownName = Field("", description="The subject.")
    body: str = Field(
        "", max_length=100_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", description="The plain text."
    )
    attachments: Annotated[tuple[str, ...], Field(max_length=100)] = Field(
        (), description="Files of the server: refused, as they could be anything that it can read."
    )
    force_attach: Flag = Field(0, description="Whether it is not to be sent without attachments: 0 no, 1 yes.")

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """It is for somebody, and needs nothing that this server does not have."""
        if not any(data.get(name) for name in ("recipient", "cc", "bcc")):
            yield Broken(("recipient",), refuse("required", "nobody to send it to"))
        if data.get("email_server") == EmailServer.YS:
            yield Broken(("email_server",), refuse("unsupported", "there is no such mail server"))
        if data.get("attachments"):
            yield Broken(("attachments",), refuse("unsupported", "files of the server are not sent"))
        elif is_on(data.get("force_attach")):
            yield Broken(("attachments",), refuse("required", "nothing to attach"))


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


@router.post("/sendemail", response_model=Done | Failure, openapi_extra=takes(EmailForm))
async def sendemail(body: Body, services: Injected) -> Done:
    """Send a mail now, such as one that tries out the mail server; it is there when this says SUCCESS."""
    form = good(EmailForm, body)
    if services.mailer is None:
        raise Refusal.not_sent("no mail server is set: see RINGDOVE_SMTP")
    try:
        await services.mailer.write(form.subject, form.body, to=form.recipient, cc=form.cc, bcc=form.bcc)
    except (Unwritable, Refused, NoWay) as why:
        raise Refusal.not_sent(str(why)) from None
    return Done()
