"""Voicemail: mailboxes, the messages in them, the greetings before them, and groups that share or spread messages."""

import re
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ringdove.model.audio import FOLLOW_SYSTEM, Audio, Digest, FileName
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.rules import MAX_MEMBERS, AudioName, GroupName, Number, StoredId, refuse

PLAYED_OCTETS = 24_000
"""What the forms in which a second of sound is played take on disk, beside its WAV: three codecs of 64 kbit/s."""

VmPin = Annotated[str, StringConstraints(min_length=3, max_length=15, pattern=r"^[0-9]+$")]
"""What is keyed in to get into a mailbox."""


RECORDED_GREETING, RECORDED_NAME = "greeting.wav", "name.wav"
"""The greeting and the name that the owner of a mailbox has recorded by phone."""


class MailboxKind(StrEnum):
    """Whose a mailbox is."""

    EXTENSION = "extension"
    GROUP = "group_vm"


class Mailbox(NamedTuple):
    """Where messages lie: an extension's mailbox, or that of a group voicemail in mode `share`."""

    kind: MailboxKind
    id: int

    @property
    def owner(self) -> Ref:
        """The extension or group voicemail that has it."""
        return Ref(ObjectKind(self.kind), self.id)


class NewMessage(BaseModel):
    """What a caller left. `time` is Unix seconds, `size` the octets of its WAV, `digest` its content in the library."""

    model_config = ConfigDict(frozen=True)

    caller_number: str
    caller_name: str = ""
    time: float
    seconds: Annotated[float, Field(ge=0)]
    digest: Digest
    size: Annotated[int, Field(ge=0)]
    call_id: str = ""


class Message(NewMessage):
    """A message in one mailbox; `recording` is what it was made of, which can be a message in other mailboxes too."""

    id: StoredId
    mailbox: Mailbox
    recording: str
    read: bool = False

    @property
    def file(self) -> str:
        """What its WAV is called outside: when it came, in local time, and the caller's number."""
        caller = re.sub(r"[^0-9A-Za-z+]", "", self.caller_number)[:31] or "unknown"
        return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(self.time))}-{caller}.wav"


class MessageCount(NamedTuple):
    """Messages that nobody has listened to yet, and the others (RFC 3842 §3.5)."""

    new: int
    old: int


class MailboxRow(BaseModel):
    """A mailbox as one line of a list: of whom, and how many messages, listened to or not."""

    number: str
    name: str
    count: MessageCount


class Undelivered(NamedTuple):
    """How many messages are in no mailbox yet: on their way, or set aside since they cannot be delivered."""

    waiting: int
    set_aside: int


class MailboxUsage(NamedTuple):
    """How many messages there are, and what their audio takes on disk in octets: WAV and all forms that are played."""

    messages: int
    octets: int


class NewVmNotify(StrEnum):
    """What happens by e-mail when a message was left."""

    NO = "no"
    WITH_ATTACHMENT = "email_with_attachment"
    WITHOUT_ATTACHMENT = "email_without_attachment"


class AfterVmNotify(StrEnum):
    """What becomes of a message once its e-mail is sent."""

    NO = "no"
    MARK_AS_READ = "mark_as_read"
    DELETE = "delete"


class Greeting(Audio):
    """What callers hear before the tone, one of those of a mailbox; a name is taken once in each.

    `id` is 0 until the store has given one, `uploaded_at` Unix seconds.
    """

    id: StoredId = 0
    mailbox: Mailbox
    file: FileName
    uploaded_at: float = 0


class VmMode(StrEnum):
    """What becomes of a message for a group."""

    BROADCAST = "broadcast"
    """It is copied to each member's own mailbox, and not kept for the group."""
    SHARE = "share"
    """It lies in one mailbox that all members share."""


class VmGroup(BaseModel):
    """One group voicemail; `id` is 0 until the store has given one. `members` are extensions and extension groups.

    `members` can be empty, as they may have been deleted since: in mode `broadcast` it then takes none.
    """

    model_config = ConfigDict(frozen=True)

    id: StoredId = 0
    number: Number
    name: GroupName
    mode: VmMode = VmMode.SHARE
    members: Annotated[tuple[Ref, ...], Field(max_length=MAX_MEMBERS)] = ()
    enb_vm_pin: bool = False
    vm_pin: VmPin | None = Field(default=None, repr=False)
    vm_greeting: AudioName = FOLLOW_SYSTEM

    @model_validator(mode="after")
    def _has_pin(self) -> Self:
        if self.enb_vm_pin and self.vm_pin is None:
            raise refuse("required", "vm_pin is required where it is asked for")
        return self

    @property
    def mailbox(self) -> Mailbox:
        """Its own mailbox, which stays empty in mode `broadcast`."""
        return Mailbox(MailboxKind.GROUP, self.id)

    def refs(self) -> Iterator[Ref]:
        """Every object that this group mentions."""
        yield from self.members
