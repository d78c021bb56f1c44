"""The forms that every answer takes."""

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class Done(BaseModel):
    """Success."""

    errcode: Literal[0] = 0
    errmsg: Literal["SUCCESS"] = "SUCCESS"


class Created(Done):
    """Success, with the id of the new object."""

    id: int


class One(Done, Generic[T]):
    """Success, with one object."""

    data: T


class Many(Done, Generic[T]):
    """Success, with the objects that were asked for."""

    data: list[T]


class PageOf(Done, Generic[T]):
    """Success, with one page of a list."""

    total_number: int = Field(description="How many match, on all pages together.")
    data: list[T]


class InvalidParam(BaseModel):
    """One bad field: with the rule it breaks, or (wrong credentials) with what is wrong about its value."""

    field: str
    validation_type: str | None = None
    value: str | None = None


class TakenValue(BaseModel):
    """One value that is taken, and the object that holds it."""

    field: str
    value: str
    external_source: str
    external_source_name: str


class User(BaseModel):
    """One object that sends calls to another or plays it, and the field that says so."""

    source: str
    id: int
    number: str
    name: str
    field: str


class Failure(BaseModel):
    """Refused; the lists are there where the code has them."""

    errcode: int = -1
    errmsg: str = "FAILURE"
    invalid_param_list: list[InvalidParam] | None = Field(default=None, description="With 40002 and wrong credentials.")
    duplicate_field_list: list[TakenValue] | None = Field(default=None, description="With 40003.")
    submsg: str | None = Field(default=None, description="With 40003: what failed. With 40002 for a file: why.")
    used_by_list: list[User] | None = Field(default=None, description="With 40010.")
    block_expire_time: int | None = Field(default=None, description="With 70004: when the block ends (Unix seconds).")
