"""A person with a number and phones."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.password import generate_password, weakness
from ringdove.model.rules import (
    AudioName,
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
from ringdove.model.voicemail import AfterVmNotify, Mailbox, MailboxKind, NewVmNotify, VmPin


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
    `enb_vm`: a direct call that it does not take goes to its voicemail; `vm_greeting`: `follow_system`, or the file of
    a greeting of its mailbox.
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
    enb_vm: bool = False
    enb_vm_pin: bool = False
    vm_pin: VmPin | None = Field(default=None, repr=False)
    new_vm_notify: NewVmNotify = NewVmNotify.NO
    after_vm_notify: AfterVmNotify = AfterVmNotify.NO
    enb_vm_play_datetime: bool = True
    enb_vm_play_caller_id: bool = True
    enb_vm_play_duration: bool = False
    vm_greeting: AudioName = FOLLOW_SYSTEM

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        return {**defaults(data), **data} if isinstance(data, Mapping) and "number" in data else data

    @model_validator(mode="after")
    def _strong(self) -> Self:
        if reason := weakness(self.reg_password, *owner_words(self.model_dump())):
            raise refuse("weak_password", reason)
        return self

    @model_validator(mode="after")
    def _has_pin(self) -> Self:
        if self.enb_vm_pin and self.vm_pin is None:
            raise refuse("required", "vm_pin is required where it is asked for")
        return self

    @property
    def name(self) -> str:
        """The name to show for this extension."""
        return self.caller_id_name

    @property
    def mailbox(self) -> Mailbox:
        """Its mailbox."""
        return Mailbox(MailboxKind.EXTENSION, self.id)


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
