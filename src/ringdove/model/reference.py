"""How settings point at each other."""

from enum import StrEnum
from typing import NamedTuple


class ObjectKind(StrEnum):
    """The kinds of objects that others mention, as the interface names them."""

    EXTENSION = "extension"
    EXT_GROUP = "ext_group"
    RING_GROUP = "ring_group"
    PROMPT = "custom_prompt"
    PLAYLIST = "play_list"
    RINGTONE = "custom_ringtone"
    GROUP_VM = "group_vm"
    GREETING = "vm_greeting"


class Ref(NamedTuple):
    """One object by kind and id."""

    kind: ObjectKind
    id: int


class AudioRef(NamedTuple):
    """A prompt, playlist or ring tone by kind and name: audio is mentioned by name, not by id."""

    kind: ObjectKind
    name: str


Mention = Ref | AudioRef
"""How one object points at another."""


class DestinationKind(StrEnum):
    """Where a call can go next: the ten values of `fail_dest`."""

    END_CALL = "end_call"
    EXTENSION = "extension"
    EXT_VM = "ext_vm"
    GROUP_VM = "group_vm"
    IVR = "ivr"
    CALL_FLOW = "call_flow"
    RING_GROUP = "ring_group"
    QUEUE = "queue"
    EXTERNAL_NUM = "external_num"
    PLAY_GREETING = "play_greeting"


class Dialable(NamedTuple):
    """What a number of the numbering plan leads to."""

    kind: DestinationKind
    id: int
