"""What the families of audio files have in common in their requests."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, WithJsonSchema

from ringdove.api.envelope import Done
from ringdove.api.errors import Problem, Refusal
from ringdove.api.form import LIBERAL_INT, Broken, Fields, Form, read
from ringdove.api.upload import Upload
from ringdove.model.audio import FileName, RingtoneName
from ringdove.model.rules import AudioName, ObjectId, refuse

F = TypeVar("F", bound=Form)
T = TypeVar("T")

MAX_AUDIO = 50 * 2**20
"""Octets of a prompt or of a piece of music."""
MAX_RINGTONE = 4 * 2**20


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


_LEFT_OUT = Field(json_schema_extra=_without_default)
"""A part of a body can be left out, but it cannot be null, as the default of the field would have it."""
_CONTENT = WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})
FilePart = Annotated[FileName, _CONTENT]
"""In a form the name of the file, in the reference its content: a part of a body has both."""
RingtonePart = Annotated[RingtoneName | None, _CONTENT, _LEFT_OUT]
OptionalRingtone = Annotated[RingtoneName | None, WithJsonSchema({"type": "string", "maxLength": 127}), _LEFT_OUT]

IsCheck = Annotated[
    Literal["ask", "force"] | None,
    WithJsonSchema({"type": "string", "enum": ["ask", "force"]}),
    _LEFT_OUT,
    Field(
        description="`ask`: only say whether the name is taken (40003), and save nothing; the content may be left out. "
        "`force`: replace what has the name. With neither a name that is taken is refused."
    ),
]


class Stored(Done):
    """Success, with the name that was saved or asked about, and its id where it has one."""

    file: str
    id: int | None = None


class ByIdOrName(Form):
    """Names one object by its id or by its name."""

    name_field: ClassVar[str]

    id: Annotated[ObjectId, LIBERAL_INT] | None = Field(None, description="The unique id, or:")

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """One of them is needed."""
        if not data.keys() & {"id", cls.name_field}:
            yield Broken(("id",), refuse("required", "an id or a name"))

    @property
    def field(self) -> str:
        """The field that names the object."""
        return self.name_field if self.id is None else "id"


class ByIdOrFile(ByIdOrName):
    """Names one file."""

    name_field = "file"

    file: AudioName | None = Field(None, description="The name of the file, with its ending.")


class ByIdOrList(ByIdOrName):
    """Names one playlist."""

    name_field = "list_name"

    list_name: AudioName | None = Field(None, description="The name of the playlist.")


async def chosen(
    query: ByIdOrName, get: Callable[[int], Awaitable[T | None]], by_name: Callable[[str], Awaitable[T | None]]
) -> T:
    """Return the object that a request names. Raises Refusal where there is none."""
    found = await by_name(getattr(query, query.name_field)) if query.id is None else await get(query.id)
    if found is None:
        raise Refusal.parameter(query.field, "exist")
    return found


def checked(form: type[F], came: Upload, *, content: bool, more: Sequence[Problem] = ()) -> F:
    """Return the form of an upload, which must have content unless it is not needed. Raises Refusal."""
    good, problems = read(form, came.fields)
    if content:
        problems += came.problems()
    problems += more
    if problems or good is None:
        raise Refusal.parameters(problems)
    return good
