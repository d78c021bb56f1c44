"""Recordings that are in no mailbox yet, as files: what a crash leaves of them, the next start finds.

A letter is `ID.json`, who it is from and for, and `ID.wav`, what was said; while it is recorded, and where a crash came
before its end, the tape of that (see `media.tape`). The JSON comes first and goes last.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from ringdove.media.files.disk import sync
from ringdove.model.voicemail import Mailbox

log = structlog.get_logger(__name__)

ASIDE = "aside"
"""The folder within, of letters that cannot be delivered."""
_DRAFT = "draft-"


class Letter(BaseModel):
    """A recording for one or more mailboxes. `time`: Unix seconds at which it began."""

    model_config = ConfigDict(frozen=True)

    id: str
    mailboxes: tuple[Mailbox, ...]
    caller_number: str
    caller_name: str
    call_id: str
    time: float


class Spool:
    """The folder of letters. Everything may raise OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    def begin(self, letter: Letter) -> None:
        """Note a new letter, which is on the disk when this returns."""
        draft = self._folder / f"{letter.id}.new"
        try:
            with open(draft, "xb", opener=_private) as out:
                out.write(letter.model_dump_json().encode())
                sync(out)
            draft.rename(self._note(letter))
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        sync(self._folder)

    def file(self, letter: Letter) -> Path:
        """The WAV file that is, or will be, what was said."""
        return self._folder / f"{letter.id}.wav"

    def draft(self) -> Path:
        """A WAV file for something else that is recorded, which is nobody's letter: no run finds it after this one."""
        return self._folder / f"{_DRAFT}{new_id()}.wav"

    def remove(self, letter: Letter) -> None:
        """Nothing stays of it."""
        self.erase(self.file(letter))
        self._note(letter).unlink(missing_ok=True)

    def erase(self, file: Path) -> None:
        """Nothing stays of a recording: its tape, and what a process that was killed has made of that, go as well."""
        for path in self._folder.glob(f"{file.name}*"):
            path.unlink(missing_ok=True)

    def set_aside(self, letter_id: str) -> Path:
        """Move all of a letter that is good for nothing to the folder that is returned; moved back, it is found by the
        next start.
        """
        aside = self._folder / ASIDE
        aside.mkdir(exist_ok=True, mode=0o700)
        for path in sorted(self._folder.glob(f"{letter_id}.*")):  # the note first, so that no start takes up the rest
            path.rename(aside / path.name)
        sync(aside)
        sync(self._folder)
        return aside

    @property
    def aside(self) -> int:
        """How many letters are set aside."""
        return sum(1 for _ in (self._folder / ASIDE).glob("*.json"))

    def left(self) -> Iterator[Letter]:
        """What an earlier run has left, oldest first; clears away what never became a letter, and sets torn ones
        aside.
        """
        for draft in (*self._folder.glob("*.new"), *self._folder.glob(f"{_DRAFT}*")):
            draft.unlink(missing_ok=True)
        letters = filter(None, map(self._read, list(self._folder.glob("*.json"))))
        yield from sorted(letters, key=lambda letter: letter.time)

    @property
    def free(self) -> int:
        """Octets that the disk has left for us."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def _read(self, note: Path) -> Letter | None:
        try:
            return Letter.model_validate_json(note.read_bytes())
        except OSError:
            log.warning("letter_not_read", note=note.name)
        except ValidationError:
            log.error("letter_set_aside", letter=note.stem, folder=str(self.set_aside(note.stem)), error="a torn note")
        return None

    def _note(self, letter: Letter) -> Path:
        return self._folder / f"{letter.id}.json"


def new_id() -> str:
    """The id of a new letter: nobody can guess it, and no other one has it."""
    return secrets.token_hex(16)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
