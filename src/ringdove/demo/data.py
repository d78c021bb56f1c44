"""Sample data: a few people, under the ids that the page's request examples name, and the sounds that they name."""

import asyncio
import secrets
import time
from pathlib import Path

from ringdove.media.library import Library
from ringdove.media.sounds import DEMO_PROMPT, SOFT_BREEZE
from ringdove.model.audio import Audio, Playlist, PlayOrder, Prompt
from ringdove.model.extension import Extension
from ringdove.store import Store

PEOPLE = {
    3071: ("2001", "Alice", "Archer"),
    3074: ("2002", "Bob", "Baker"),
    3075: ("2003", "Carol", "Cooper"),
    3080: ("2010", "Dora", "Drummond"),
    3081: ("2011", "Emil", "Eriksen"),
    3082: ("2012", "Frida", "Fischer"),
}
"""Extension id to number and name; the page's examples ring 3071, 3074 and 3075."""
WITH_VOICEMAIL = (3071, 3080)
"""Whose calls go to voicemail when they do not take them."""
SOFT_BREEZE_NAME = "SoftBreeze"
"""The playlist that the page's examples play."""


def first_name(number: str) -> str:
    """Who has this number."""
    return next(first for known, first, _ in PEOPLE.values() if known == number)


def number_of(extension_id: int) -> str:
    """The number of somebody in the sample data."""
    return PEOPLE[extension_id][0]


async def add_sample_data(store: Store, library: Library) -> bool:
    """Fill a store that has no extensions yet; says whether it did. Passwords and PINs are made anew each time."""
    if await store.extensions.count():
        return False
    for extension_id, (number, first_name, last_name) in PEOPLE.items():
        person: dict[str, object] = {"number": number, "first_name": first_name, "last_name": last_name}
        if extension_id in WITH_VOICEMAIL:
            person |= {"enb_vm": True, "vm_pin": f"{secrets.randbelow(10_000):04}"}
        await store.extensions.create(Extension.model_validate(person), id=extension_id)
    prompt, *music = await asyncio.gather(*(_kept(library, file) for file in (DEMO_PROMPT, *SOFT_BREEZE)))
    await store.prompts.save(Prompt(**dict(prompt), uploaded_at=time.time()))
    await store.playlists.create(
        Playlist(list_name=SOFT_BREEZE_NAME, play_order=PlayOrder.ALPHABETICAL, files=tuple(music))
    )
    return True


async def _kept(library: Library, file: Path) -> Audio:
    kept = await library.add(file, file.name)
    return Audio(file=file.name, digest=kept.digest, seconds=kept.seconds, size=kept.size)
