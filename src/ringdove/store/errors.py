"""Why a change was refused. Nothing was saved when one of these is raised."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from ringdove.model.reference import Mention, ObjectKind

UNAVAILABLE = (OperationalError, InterfaceError, NoConnection)
"""What may pass by itself: the database is locked, its disk full, its server not there."""


def in_one_line(error: Exception) -> str:
    """An error for the log; those of the database go on with the statement, which is left out."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


class StoreError(Exception):
    """A change that would have left the settings in contradiction."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A value that must be unique and is taken: by which kind of object, and under which number or name."""

    field: str
    value: str
    source: ObjectKind
    source_name: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What still names something: a ring group, unless `source` says otherwise, and the field of it that does."""

    id: int
    number: str
    name: str
    field: str
    source: ObjectKind = ObjectKind.RING_GROUP


class Duplicate(StoreError):
    """Unique values are taken."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        super().__init__(f"taken: {', '.join(f'{c.field} {c.value}' for c in clashes)}")
        self.clashes = tuple(clashes)


class InUse(StoreError):
    """Others still name the object."""

    def __init__(self, users: Sequence[Usage]) -> None:
        super().__init__(f"still used by: {', '.join(u.number for u in users)}")
        self.users = tuple(users)


class BrokenReference(StoreError):
    """Members, destinations or audio that do not exist."""

    def __init__(self, missing: frozenset[Mention]) -> None:
        super().__init__(f"no such object: {', '.join(f'{kind} {key}' for kind, key in sorted(missing))}")
        self.missing = missing


class Loop(StoreError):
    """A ring group would reach itself through the destinations in these fields (R12)."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(f"leads back to the same ring group: {', '.join(fields)}")
        self.fields = tuple(fields)


class Full(StoreError):
    """Nothing more fits into a playlist."""


class Builtin(StoreError):
    """What is built in cannot be renamed or deleted, and but for the music of a playlist not refilled."""
