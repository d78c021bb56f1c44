"""An extension as it stands in requests."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from ringdove.api.form import LIBERAL_INT, Broken, Fields, Flag, Form, as_text, is_on
from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.extension import Extension, Presence, defaults, owner_words
from ringdove.model.password import weakness
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
    UserPassword,
    refuse,
)
from ringdove.model.voicemail import AfterVmNotify, NewVmNotify, VmPin


class ExtensionForm(Form):
    """The settings of an extension. Only `number` is required."""

    number: Number = Field(description="What is dialled to reach the extension. It cannot be changed later.")
    first_name: PersonName = Field("", description="First name.")
    last_name: PersonName = Field("", description="Last name.")
    caller_id_name: ShownName | None = Field(
        None, description="The name others see; default: the names, or the number."
    )
    caller_id: ShownNumber | None = Field(None, description="The number others see; default: `number`.")
    email_addr: EmailAddress | None = Field(None, description="E-mail address, of one extension only.")
    mobile_number: PhoneNumber | None = Field(None, description="Mobile number.")
    reg_name: RegName | None = Field(
        None, description="The user name with which phones register, of one extension only; default: `number`."
    )
    reg_password: RegPassword | None = Field(
        None,
        description="The password with which phones register; weak ones are refused. Default: a strong one is made, to "
        "be read with `extension/getpassword`.",
    )
    user_password: UserPassword | None = Field(None, description="The password of the person for web and apps.")
    concurrent_registrations: Annotated[Registrations, LIBERAL_INT] = Field(
        3, description="How many phones may be registered at a time."
    )
    presence_status: Presence = Field(
        Presence.AVAILABLE, description="With `do_not_disturb` the extension is not rung by groups."
    )
    enb_call_waiting: Flag = Field(1, description="Whether a call may come in during another one: 0 no, 1 yes.")
    enabled: Flag = Field(1, description="Whether the extension may register, call and be called: 0 no, 1 yes.")
    ring_timeout: Annotated[RingTimeout, LIBERAL_INT] = Field(
        30, description="How many seconds a call for it alone rings: dialled, or come as `extension` of a ring group."
    )
    enb_vm: Flag = Field(
        0,
        description="Whether a call for it alone that it does not take goes to its voicemail: 0 no, 1 yes.",
    )
    enb_vm_pin: Flag = Field(
        0, description="Whether its mailbox asks for `vm_pin`, also on its own phones: 0 no, 1 yes."
    )
    vm_pin: VmPin | None = Field(
        None, description="The PIN of its mailbox, 3 to 15 digits, which other phones are always asked for."
    )
    new_vm_notify: NewVmNotify = Field(
        NewVmNotify.NO, description="Whether a new message is told by e-mail, and whether that carries it."
    )
    after_vm_notify: AfterVmNotify = Field(
        AfterVmNotify.NO, description="Whether a message is marked as read or deleted once its e-mail is sent."
    )
    enb_vm_play_datetime: Flag = Field(1, description="Whether it is said when a message came: 0 no, 1 yes.")
    enb_vm_play_caller_id: Flag = Field(1, description="Whether it is said who left a message: 0 no, 1 yes.")
    enb_vm_play_duration: Flag = Field(0, description="Whether it is said how long a message is: 0 no, 1 yes.")
    vm_greeting: AudioName = Field(
        FOLLOW_SYSTEM, description="What callers hear before the tone: `follow_system`, or a greeting of this mailbox."
    )

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """A registration password must not be weak, and a PIN that is asked for must be there."""
        password = as_text(data.get("reg_password"))
        if password and 8 <= len(password) <= 63:
            words = owner_words(data | ({"reg_name": data["number"]} if data.get("number") else {}))
            if reason := weakness(password, *words, str(data.get("reg_name") or "")):
                yield Broken(("reg_password",), refuse("weak_password", reason))
        if is_on(data.get("enb_vm_pin")) and "vm_pin" not in data:
            yield Broken(("vm_pin",), refuse("required", "a mailbox that asks for a PIN needs one"))

    def extension(self, user_password_hash: str | None = None) -> Extension:
        """Return the extension that the form describes."""
        given = self.model_dump(exclude_none=True, exclude={"user_password"})
        return Extension(**given, user_password_hash=user_password_hash)


def merged(current: Extension, changes: Fields) -> Fields:
    """Return an extension as a form with `changes` made; what follows from the names follows from the new ones.

    An empty password changes nothing.
    """
    fields: dict[str, Any] = current.model_dump(exclude={"id", "user_password_hash"})
    fields |= {name: int(value) for name, value in fields.items() if isinstance(value, bool)}
    for name, default in defaults(fields).items():
        if fields[name] == default:
            del fields[name]
    kept = {"number", *(name for name in ("reg_password", "user_password") if not changes.get(name))}
    known = ExtensionForm.model_fields.keys() - kept
    return fields | {name: value for name, value in changes.items() if name in known}
