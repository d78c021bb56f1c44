"""A person with a number and phones."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ringdove.model.password import generate_password, weakness
from ringdove.model.rules import (
    EmailAddress,
    Number,
    PersonName,
    PhoneNumber,
    Registrations,
    RegName,
    RegPassword,
    RingTimeout,
    ShownName,
    ShownNumber,
    StoredId,
    refuse,
)


class Presence(StrEnum):
    """What a person says about being there."""

    AVAILABLE = "available"
    AWAY = "away"
    BUSINESS_TRIP = "business_trip"
    DO_NOT_DISTURB = "do_not_disturb"
    LUNCH = "lunch"
    OFF_WORK = "off_work"


class Extension(BaseModel):
    """One extension. Only `number` is required; `id` is 0 until the store has given one.

    `caller_id_name` and `caller_id` are what the called party sees; they and `reg_name` follow from number and names
    unless set. `concurrent_registrations` bounds the bindings.
    `ring_timeout` is how long an unanswered direct call rings, in seconds. `user_password_hash` is a salted hash.
    """

    model_config = ConfigDict(frozen=True)

    id: StoredId = 0
    number: Number
    first_name: PersonName = ""
    last_name: PersonName = ""
    caller_id_name: ShownName = ""
    caller_id: ShownNumber = ""
    email_addr: EmailAddress | None = None
    mobile_number: PhoneNumber | None = None
    reg_name: RegName = ""
    reg_password: RegPassword = Field(default_factory=generate_password, repr=False)
    user_password_hash: str | None = Field(default=None, repr=False)
    concurrent_registrations: Registrations = 3
    presence_status: Presence = Presence.AVAILABLE
    enb_call_waiting: bool = True
    enabled: bool = True
    ring_timeout: RingTimeout = 30

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        return {**defaults(data), **data} if isinstance(data, Mapping) and "number" in data else data

    @model_validator(mode="after")
    def _strong(self) -> Self:
        if reason := weakness(self.reg_password, *owner_words(self.model_dump())):
            raise refuse("weak_password", reason)
        return self

    @property
    def name(self) -> str:
        """The name to show for this extension."""
        return self.caller_id_name


def defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from number and names unless it is set: shown name, shown number, registration name."""
    number = str(data["number"])
    name = " ".join(str(data[part]) for part in ("first_name", "last_name") if data.get(part))
    return {"caller_id_name": name or number, "caller_id": number, "reg_name": number}


def owner_words(data: Mapping[str, Any]) -> list[str]:
    """The words about its owner that a password must not be made of."""
    first, last = str(data.get("first_name") or ""), str(data.get("last_name") or "")
    others = (str(data.get(field) or "") for field in ("number", "reg_name", "caller_id_name", "caller_id"))
    return [first, last, first + last, last + first, *others]
