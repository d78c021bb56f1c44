"""How requests are read: liberal about the form of values, and naming every bad field at once."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic import ModelWrapValidatorHandler as Handler
from pydantic_core import InitErrorDetails, PydanticCustomError

from ringdove.api.errors import VALIDATION_TYPES, Problem, Refusal
from ringdove.model.rules import ObjectId, refuse

F = TypeVar("F", bound="Form")
E = TypeVar("E", bound=Enum)
Fields = dict[str, Any]
Location = tuple[int | str, ...]

_NUMERIC = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")


def _integer(value: Any) -> Any:
    if isinstance(value, bool):
        raise refuse("type", "a number, not true or false")
    return int(value) if isinstance(value, str) and _NUMERIC.fullmatch(value) else value


LIBERAL_INT = BeforeValidator(_integer)
"""Annotates an integer that may also come as text, as the page itself has it ("20")."""

Flag = Annotated[Literal[0, 1], LIBERAL_INT]
IdText = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,9}$")]
"""The id of an object as the page has it in bodies: a string of digits."""


class Broken(NamedTuple):
    """A broken rule and the place of the field inside the form."""

    location: Location
    error: PydanticCustomError


class Form(BaseModel):
    """A request as it comes: unknown fields are ignored, null and "" count as absent, numbers may come as text.

    Text is in the normal form NFC, for some systems write "é" as two characters: a name is one name, whoever writes it.

    A form can drop fields that do not apply (`relevant`) and can have rules about several fields (`conditions`). Both
    see the fields before they are checked, so that one bad field hides no other.
    """

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    keeps_empty: ClassVar[frozenset[str]] = frozenset()
    """Fields in which "" is a value."""
    verbatim: ClassVar[frozenset[str]] = frozenset()
    """Fields whose text stays as it comes."""

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Return the fields that apply."""
        return data

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """Say which rules about several fields are broken."""
        yield from ()

    @classmethod
    def present(cls, data: Fields) -> Fields:
        """Return the fields that count as given and apply."""
        given = {k: v for k, v in data.items() if v is not None and (v != "" or k in cls.keeps_empty)}
        return cls.relevant({k: v if k in cls.verbatim else _composed(v) for k, v in given.items()})

    @model_validator(mode="wrap")
    @classmethod
    def _everything_at_once(cls, data: Any, handler: Handler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        data = cls.present(data)
        errors = [InitErrorDetails(type=b.error, loc=b.location, input=None) for b in cls.conditions(data)]
        try:
            form = handler(data)
        except ValidationError as broken:
            errors = [*_details(broken), *errors]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return form


class ById(Form):
    """Names one object."""

    id: Annotated[ObjectId, LIBERAL_INT] = Field(description="The unique id of the object.")


class ByIds(Form):
    """Names several objects."""

    ids: str = Field(description="Unique ids, separated by commas: `1,2,3`.", examples=["1,2,3"], max_length=4_000)

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take `id` for `ids`, as some pages of the public interface have it."""
        return data if "ids" in data or "id" not in data else data | {"ids": data["id"]}

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """Every id is a positive number."""
        for text in str(data.get("ids", "1")).split(","):
            if not re.fullmatch(r"\s*[1-9][0-9]{0,9}\s*", text):
                yield Broken(("ids",), refuse("pattern", "ids separated by commas"))
                return

    def numbers(self) -> list[int]:
        """Return the ids in the order asked for."""
        return [int(text) for text in self.ids.split(",")]


def read(form: type[F], data: Any) -> tuple[F | None, list[Problem]]:
    """Read a form, and name every bad field."""
    try:
        return form.model_validate(data), []
    except ValidationError as broken:
        return None, problems(broken.errors(include_url=False, include_context=False, include_input=False))


def good(form: type[F], data: Any) -> F:
    """Read a form. Raises Refusal with every bad field."""
    found, problems = read(form, data)
    if found is None:
        raise Refusal.parameters(problems)
    return found


def problems(errors: Any) -> list[Problem]:
    """Put the errors of pydantic or FastAPI into the words of the interface."""
    return [Problem(path(error["loc"]), rule(error["type"])) for error in errors]


def path(location: Location) -> str:
    """Write a place inside a request as `member_list[2].value`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "body"


def rule(kind: str) -> str:
    """Return the `validation_type` for a kind of error in pydantic's words."""
    if kind in VALIDATION_TYPES:
        return kind
    return _RULES.get(kind, "type")


_RULES = {
    "missing": "required",
    "string_too_long": "length",
    "string_too_short": "length",
    "too_long": "length",
    "too_short": "length",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
    "finite_number": "range",
    "int_parsing_size": "range",
    "string_pattern_mismatch": "pattern",
    "string_unicode": "pattern",
    "enum": "enum",
    "literal_error": "enum",
}


def choice(kind: type[E], value: Any) -> E | None:
    """Return the member of an enum that an unchecked value names."""
    return next((member for member in kind if isinstance(value, str) and member.value == value), None)


def as_text(value: Any) -> str | None:
    """Return an unchecked value as text where it can stand for one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)


def as_id(value: Any) -> int | None:
    """Return an unchecked value as an id where it can be one."""
    text = as_text(value) or ""
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
        return None
    return int(text)


def is_on(value: Any) -> bool:
    """Say whether an unchecked value stands for a flag that is 1."""
    return not isinstance(value, bool) and bool(_integer(value) == 1)


def objects(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Go through an unchecked list, skipping what is no object."""
    if isinstance(value, list):
        yield from ((i, item) for i, item in enumerate(value) if isinstance(item, Mapping))


def _composed(value: Any) -> Any:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _details(broken: ValidationError) -> list[InitErrorDetails]:
    return [
        InitErrorDetails(type=refuse(rule(error["type"]), rule(error["type"])), loc=error["loc"], input=None)
        for error in broken.errors(include_url=False, include_context=False, include_input=False)
    ]
