"""What can happen, as data. Who publishes an event is named in its docstring."""

from dataclasses import dataclass

from ringdove.guard.bans import Ban
from ringdove.media.engine import Stats
from ringdove.model.story import Party, Story
from ringdove.model.voicemail import Mailbox, Message


@dataclass(frozen=True, slots=True)
class ExtensionChanged:
    """An extension was created or its settings changed (api; voicemail: its greeting)."""

    extension_id: int


@dataclass(frozen=True, slots=True)
class ExtensionDeleted:
    """An extension is gone (api)."""

    extension_id: int


@dataclass(frozen=True, slots=True)
class BindingsChanged:
    """A phone registered, or a binding of this extension ended (registrar). A mere refresh is not a change."""

    extension_id: int


@dataclass(frozen=True, slots=True)
class PhoneCame:
    """A phone registered that was not there, or that has been started anew since (registrar); it may know nothing."""

    extension_id: int
    key: str
    """Of its binding."""


@dataclass(frozen=True, slots=True)
class PhoneReturned:
    """A phone answers that was silent for a while (registrar); it does not know what it was to be told meanwhile."""

    extension_id: int
    key: str
    """Of its binding."""


@dataclass(frozen=True, slots=True)
class BusyChanged:
    """An extension is in a call now, or in none any more, or became full or not (calls).

    `full`: the last of these, which concerns even those with call waiting: they may be in no more calls.
    """

    extension_id: int
    full: bool


@dataclass(frozen=True, slots=True)
class CallBegan:
    """A known caller's call was let in (calls).

    `sip_call_id` is the Call-ID of the caller's leg; `began` says, in the endpoint's time, when its INVITE came.
    """

    call_id: str
    sip_call_id: str
    caller: Party
    began: float


@dataclass(frozen=True, slots=True)
class LegBegan:
    """A phone is being called: its INVITE leaves next (calls)."""

    call_id: str
    leg: str
    sip_call_id: str
    callee: Party


@dataclass(frozen=True, slots=True)
class CallOver:
    """A call has ended, or was one too many (calls). `audio` is what flowed, where that is known."""

    story: Story
    audio: Stats | None = None


@dataclass(frozen=True, slots=True)
class Banned:
    """Somebody failed to log in too often (app).

    `door` is where: "sip", "sip_user" (a name that many tried), "api", "mailbox" (an extension, or a mailbox).
    """

    door: str
    ban: Ban


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """A mailbox has other messages, or other ones of them are read (api, voicemail)."""

    mailbox: Mailbox


@dataclass(frozen=True, slots=True)
class MessageLeft:
    """A message came into a mailbox (voicemail); one that came into several is told for each."""

    message: Message


@dataclass(frozen=True, slots=True)
class MailboxFull:
    """No message could be left (voicemail): in this mailbox, or anywhere (None), for this reason in words."""

    mailbox: Mailbox | None
    reason: str
