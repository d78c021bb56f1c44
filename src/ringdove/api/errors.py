"""The one error table, and how a refusal is answered. The docs page "Error codes" is generated from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from fastapi.responses import JSONResponse

from ringdove.api.envelope import Failure, InvalidParam, TakenValue, User
from ringdove.model.audio import MAX_FILES
from ringdove.store import Duplicate, InUse


class Code(IntEnum):
    """Every `errcode`."""

    SUCCESS = 0
    FAILURE = -1
    INTERFACE_NOT_EXISTED = 10001
    TOKEN_EXPIRED = 10004
    PARAMETER_ERROR = 40002
    DUPLICATE_KEY_VALUE = 40003
    OBJECT_IN_USE = 40010
    MAIL_NOT_SENT = 40011
    MAX_LIMITATION_EXCEEDED = 60002
    ACCOUNT_IP_BLOCKED = 70004


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `ours` marks codes that the public interface does not have."""

    code: Code
    meaning: str
    ours: bool = False

    @property
    def errmsg(self) -> str:
        """The text that goes with the code."""
        return self.code.name.replace("_", " ")


TABLE = (
    Row(Code.SUCCESS, "Done as asked."),
    Row(
        Code.FAILURE,
        "With HTTP 200: Client ID or Client Secret is wrong. With HTTP 500: a fault of the server, noted in its log; "
        "nothing was saved.",
    ),
    Row(Code.INTERFACE_NOT_EXISTED, "There is no such path, or it wants the other method (GET or POST)."),
    Row(Code.TOKEN_EXPIRED, "The access token or refresh token is missing, unknown, expired, revoked or used up."),
    Row(Code.PARAMETER_ERROR, "Parameters are wrong; `invalid_param_list` names every one of them with the rule."),
    Row(
        Code.DUPLICATE_KEY_VALUE,
        "A value that must be unique is taken; `duplicate_field_list` says which, and by what.",
    ),
    Row(
        Code.OBJECT_IN_USE,
        "The object cannot be deleted, because others still send calls to it or play it; `used_by_list` names them "
        "and the field.",
        ours=True,
    ),
    Row(
        Code.MAIL_NOT_SENT,
        "The mail server does not take the mail, or cannot be reached, or none is set; `submsg` says why.",
        ours=True,
    ),
    Row(
        Code.MAX_LIMITATION_EXCEEDED,
        "The application has 8 valid access tokens: revoke one or wait for its end. Or the playlist has "
        f"{MAX_FILES} files: delete one, or use another playlist.",
    ),
    Row(
        Code.ACCOUNT_IP_BLOCKED,
        "Too many failed logins from this address; `block_expire_time` (Unix seconds) says when it may try again.",
    ),
)
_ROWS = {row.code: row for row in TABLE}

VALIDATION_TYPES = {
    "required": "The field is missing or empty.",
    "type": "The value is not of the right JSON type.",
    "length": "The text or list is too long or too short.",
    "range": "The number is too small or too great.",
    "pattern": "The text has characters or a form that is not allowed.",
    "enum": "The value is none of the valid ones.",
    "exist": "There is no object with this id or name.",
    "unsupported": "The interface has it, but this release does not yet: a kind of destination, streamed music, "
    "files of the server in a mail.",
    "loop": "Calls would come back to the same ring group.",
    "weak_password": "Others would guess the password soon: fewer than two kinds of characters (letters, capitals, "
    "digits, signs), fewer than five different ones, made of the extension's number or names, or one that everybody "
    "tries.",
    "builtin": "What is built in cannot be changed or deleted.",
    "exclusive": "Only one of this field and its neighbours can be given.",
    "audio": "The content of the file cannot be used; `submsg` says why.",
    "json": "The body is not JSON, or not a JSON object.",
    "multipart": "The body is not `multipart/form-data`, or it is broken.",
}
"""What `validation_type` can say."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One bad field: its path, such as `member_list[2].value`, and the rule it breaks."""

    field: str
    rule: str


