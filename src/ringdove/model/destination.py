"""Where a call goes next, and what each kind of destination needs to be told."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ringdove.model.reference import AudioRef, DestinationKind, ObjectKind, Ref
from ringdove.model.rules import MAX_ID, AudioName, ExternalNumber, refuse

Part = Literal["prefix", "value"]

REFERS_TO = {
    DestinationKind.EXTENSION: ObjectKind.EXTENSION,
    DestinationKind.EXT_VM: ObjectKind.EXTENSION,
    DestinationKind.RING_GROUP: ObjectKind.RING_GROUP,
    DestinationKind.GROUP_VM: ObjectKind.GROUP_VM,
}
"""Kinds whose value is the id of an object that this build knows."""

_WITH_PREFIX = {DestinationKind.EXTERNAL_NUM, DestinationKind.PLAY_GREETING}
_AUDIO_NAME: TypeAdapter[str] = TypeAdapter(AudioName)
_EXTERNAL_NUMBER: TypeAdapter[str] = TypeAdapter(ExternalNumber)
_PLAY_COUNTS = frozenset("012345")


def broken_rules(
    kind: DestinationKind, prefix: str | None, value: str | None
) -> Iterator[tuple[Part, PydanticCustomError]]:
    """Say which part of a destination breaks which rule of the page; None stands for "not given"."""
    if kind is DestinationKind.END_CALL:
        return
    if kind in _WITH_PREFIX:
        if prefix is None:
            yield "prefix", refuse("required", "this destination needs a prefix")
        elif kind is DestinationKind.PLAY_GREETING and prefix not in _PLAY_COUNTS:
            yield "prefix", refuse("range", "a play count from 0 to 5")
        elif kind is DestinationKind.EXTERNAL_NUM and len(prefix) > 7:
            yield "prefix", refuse("length", "at most 7 characters")
        elif kind is DestinationKind.EXTERNAL_NUM and prefix and not _fits(_EXTERNAL_NUMBER, prefix):
            yield "prefix", refuse("pattern", "digits, * and #")
    if not value:
        yield "value", refuse("required", "this destination needs a value")
    elif kind is DestinationKind.PLAY_GREETING:
        yield from (("value", error) for error in _errors(_AUDIO_NAME, value))
    elif kind is DestinationKind.EXTERNAL_NUM:
        yield from (("value", error) for error in _errors(_EXTERNAL_NUMBER, value))
    elif not (value.isascii() and value.isdecimal() and value[0] != "0"):
        yield "value", refuse("pattern", "the id of the destination")
    elif len(value) > 10 or int(value) > MAX_ID:
        yield "value", refuse("range", "the id of the destination")


def _errors(adapter: TypeAdapter[str], value: str) -> list[PydanticCustomError]:
    try:
        adapter.validate_python(value)
    except ValidationError as broken:
        rules = {"string_too_long": "length", "string_too_short": "length"}
        return [refuse(rules.get(e["type"], "pattern"), e["msg"]) for e in broken.errors(include_url=False)]
    return []


def _fits(adapter: TypeAdapter[str], value: str) -> bool:
    return not _errors(adapter, value)


class Destination(BaseModel):
    """One destination. `value` is an id, an external number or a file name, as its kind says.

    `prefix` is a dial-out prefix (`external_num`), a play count "0" to "5" (`play_greeting`), or None.
    """

    model_config = ConfigDict(frozen=True)

    kind: DestinationKind
    prefix: str | None = None
    value: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for _part, error in broken_rules(self.kind, self.prefix, self.value):
            raise error
        return self

    @classmethod
    def trimmed(cls, kind: DestinationKind, prefix: str | None, value: str | None) -> Self:
        """Make one without the parts that do not apply to its kind."""
        parts: dict[str, Any] = {"kind": kind}
        if kind is not DestinationKind.END_CALL:
            parts["value"] = value or ""
        if kind in _WITH_PREFIX:
            parts["prefix"] = prefix
        return cls(**parts)

    @property
    def ref(self) -> Ref | None:
        """The object that this destination points at, where its kind has one that we know."""
        kind = REFERS_TO.get(self.kind)
        return Ref(kind, int(self.value)) if kind else None

    @property
    def prompt(self) -> AudioRef | None:
        """The prompt that this destination plays, if it plays one."""
        return AudioRef(ObjectKind.PROMPT, self.value) if self.kind is DestinationKind.PLAY_GREETING else None


END_CALL = Destination(kind=DestinationKind.END_CALL)
