"""The limits and character sets of fields, each written once: API forms and domain objects are built of these types."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

MAX_ID = 2**31 - 1
MAX_MEMBERS = 500
"""Entries of one list (`member_list`, `sub_option`, `members`)."""
MAX_SECONDS = 600
"""The page's bound for `delay_time` and `timeout`; `ring_timeout` has none printed and takes the same."""

_JOINERS = frozenset("\u200c\u200d")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def refuse(rule: str, text: str) -> PydanticCustomError:
    """A broken rule as pydantic carries it; `rule` becomes the `validation_type` of the answer."""
    return PydanticCustomError(rule, text)


def _printable(value: str) -> str:
    """Control characters in a name could forge SIP header lines, and half a surrogate pair cannot be stored.

    Format characters cannot be seen, and can turn the text around them. Persian and emoji need the joiners.
    """
    if _UNPRINTABLE.search(value) or _formats(value) - _JOINERS:
        raise refuse("pattern", "control and format characters are not allowed")
    return value


def _formats(value: str) -> set[str]:
    return {character for character in value if unicodedata.category(character) == "Cf"}


def _file_name(value: str) -> str:
    """Audio is found by its name, so that no two names may look the same for an invisible character."""
    if _formats(value):
        raise refuse("pattern", "format characters are not allowed")
    if "/" in value or "\\" in value or value in {".", ".."}:
        raise refuse("pattern", "a name, not a path")
    return value


ObjectId = Annotated[int, Field(ge=1, le=MAX_ID)]
StoredId = Annotated[int, Field(ge=0, le=MAX_ID)]
"""The id of an object; 0 before the store has given one."""

Number = Annotated[str, StringConstraints(min_length=1, max_length=7, pattern=r"^[0-9]+$")]
"""What can be dialled: 1 to 7 digits, unique over everything that can be dialled."""

GroupName = Annotated[str, StringConstraints(min_length=1, max_length=127), AfterValidator(_printable)]
PersonName = Annotated[str, StringConstraints(max_length=63), AfterValidator(_printable)]
ShownName = Annotated[str, StringConstraints(max_length=127), AfterValidator(_printable)]
ShownNumber = Annotated[str, StringConstraints(min_length=1, max_length=31, pattern=r"^[A-Za-z0-9+*#._-]+$")]
EmailAddress = Annotated[str, StringConstraints(max_length=254, pattern=r"^[!-?A-~]+@[!-?A-~]+$")]
PhoneNumber = Annotated[str, StringConstraints(max_length=31, pattern=r"^[0-9+*# ()./-]+$")]
ExternalNumber = Annotated[str, StringConstraints(min_length=1, max_length=31, pattern=r"^\+?[0-9*#]+$")]

RegName = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9._~+-]+$")]
"""The user name in digest authentication and in the address of record: nothing that needs escaping in a SIP URI."""

RegPassword = Annotated[str, StringConstraints(min_length=8, max_length=63, pattern=r"^[!-~]+$")]
UserPassword = Annotated[str, StringConstraints(min_length=8, max_length=63), AfterValidator(_printable)]

RingTimeout = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
EntrySeconds = Annotated[int, Field(ge=0, le=MAX_SECONDS)]
Registrations = Annotated[int, Field(ge=1, le=20)]

AlertInfo = Annotated[str, StringConstraints(max_length=31, pattern=r"^[A-Za-z0-9 _-]*$")]
AudioName = Annotated[str, StringConstraints(max_length=127), AfterValidator(_printable), AfterValidator(_file_name)]
"""A prompt, playlist or ringtone by its name."""
