"""Members as they stand in answers: with the names of what they point at."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, Field

from ringdove.api.services import Services
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.ring_group import MemberType


class Member(BaseModel):
    """A member in an answer."""

    value: str = Field(description="The id of the extension or extension group.")
    type: MemberType
    text: str = Field(description="The name of the member.")
    text2: str = Field(description="The number of the extension, or the name of the extension group.")


Names = Mapping[Ref, Member]


async def names(refs: Iterable[Ref], services: Services) -> Names:
    """Look up the members among `refs`; two queries at most."""
    wanted = set(refs)
    found: dict[Ref, Member] = {}
    if ids := [ref.id for ref in wanted if ref.kind is ObjectKind.EXTENSION]:
        for person in await services.store.extensions.many(ids):
            found[Ref(ObjectKind.EXTENSION, person.id)] = Member(
                value=str(person.id), type=MemberType.EXTENSION, text=person.name, text2=person.number
            )
    if ids := [ref.id for ref in wanted if ref.kind is ObjectKind.EXT_GROUP]:
        for group in await services.store.extension_groups.many(ids):
            found[Ref(ObjectKind.EXT_GROUP, group.id)] = Member(
                value=str(group.id), type=MemberType.EXT_GROUP, text=group.name, text2=group.name
            )
    return found
