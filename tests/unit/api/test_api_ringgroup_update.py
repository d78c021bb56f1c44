"""`ringgroup/update` and `ringgroup/delete`: what is given is changed, and the whole that results is checked."""

from ringdove.api.ringgroup_examples import EXAMPLES
from ringdove.model.extension import Extension
from unit.api.api_client import Api, bad_fields
from unit.api.ringgroup_requests import CUSTOM, SIMPLE, create, detail


async def test_update_changes_what_is_given_and_never_the_number(sounds: Api) -> None:
    group_id = await create(sounds, next(iter(EXAMPLES.values())))
    before = await detail(sounds, group_id)
    done = await sounds.post("ringgroup/update", {"id": str(group_id), "number": "7777", "name": "New", "moh": ""})
    assert done == {"errcode": 0, "errmsg": "SUCCESS"}
    assert await detail(sounds, group_id) == before | {"name": "New", "moh": ""}


async def test_update_checks_the_whole_that_results(people: Api) -> None:
    group_id = await create(people, SIMPLE)
    before = await detail(people, group_id)
    for changes, expected in (
        ({"ring_strategy": "custom"},
         {f"member_list[0].{field}": "required" for field in ("sub_option", "delay_time", "timeout")}),
        ({"ring_timeout": ""}, {"ring_timeout": "required"}),
        ({"name": None}, {"name": "required"}),
        ({"fail_dest": "extension"}, {"fail_dest_value": "required"}),
        ({"member_list": []}, {"member_list": "length"}),
        ({"member_list": [{"value": "5", "type": "extension"}], "moh": "/", "join_prompt": "no.wav"},
         {"member_list[0].value": "exist", "moh": "pattern", "join_prompt": "exist"}),
    ):  # fmt: skip
        assert bad_fields(await people.post("ringgroup/update", {"id": group_id} | changes)) == expected
    assert await detail(people, group_id) == before


async def test_update_can_change_the_strategy_with_its_members(people: Api) -> None:
    group_id = await create(people, SIMPLE)
    custom = {"ring_strategy": "custom", "member_list": CUSTOM["member_list"]}
    assert (await people.post("ringgroup/update", {"id": group_id} | custom))["errcode"] == 0
    assert bad_fields(await people.post("ringgroup/update", {"id": group_id, "ring_strategy": "ring_all"})) == {
        "ring_timeout": "required",
        "member_list[0].value": "required",
        "member_list[0].type": "required",
    }


async def test_a_new_kind_of_destination_does_not_inherit_the_old_value(people: Api) -> None:
    other = await create(people, SIMPLE | {"number": "6301"})
    person = await people.store.extensions.create(Extension(number="1009"), id=other)
    group_id = await create(people, SIMPLE | {"fail_dest": "extension", "fail_dest_value": str(person.id)})
    changes = {"id": group_id, "fail_dest": "ring_group"}
    assert bad_fields(await people.post("ringgroup/update", changes)) == {"fail_dest_value": "required"}


async def test_update_names_a_bad_id_beside_the_other_bad_fields(people: Api) -> None:
    for group_id, rule in ((None, "required"), ("x", "type"), (0, "range"), (99, "exist")):
        body = {"id": group_id, "name": "x" * 128}
        assert bad_fields(await people.post("ringgroup/update", body)) == {"id": rule, "name": "length"}


async def test_R12_a_loop_is_refused_on_save(people: Api) -> None:
    first = await create(people, SIMPLE)
    second = await create(
        people, SIMPLE | {"number": "6301", "no_agent_online_dest": "ring_group", "no_agent_online_value": str(first)}
    )
    for target in (first, second):
        changes = {"id": first, "fail_dest": "ring_group", "fail_dest_value": str(target)}
        assert bad_fields(await people.post("ringgroup/update", changes)) == {"fail_dest_value": "loop"}
    assert (await detail(people, first))["fail_dest"] == "end_call"


async def test_a_group_whose_members_were_deleted_can_still_be_changed(people: Api) -> None:
    group_id = await create(people, SIMPLE)
    assert (await people.get("extension/delete", id=3071))["errcode"] == 0
    assert (await people.post("ringgroup/update", {"id": group_id, "name": "Empty"}))["errcode"] == 0
    assert (await detail(people, group_id))["member_list"] == []


async def test_delete_names_who_still_sends_calls(people: Api) -> None:
    first = await create(people, SIMPLE)
    second = await create(people, SIMPLE | {"number": "6301", "fail_dest": "ring_group", "fail_dest_value": str(first)})
    assert await people.get("ringgroup/delete", id=first) == {
        "errcode": 40010,
        "errmsg": "OBJECT IN USE",
        "used_by_list": [
            {"source": "ring_group", "id": second, "number": "6301", "name": "Support", "field": "fail_dest"}
        ],
    }
    assert (await people.get("ringgroup/delete", id=second))["errcode"] == 0
    assert (await people.get("ringgroup/delete", id=first))["errcode"] == 0
    assert bad_fields(await people.get("ringgroup/delete", id=first)) == {"id": "exist"}
