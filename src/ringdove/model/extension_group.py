"""A named set of extensions."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from ringdove.model.rules import GroupName, ObjectId, StoredId


class MemberSelect(StrEnum):
    """How a group is filled."""

    ALL = "sel_all_ext"
    SPECIFIC = "sel_specific"


class ExtensionGroup(BaseModel):
    """One extension group; `id` is 0 until the store has given one.

    `members` are extension ids in order; empty with `sel_all_ext`, which holds every extension.
    """

    model_config = ConfigDict(frozen=True)

    id: StoredId = 0
    name: GroupName
    member_select: MemberSelect = MemberSelect.SPECIFIC
    members: tuple[ObjectId, ...] = ()
    builtin: bool = False
    """The built-in group can be neither renamed nor deleted, and holds every extension."""
