"""What the names of prompts and playlists stand for, looked up at the moment when they are to be heard."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from ringdove.media.engine import Sound
from ringdove.media.library import Library
from ringdove.media.speech import Phrase, Speech
from ringdove.model.audio import FOLLOW_SYSTEM, PlayOrder
from ringdove.model.voicemail import RECORDED_NAME, Mailbox, MailboxKind
from ringdove.store import Store
from ringdove.store.owners import Owner

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tune:
    """A sound under the name that the administrator gave it. `seconds`: once through."""

    name: str
    sound: Sound
    seconds: float


@dataclass(frozen=True, slots=True)
class Program:
    """What a caller is to hear in one place until somebody answers: `join` once, then `welcome` over and over."""

    join: Tune | None = None
    welcome: Tune | None = None


SILENT = Program()
"""Nothing of its own."""


class Sounds:
    """What this server can be heard saying: prompts, playlists, greetings, speech.

    `system` is the playlist that `follow_system` stands for, where it is about music.
    """

    def __init__(self, store: Store, library: Library, system: str, speech: Speech) -> None:
        self.speech = speech
        self._store = store
        self._library = library
        self._system = system

    async def program(self, join_prompt: str, welcome_prompt: str) -> Program:
        """What the two settings of a group mean now."""
        return Program(await self.find(join_prompt), await self.find(welcome_prompt))

    async def music(self, moh: str) -> Tune | None:
        """The music for a call on hold, by the `moh` of the group that it came through."""
        return await self.find(self._system if moh == FOLLOW_SYSTEM else moh)

    async def greeting(self, owner: Owner) -> tuple[Path, ...]:
        """The tracks that are heard before the tone of a mailbox: the greeting that its owner has chosen or, with
        `follow_system` and where that is gone, the system's, with the name that the owner has recorded, or else with
        its number.
        """
        recorded = await self.recorded(owner.mailbox)
        if own := recorded.get(owner.vm_greeting):
            return (own,)
        if name := recorded.get(RECORDED_NAME):
            who = name, *self.speech.phrase(Phrase.IS_NOT_AVAILABLE)
        else:
            who = self.speech.unavailable(owner.number, group=owner.mailbox.kind is MailboxKind.GROUP)
        return *who, *self.speech.phrase(Phrase.LEAVE_A_MESSAGE), *self.speech.phrase(Phrase.WHEN_DONE)

    async def recorded(self, mailbox: Mailbox) -> dict[str, Path]:
        """The tracks of a mailbox's greetings by their names. A store that fails costs them, not the call."""
        try:
            greetings = await self._store.greetings.of(mailbox)
        except Exception:  # the store: the system's greeting is heard
            log.exception("greetings_not_read", mailbox=mailbox)
            return {}
        return {greeting.file: self._library.track(greeting.digest) for greeting in greetings}

    def track(self, digest: str) -> Path:
        """The track of content in the library, such as a message."""
        return self._library.track(digest)

    async def find(self, name: str) -> Tune | None:
        """The prompt or playlist of this name; None for "", and where there is none (any more) or it is empty.

        A store that fails costs the sound, not the call.
        """
        try:
            found = await self._store.sounds.find(name) if name else None
        except Exception:  # the store: the call goes on without it
            log.exception("sound_not_read", name=name)
            return None
        if found is None or not found.files:
            return None
        tracks = tuple(self._library.track(file.digest) for file in found.files)
        shuffled = found.play_order is PlayOrder.RANDOM
        return Tune(name, Sound(tracks, shuffled), sum(file.seconds for file in found.files))
