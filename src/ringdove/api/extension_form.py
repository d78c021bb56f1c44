"""An extension as it stands in requests."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from ringdove.api.form import LIBERAL_INT, Broken, Fields, Flag, Form, as_text
from ringdove.model.extension import Extension, Presence, defaults, owner_words
from ringdove.model.password import weakness
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
    UserPassword,
    refuse,
)


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
        30, description="How many seconds an unanswered direct call rings."
    )

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """A registration password must not be weak."""
        password = as_text(data.get("reg_password"))
        if password and 8 <= len(password) <= 63:
            words = owner_words(data | ({"reg_name": data["number"]} if data.get("number") else {}))
            if reason := weakness(password, *words, str(data.get("reg_name") or "")):
                yield Broken(("reg_password",), refuse("weak_password", reason))

    def extension(self, user_password_hash: str | None = None) -> Extension:
        """Return the extension that the form describes."""
        given = self.model_dump(exclude_none=True, exclude={"user_password"})
        return Extension(**given, user_password_hash=user_password_hash)


def merged(current: Extension, changes: Fields) -> Fields:
    """Return an extension as a form with `changes` made; what follows from the names follows from the new ones.

    An empty password changes nothing.
    """
    fields: dict[str, Any] = current.model_dump(exclude={"id", "user_password_hash"})
    fields |= {"enb_call_waiting": int(current.enb_call_waiting), "enabled": int(current.enabled)}
    for name, default in defaults(fields).items():
        if fields[name] == default:
            del fields[name]
    kept = {"number", *(name for name in ("reg_password", "user_password") if not changes.get(name))}
    known = ExtensionForm.model_fields.keys() - kept
    return fields | {name: value for name, value in changes.items() if name in known}
