"""All that can be heard in the demo: the sounds that the server may play, and the voices of the phones' owners."""

from collections.abc import Iterable
from pathlib import Path

from ringdove.app import Node
from ringdove.media.codecs import FRAME_BYTES, sound_file
from ringdove.media.sounds import BEEP, RINGBACK
from ringdove.model.audio import SYSTEM_PLAYLIST
from ringdove.model.voicemail import Mailbox

from .audio import PCMU
from .data import first_name
from .hearing import Sound
from .phone import Phone
from .scenes import SCENES

TONE = "the tone"
"""After which callers of a mailbox speak."""
_SETTINGS = ("join_prompt", "welcome_prompt", "moh")
"""Of ring groups, that name a prompt or a playlist."""


async def repertoire(node: Node, phones: Iterable[Phone]) -> list[Sound]:
    """Read the sounds from where the server keeps them; people are called by their first names."""
    known = [Sound(first_name(phone.account.number), (phone.voice,), endless=True) for phone in phones]
    known.append(Sound("ringback tone", _frames(RINGBACK), endless=True))
    known.append(Sound(TONE, _frames(BEEP)))
    named = {scene.request[setting] for scene in SCENES for setting in _SETTINGS if setting in scene.request}
    for name in sorted({*named, SYSTEM_PLAYLIST}):
        found = await node.store.sounds.find(name)
        for audio in found.files if found is not None else ():
            part = audio.file if audio.file != name else ""
            known.append(Sound(name, _frames(node.audio.track(audio.digest)), part))
    return known


async def greetings(node: Node, mailbox: Mailbox) -> list[Sound]:
    """What this mailbox may say before its tone."""
    known = await node.store.greetings.of(mailbox)
    return [Sound(greeting.file, _frames(node.audio.track(greeting.digest))) for greeting in known]


def _frames(track: Path) -> tuple[bytes, ...]:
    """The packets of a track in the codec that the phones speak."""
    packets = (track / (sound_file(PCMU) or "")).read_bytes()
    return tuple(packets[at : at + FRAME_BYTES] for at in range(0, len(packets), FRAME_BYTES))
