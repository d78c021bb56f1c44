"""What callers and members hear: uploaded prompts, playlists of music, and ring tones of web clients."""

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from ringdove.model.rules import AudioName, StoredId, refuse

FOLLOW_SYSTEM = "follow_system"
"""What stands in `moh` for the system's own playlist, whatever that is."""
SYSTEM_PLAYLIST = "default"
"""The playlist that every system has."""
MAX_FILES = 500
"""Files of one playlist: players are told all of them at once, and have to pass over those that are gone."""
BUILT_IN_RINGTONES = 11
"""Ids 1 to 11 belong to the built-in ring tones, Ring0.mp3 to Ring10.mp3."""

_FILE = re.compile(r".*\.(wav|mp3|flac|ogg)", re.IGNORECASE)
_RINGTONE = re.compile(r".*\.(wav|mp3)", re.IGNORECASE)


def is_file_name(name: str) -> bool:
    """Whether a name ends like that of a file; else it can only be that of a playlist."""
    return _FILE.fullmatch(name) is not None


def _file(name: str) -> str:
    if name.startswith(".") or not is_file_name(name):
        raise refuse("pattern", "a name that ends in .wav, .mp3, .flac or .ogg")
    return name


def _ringtone(name: str) -> str:
    if not _RINGTONE.fullmatch(name):
        raise refuse("pattern", "a name that ends in .wav or .mp3")
    return name


def _playlist(name: str) -> str:
    if name == FOLLOW_SYSTEM or is_file_name(name):
        raise refuse("pattern", "not the name of a file, and not follow_system")
    return name


FileName = Annotated[AudioName, StringConstraints(min_length=1), AfterValidator(_file)]
"""The name of an uploaded file; "a.wav" and "A.wav" are two."""
RingtoneName = Annotated[FileName, AfterValidator(_ringtone)]
PlaylistName = Annotated[AudioName, StringConstraints(min_length=1, max_length=63), AfterValidator(_playlist)]
"""Prompts and playlists can stand in the same field, so that no name fits both."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Audio(BaseModel):
    """One uploaded file: its name, the SHA-256 of its content, how many seconds it plays, and its size in octets."""

    model_config = ConfigDict(frozen=True)

    file: FileName
    digest: Digest
    seconds: Annotated[float, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]


class Prompt(Audio):
    """A file that ring groups play to callers; `id` is 0 until the store has given one, `uploaded_at` Unix seconds."""

    id: StoredId = 0
    uploaded_at: float = 0


class RingtoneType(StrEnum):
    """Where a ring tone comes from."""

    BUILT_IN = "built-in"
    BACKEND = "backend"
    """Uploaded."""


class Ringtone(Audio):
    """A ring tone of web clients; `id` is 0 until the store has given one."""

    id: StoredId = 0
    file: RingtoneName
    type: RingtoneType = RingtoneType.BACKEND

    @property
    def suffix(self) -> str:
        """How its name ends: ".mp3" or ".wav"."""
        return PurePath(self.file).suffix.lower()


class PlayOrder(StrEnum):
    """In which order a playlist is played."""

    RANDOM = "random"
    ALPHABETICAL = "alphabetical"


class Playlist(BaseModel):
    """Music under one name; `id` is 0 until the store has given one. `files` are always in alphabetical order.

    The built-in one can be neither renamed nor deleted; its files and their order can be changed.
    """

    model_config = ConfigDict(frozen=True)

    id: StoredId = 0
    list_name: PlaylistName
    play_order: PlayOrder
    builtin: bool = False
    files: Annotated[tuple[Audio, ...], Field(max_length=MAX_FILES)] = ()

    @field_validator("files")
    @classmethod
    def _in_order(cls, files: tuple[Audio, ...]) -> tuple[Audio, ...]:
        return alphabetical(files)


class Selection(NamedTuple):
    """What the name of a prompt or playlist stands for; an empty playlist has no files."""

    files: tuple[Audio, ...]
    play_order: PlayOrder


def alphabetical(files: Iterable[Audio]) -> tuple[Audio, ...]:
    """Return files by name, upper and lower case side by side."""
    return tuple(sorted(files, key=lambda audio: (audio.file.casefold(), audio.file)))
