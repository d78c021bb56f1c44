"""Extensions and extension groups."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension, Presence
from ringdove.model.extension_group import ExtensionGroup, MemberSelect
from ringdove.model.reference import DestinationKind, Dialable, ObjectKind, Ref
from ringdove.store import BrokenReference, Builtin, Clash, Duplicate, Listing, Store


def binding(extension_id: int, key: str = "sip:a@192.0.2.1", **changes: Any) -> StoredBinding:
    fields = {
        "extension_id": extension_id,
        "key": key,
        "contact": "sip:a@192.0.2.1:5060",
        "call_id": "abc",
        "cseq": 1,
        "path": ("<sip:proxy;lr>",),
        "transport": "udp",
        "remote_host": "192.0.2.1",
        "remote_port": 5060,
        "local_host": "0.0.0.0",
        "local_port": 5060,
        "expires_at": 2e9,
        "registered_at": 1e9,
    }
    return StoredBinding.model_validate(fields | changes)


async def test_an_extension_is_found_by_id_number_and_registration_name(store: Store) -> None:
    saved = await store.extensions.create(
        Extension(number="1000", reg_name="ann", presence_status=Presence.LUNCH, email_addr="ann@example.org")
    )
    assert await store.extensions.get(saved.id) == saved
    assert await store.extensions.by_reg_name("ann") == saved
    assert await store.numbers.find("1000") == Dialable(DestinationKind.EXTENSION, saved.id)
    assert await store.extensions.get(saved.id + 1) is None
    assert await store.numbers.find("1001") is None
    found = await store.extensions.get(saved.id)
    assert found
    assert found.presence_status is Presence.LUNCH


async def test_every_taken_value_is_named(store: Store) -> None:
    await store.extensions.create(Extension(number="1000", email_addr="Ann@example.org"), id=3071)
    with pytest.raises(Duplicate) as refused:
        await store.extensions.create(Extension(number="1000", email_addr="ann@EXAMPLE.org"), id=3071)
    assert set(refused.value.clashes) == {
        Clash("number", "1000", ObjectKind.EXTENSION, "1000"),
        Clash("reg_name", "1000", ObjectKind.EXTENSION, "1000"),
        Clash("email_addr", "ann@EXAMPLE.org", ObjectKind.EXTENSION, "1000"),
        Clash("id", "3071", ObjectKind.EXTENSION, "1000"),
    }


async def test_an_explicit_id_is_taken_and_ids_are_never_used_again(store: Store) -> None:
    first = await store.extensions.create(Extension(number="1000"), id=3071)
    assert first.id == 3071
    second = await store.extensions.create(Extension(number="1001"))
    assert second.id > 3071
    await store.extensions.delete(second.id)
    third = await store.extensions.create(Extension(number="1001"))
    assert third.id > second.id


async def test_an_update_keeps_id_and_number(store: Store, people: list[Extension]) -> None:
    changed = await store.extensions.update(
        people[0].id, lambda e: e.model_copy(update={"id": 77, "number": "9999", "caller_id_name": "Desk"})
    )
    assert changed
    assert (changed.id, changed.number, changed.name) == (people[0].id, "1001", "Desk")
    assert await store.extensions.get(people[0].id) == changed
    assert await store.extensions.update(99, lambda e: e) is None


async def test_an_update_cannot_take_what_another_has(store: Store, people: list[Extension]) -> None:
    with pytest.raises(Duplicate) as refused:
        await store.extensions.update(people[0].id, lambda e: e.model_copy(update={"reg_name": "1002"}))
    assert refused.value.clashes == (Clash("reg_name", "1002", ObjectKind.EXTENSION, "1002"),)


async def test_deleting_an_extension_frees_its_number_and_takes_it_out_of_groups_and_bindings(
    store: Store, people: list[Extension]
) -> None:
    gone, stays = people[0], people[1]
    group = await store.extension_groups.create(ExtensionGroup(name="g", members=(gone.id, stays.id)))
    await store.bindings.put(binding(gone.id))
    assert await store.extensions.delete(gone.id) is not None
    assert await store.extensions.delete(gone.id) is None
    assert await store.numbers.find(gone.number) is None
    assert await store.bindings.all() == []
    left = await store.extension_groups.get(group.id)
    assert left
    assert left.members == (stays.id,)


async def test_lists_are_paged_sorted_and_searched(store: Store) -> None:
    for number, name in (("200", "Zoe"), ("1000", "Ann"), ("30", "Bob_100%"), ("9", "Änne")):
        await store.extensions.create(Extension(number=number, caller_id_name=name))

    async def numbers(listing: Listing) -> tuple[int, list[str]]:
        total, found = await store.extensions.page(listing)
        return total, [extension.number for extension in found]

    assert await numbers(Listing(sort_by="number")) == (4, ["9", "30", "200", "1000"])
    assert await numbers(Listing(sort_by="number", descending=True, limit=2)) == (4, ["1000", "200"])
    assert await numbers(Listing(sort_by="caller_id_name", offset=1, limit=1)) == (4, ["30"])
    assert await numbers(Listing(search="ANN")) == (1, ["1000"])
    assert await numbers(Listing(search="Än")) == (1, ["9"])
    assert await numbers(Listing(search="_")) == (1, ["30"])
    assert await numbers(Listing(search="%")) == (1, ["30"])
    assert await numbers(Listing(offset=10)) == (4, [])


async def test_references_that_do_not_exist_are_found(store: Store, people: list[Extension]) -> None:
    good = [Ref(ObjectKind.EXTENSION, people[0].id), Ref(ObjectKind.EXT_GROUP, 1)]
    bad = [Ref(ObjectKind.EXTENSION, 99), Ref(ObjectKind.EXTENSION, 10**10), Ref(ObjectKind.RING_GROUP, 1)]
    assert await store.references.missing([*good, *bad]) == frozenset(bad)


async def test_the_built_in_group_is_there_and_stays_as_it_is(store: Store) -> None:
    total, groups = await store.extension_groups.page(Listing())
    assert total == 1
    group = groups[0]
    assert (group.name, group.member_select, group.builtin) == ("Default_All_Extensions", MemberSelect.ALL, True)
    with pytest.raises(Builtin):
        await store.extension_groups.delete(group.id)
    with pytest.raises(Builtin):
        await store.extension_groups.update(group.id, lambda g: g.model_copy(update={"name": "mine"}))
    assert await store.extension_groups.update(group.id, lambda g: g) == group


async def test_extension_groups_keep_order_and_refuse_strangers_and_taken_names(
    store: Store, people: list[Extension]
) -> None:
    ids = (people[2].id, people[0].id, people[1].id)
    saved = await store.extension_groups.create(ExtensionGroup(name="g", members=ids))
    assert await store.extension_groups.get(saved.id) == saved
    with pytest.raises(Duplicate):
        await store.extension_groups.create(ExtensionGroup(name="g"))
    with pytest.raises(BrokenReference) as refused:
        await store.extension_groups.update(saved.id, lambda g: g.model_copy(update={"members": (99,)}))
    assert refused.value.missing == {Ref(ObjectKind.EXTENSION, 99)}
    changed = await store.extension_groups.update(saved.id, lambda g: g.model_copy(update={"members": ids[:1]}))
    assert changed
    assert await store.extension_groups.get(saved.id) == changed
    assert await store.extension_groups.delete(saved.id)
    assert not await store.extension_groups.delete(saved.id)


async def test_bindings_are_kept_replaced_and_removed(store: Store, people: list[Extension]) -> None:
    ann, bob = people[0].id, people[1].id
    assert await store.bindings.put(binding(ann))
    assert await store.bindings.put(binding(ann, cseq=2, instance_id="<urn:x>", reg_id=1))
    assert await store.bindings.put(binding(ann, "other", registered_at=2e9))
    assert await store.bindings.put(binding(bob, registered_at=3e9))
    kept = await store.bindings.all()
    assert [(b.extension_id, b.key) for b in kept] == [(ann, "sip:a@192.0.2.1"), (ann, "other"), (bob, kept[2].key)]
    assert kept[0] == binding(ann, cseq=2, instance_id="<urn:x>", reg_id=1)
    await store.bindings.change(ann, forgotten=["other"])
    await store.bindings.change(bob, forgotten=[kept[2].key])
    assert await store.bindings.all() == [kept[0]]


async def test_a_phone_that_takes_the_place_of_another_does_so_as_a_whole_or_not_at_all(
    store: Store, people: list[Extension]
) -> None:
    ann = people[0].id
    await store.bindings.put(binding(ann))
    twice = [binding(ann, "new"), binding(ann, "new")]
    with pytest.raises(IntegrityError):
        await store.bindings.change(ann, saved=twice, forgotten=[binding(ann).key])
    assert await store.bindings.all() == [binding(ann)]
    await store.bindings.change(ann, saved=twice[:1], forgotten=[binding(ann).key])
    assert await store.bindings.all() == twice[:1]


async def test_a_binding_of_a_deleted_extension_is_not_kept(store: Store) -> None:
    assert not await store.bindings.put(binding(99))
    assert await store.bindings.all() == []


async def test_refreshes_are_saved_together_and_bring_nothing_back(store: Store, people: list[Extension]) -> None:
    ann, bob = people[0].id, people[1].id
    for one in (binding(ann), binding(ann, "other"), binding(bob)):
        await store.bindings.put(one)
    await store.bindings.change(ann, forgotten=["other"])
    later: dict[str, Any] = {"cseq": 9, "expires_at": 5e9, "registered_at": 4e9}
    await store.bindings.refresh([binding(ann, **later), binding(ann, "other", **later)])
    assert {one.extension_id: one for one in await store.bindings.all()} == {
        ann: binding(ann, **later),
        bob: binding(bob),
    }
