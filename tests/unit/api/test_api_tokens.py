"""Logging in: `get_token`, `refresh_token`, `del_token`, and the lockout."""

import asyncio
import json
import logging
import stat
from pathlib import Path

import httpx
import pytest
import uvicorn

from ringdove.api import ensure_application, ensure_cli_application
from ringdove.settings import Settings
from ringdove.store import Store
from unit.api.api_client import BASE, CLIENT_ID, CLIENT_SECRET, Api

GOOD = {"username": CLIENT_ID, "password": CLIENT_SECRET}
WRONG = {"username": CLIENT_ID, "password": "wrong"}
EXPIRED = {"errcode": 10004, "errmsg": "TOKEN EXPIRED"}
MINUTE = 60.0


async def works(api: Api, token: str) -> bool:
    errcode: int = (await api.get("extension/list", access_token=token))["errcode"]
    return errcode == 0


async def test_get_token_answers_as_the_guide_says(api: Api) -> None:
    answer = await api.log_in()
    assert answer.keys() == {
        "errcode", "errmsg", "access_token", "access_token_expire_time", "refresh_token", "refresh_token_expire_time",
    }  # fmt: skip
    assert (answer["access_token_expire_time"], answer["refresh_token_expire_time"]) == (1800, 86_400)
    for token in (answer["access_token"], answer["refresh_token"]):
        assert len(token) == 32
        assert token.isalnum()


@pytest.mark.parametrize("bad", [WRONG, {"username": "nobody", "password": CLIENT_SECRET}])
async def test_wrong_credentials_do_not_tell_which_part_is_wrong(api: Api, bad: dict[str, str]) -> None:
    assert await api.post("get_token", bad) == {
        "errcode": -1,
        "errmsg": "FAILURE",
        "invalid_param_list": [{"field": "username or password", "value": "error"}],
    }


async def test_credentials_are_taken_as_they_stand_in_the_settings(api: Api) -> None:
    composed, decomposed = "\u00e9 secret", "e\u0301 secret"
    data = api.services.settings.data
    settings = Settings(data=data, client_id=decomposed, client_secret=decomposed)
    await ensure_application(api.store, settings)
    assert (await api.post("get_token", {"username": decomposed, "password": decomposed}))["errcode"] == 0
    assert (await api.post("get_token", {"username": decomposed, "password": composed}))["errcode"] == -1


async def test_missing_credentials_are_named(api: Api) -> None:
    answer = await api.post("get_token", {"username": ""})
    assert answer["errcode"] == 40002
    assert [p["field"] for p in answer["invalid_param_list"]] == ["username", "password"]


@pytest.mark.parametrize("token", ["", "x", "ü" * 32, "0" * 32])
async def test_without_a_valid_token_nothing_is_answered(api: Api, token: str) -> None:
    assert await api.get("extension/list", access_token=token) == EXPIRED
    assert await api.post("ringgroup/create", {"name": 5}, access_token=token) == EXPIRED
    assert await api.get("del_token", access_token=token) == EXPIRED


async def test_a_bad_body_without_a_token_is_not_even_read(api: Api) -> None:
    answer = await api.http.post(BASE + "ringgroup/create", content=b"{")
    assert answer.json() == EXPIRED


async def test_a_token_in_a_header_does_not_count(api: Api) -> None:
    answer = await api.http.get(BASE + "extension/list", headers={"Authorization": f"Bearer {api.token}"})
    assert answer.json() == EXPIRED


async def test_an_access_token_lives_30_minutes(api: Api) -> None:
    api.now += 30 * MINUTE - 1
    assert await works(api, api.token)
    api.now += 1
    assert not await works(api, api.token)


async def test_a_refresh_token_works_once_and_replaces_the_pair(api: Api) -> None:
    first = await api.log_in()
    second = await api.post("refresh_token", {"refresh_token": first["refresh_token"]})
    assert second.keys() == first.keys()
    assert await works(api, second["access_token"])
    assert not await works(api, first["access_token"])
    assert await api.post("refresh_token", {"refresh_token": first["refresh_token"]}) == EXPIRED


async def test_of_two_refreshes_at_once_one_wins(api: Api) -> None:
    pair = await api.log_in()
    answers = await asyncio.gather(
        *(api.post("refresh_token", {"refresh_token": pair["refresh_token"]}) for _ in range(4))
    )
    assert sorted(answer["errcode"] for answer in answers) == [0, 10004, 10004, 10004]


async def test_a_refresh_token_outlives_its_access_token_by_far_but_not_24_hours(api: Api) -> None:
    first, second = await api.log_in(), await api.log_in()
    api.now += 86_400 - 1
    assert (await api.post("refresh_token", {"refresh_token": first["refresh_token"]}))["errcode"] == 0
    api.now += 1
    assert await api.post("refresh_token", {"refresh_token": second["refresh_token"]}) == EXPIRED


async def test_an_access_token_is_no_refresh_token(api: Api) -> None:
    assert await api.post("refresh_token", {"refresh_token": api.token}) == EXPIRED


async def test_del_token_ends_both_tokens(api: Api) -> None:
    pair = await api.log_in()
    assert await api.get("del_token", access_token=pair["access_token"]) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert not await works(api, pair["access_token"])
    assert await api.post("refresh_token", {"refresh_token": pair["refresh_token"]}) == EXPIRED
    assert await works(api, api.token)