class Refusal(Exception):
    """A request that is answered with an error code. It is the caller's doing, so HTTP says 200."""

    def __init__(self, code: Code, *, details: Failure | None = None) -> None:
        super().__init__(_ROWS[code].errmsg)
        self.failure = (details or Failure()).model_copy(update={"errcode": int(code), "errmsg": _ROWS[code].errmsg})

    @classmethod
    def parameters(cls, problems: Sequence[Problem], *, why: str | None = None) -> Self:
        """Name every bad field, each once; `why` tells a person what the rule alone does not."""
        first = {problem.field: problem for problem in reversed(problems)}
        ordered = [first[field] for field in dict.fromkeys(problem.field for problem in problems)]
        invalid = [InvalidParam(field=problem.field, validation_type=problem.rule) for problem in ordered]
        return cls(Code.PARAMETER_ERROR, details=Failure(invalid_param_list=invalid, submsg=why))

    @classmethod
    def parameter(cls, field: str, rule: str, *, why: str | None = None) -> Self:
        """Name one bad field."""
        return cls.parameters([Problem(field, rule)], why=why)

    @classmethod
    def credentials(cls) -> Self:
        """Wrong Client ID or Client Secret; which of them is not told."""
        invalid = [InvalidParam(field="username or password", value="error")]
        return cls(Code.FAILURE, details=Failure(invalid_param_list=invalid))

    @classmethod
    def duplicate(cls, error: Duplicate, doing: str) -> Self:
        """Name every value that is taken; `doing` is what failed, such as "create extension"."""
        taken = [
            TakenValue(field=c.field, value=c.value, external_source=c.source, external_source_name=c.source_name)
            for c in error.clashes
        ]
        return cls(Code.DUPLICATE_KEY_VALUE, details=Failure(duplicate_field_list=taken, submsg=f"Failed to {doing}."))

    @classmethod
    def in_use(cls, error: InUse) -> Self:
        """Name everything that still sends calls to the object or plays it."""
        users = [User(source=u.source, id=u.id, number=u.number, name=u.name, field=u.field) for u in error.users]
        return cls(Code.OBJECT_IN_USE, details=Failure(used_by_list=users))

    @classmethod
    def not_sent(cls, why: str) -> Self:
        """Say why a mail was not sent."""
        return cls(Code.MAIL_NOT_SENT, details=Failure(submsg=why))

    @classmethod
    def blocked(cls, until: int) -> Self:
        """Say when the address may try again, in Unix seconds."""
        return cls(Code.ACCOUNT_IP_BLOCKED, details=Failure(block_expire_time=until))

    def response(self) -> JSONResponse:
        """Return the answer."""
        return _response(self.failure, 200)


def fault() -> JSONResponse:
    """Return the answer to a request that ran into a fault of ours."""
    return _response(Refusal(Code.FAILURE).failure, 500)


def _response(failure: Failure, status: int) -> JSONResponse:
    return JSONResponse(failure.model_dump(exclude_none=True), status_code=status)


def markdown() -> str:
    """Return the docs page "Error codes"."""
    codes = "\n".join(
        f"| {row.code.value} | {row.errmsg} | {row.meaning}{' *(ours)*' if row.ours else ''} |" for row in TABLE
    )
    rules = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in VALIDATION_TYPES.items())
    return f"""# Error codes

Every answer is HTTP 200 with `errcode` and `errmsg`; success is `errcode` 0. Only a fault of the server is HTTP 500.
Codes marked *(ours)* are additions to the public interface.

| errcode | errmsg | meaning |
|---|---|---|
{codes}

## What `validation_type` says

Each element of `invalid_param_list` is `field`, the path of a bad field such as `member_list[2].value`, and
`validation_type`, the rule that it breaks.

| validation_type | meaning |
|---|---|
{rules}
"""
