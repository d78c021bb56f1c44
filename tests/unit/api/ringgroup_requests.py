"""Requests about ring groups, and what is expected of their answers."""

from typing import Any

from unit.api.api_client import Api

MEMBERS = [{"value": "3071", "type": "extension"}]
SIMPLE: dict[str, Any] = {
    "number": "6300",
    "name": "Support",
    "ring_strategy": "ring_all",
    "ring_timeout": 20,
    "member_list": MEMBERS,
    "fail_dest": "end_call",
}
CUSTOM = SIMPLE | {
    "ring_strategy": "custom",
    "member_list": [{"sub_option": MEMBERS, "delay_time": 0, "timeout": 20}],
}


async def create(api: Api, body: dict[str, Any]) -> int:
    answer = await api.post("ringgroup/create", body)
    assert answer.keys() == {"errcode", "errmsg", "id"}, answer
    assert (answer["errcode"], answer["errmsg"]) == (0, "SUCCESS")
    return int(answer["id"])


async def detail(api: Api, group_id: int) -> dict[str, Any]:
    answer = await api.get("ringgroup/get", id=group_id)
    assert answer["errcode"] == 0, answer
    data: dict[str, Any] = answer["data"]
    return data