async def test_eight_access_tokens_at_a_time(api: Api) -> None:
    pairs = [await api.log_in() for _ in range(7)]
    full = await api.log_in()
    assert full == {"errcode": 60002, "errmsg": "MAX LIMITATION EXCEEDED"}
    assert await works(api, api.token)
    await api.get("del_token", access_token=pairs[0]["access_token"])
    assert (await api.log_in())["errcode"] == 0
    api.now += 30 * MINUTE
    assert (await api.log_in())["errcode"] == 0


async def test_five_failures_block_an_address_for_ten_minutes(api: Api) -> None:
    for _ in range(5):
        assert (await api.post("get_token", WRONG))["errcode"] == -1
    blocked = {"errcode": 70004, "errmsg": "ACCOUNT IP BLOCKED", "block_expire_time": int(api.now) + 600}
    assert await api.post("get_token", GOOD) == blocked
    assert await api.post("refresh_token", {"refresh_token": "x"}) == blocked
    assert await works(api, api.token)
    async with api.from_address("192.0.2.7") as elsewhere:
        assert (await elsewhere.post(BASE + "get_token", json=GOOD)).json()["errcode"] == 0
    api.now += 599
    assert (await api.post("get_token", GOOD))["errcode"] == 70004
    api.now += 1
    assert (await api.post("get_token", GOOD))["errcode"] == 0


async def test_many_guesses_at_once_are_no_way_round_the_lockout(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("get_token", WRONG) for _ in range(12)))
    assert [answer["errcode"] for answer in answers].count(-1) == 5


async def test_success_and_time_wipe_failures_out(api: Api) -> None:
    for _ in range(4):
        await api.post("get_token", WRONG)
    assert (await api.log_in())["errcode"] == 0
    for _ in range(4):
        assert (await api.post("get_token", WRONG))["errcode"] == -1
    api.now += 601
    for _ in range(4):
        assert (await api.post("get_token", WRONG))["errcode"] == -1
    assert (await api.log_in())["errcode"] == 0


async def test_an_ipv6_network_is_one_address(api: Api) -> None:
    for i in range(6):
        async with api.from_address(f"2001:db8::{i}") as http:
            answer = (await http.post(BASE + "get_token", json=WRONG)).json()
    assert answer["errcode"] == 70004


async def test_tokens_outlive_a_restart(api: Api, restarted: Api) -> None:
    transport = httpx.ASGITransport(restarted.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.get(BASE + "extension/list", params={"access_token": api.token})
    assert answer.json()["errcode"] == 0


async def test_tokens_and_secrets_are_not_in_the_database(api: Api, tmp_path: Path) -> None:
    pair = await api.log_in()
    await api.post("extension/create", {"number": "1000", "user_password": "Person's own 1"})
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("ringdove.db*"))  # noqa: ASYNC240
    assert b"1000" in stored
    for secret in (pair["access_token"], pair["refresh_token"], CLIENT_SECRET, "Person's own 1"):
        assert secret.encode() not in stored


async def test_a_token_reaches_no_log_not_even_the_access_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = uvicorn.Server(uvicorn.Config(api.app, port=0, log_config=None, access_log=True, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        for query in (f"page=1&access_token={api.token}&order_by=asc", f"access%5Ftoken={api.token}"):
            assert (await http.get(f"{BASE}extension/list?{query}")).json()["errcode"] == 0
    server.should_exit = True
    await task
    written = [record.getMessage() for record in caplog.records if record.name == "uvicorn.access"]
    assert len(written) == 2
    assert "/openapi/v1.0/extension/list?page=1&order_by=asc" in written[0]
    assert not any(api.token in line for line in written)


async def test_the_application_is_made_once_and_its_secret_shown_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    store = await Store.open(settings.database_url)
    made = await ensure_application(store, settings)
    assert made
    assert len(made.client_secret) == 32
    kept = await store.applications.by_client_id(made.client_id)
    assert await ensure_application(store, settings) is None
    assert await store.applications.by_client_id(made.client_id) == kept
    await store.close()


async def test_credentials_in_the_settings_replace_the_old_ones(api: Api, tmp_path: Path) -> None:
    changed = Settings(data=tmp_path, client_id=CLIENT_ID, client_secret="another secret")
    assert await ensure_application(api.store, changed) is None
    assert (await api.post("get_token", GOOD))["errcode"] == -1
    answer = await api.post("get_token", {"username": CLIENT_ID, "password": "another secret"})
    assert answer["errcode"] == 0


async def test_the_command_line_has_its_own_application_in_a_private_file(api: Api, tmp_path: Path) -> None:
    file = await ensure_cli_application(api.store, tmp_path)
    kept = json.loads(file.read_text())
    assert file == tmp_path / "keys" / "cli.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    answer = await api.post("get_token", {"username": kept["client_id"], "password": kept["client_secret"]})
    assert answer["errcode"] == 0
    await ensure_cli_application(api.store, tmp_path)
    assert json.loads(file.read_text()) == kept
    file.write_text("broken")
    await ensure_cli_application(api.store, tmp_path)
    fresh = json.loads(file.read_text())
    assert fresh != kept
    answer = await api.post("get_token", {"username": fresh["client_id"], "password": fresh["client_secret"]})
    assert answer["errcode"] == 0
