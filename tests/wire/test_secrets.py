"""No secret reaches a log, a story, an answer or a number: everything is done with marked ones, then looked for."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import pytest_asyncio

from support.api import CLIENT_ID, CLIENT_SECRET
from support.phones import Phone
from support.tower import Tower

KEY = "bWFya2VkLXNlY3JldC1rZXktb2YtMzAtb2N0ZXRzISE"
"""For SRTP, as it stands in an offer."""
PERSONAL = "Marked-For-A-Person-7"


@dataclass
class Told:
    """What the server said, and what it must never say."""

    secrets: dict[str, str]
    log: str
    answers: dict[str, str]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    """Phones register and call, applications log in, and each of them fails to; the log tells as much as it can."""
    folder = tmp_path_factory.mktemp("secrets")
    token = "a-token-for-metrics-only"
    async with Tower.open(folder / "data", log_level="debug", metrics_token=token, hep_password="marked-hep") as tower:
        alice, bob = [await Phone.of(tower, await tower.extension(number)) for number in ("2001", "2002")]
        answers: dict[str, str] = {}
        secrets = {"client secret": CLIENT_SECRET, "metrics": token, "hep": "marked-hep", "srtp": KEY}
        secrets |= {"alice": alice.person.reg_password, "bob": bob.person.reg_password, "person": PERSONAL}
        secrets["access token"] = tower.token
        try:
            await _use_phones(alice, bob, secrets)
            await _use_api(tower, answers, secrets, token)
            await _break_the_database(tower, answers)
            log = folder / "log"
            yield Told(secrets, log.read_text(), answers)
        finally:
            await alice.close()
            await bob.close()


async def _use_phones(alice: Phone, bob: Phone, secrets: dict[str, str]) -> None:
    for phone in (alice, bob):
        assert (await phone.register()).status == 200
    right = alice.person
    alice.person = type(right)(right.id, right.number, right.reg_name, "Marked-Wrong-Guess-1")
    assert (await alice.register()).status == 401
    alice.person = right
    secrets["guess"] = "Marked-Wrong-Guess-1"
    offer = alice.sdp() + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\nk=base64:{KEY}\n"
    call = await alice.dial("2002", offer)
    theirs = await bob.pick_up(await bob.rings())
    ours = await alice.answered(call)
    bye = asyncio.create_task(bob.hung_up())
    await ours.bye()
    await bye
    del theirs
    for message in [received.data for phone in (alice, bob) for received in phone.log] + [call.to_bytes()]:
        for name, value in re.findall(rb'(?:Digest|, ?)\W?(response|nonce|cnonce)="([^"]+)"', message):
            secrets[f"{name.decode()} {value.decode()[:6]}"] = value.decode()
    alice.send(b"REGISTER sip:x SIP/2.0\r\nAuthorization: Digest response=Marked-Broken", alice.server)
    secrets["broken"] = "Marked-Broken"


async def _use_api(tower: Tower, answers: dict[str, str], secrets: dict[str, str], token: str) -> None:
    def keep(name: str, text: str) -> None:
        answers[name] = text

    story = await tower.finished_call()
    keep("story", story.to_json())
    keep("ladder", (await tower.http.get("calls/ladder", params={"id": story.id, "access_token": tower.token})).text)
    keep("list", (await tower.http.get("calls/list", params={"access_token": tower.token})).text)
    keep("extensions", (await tower.http.get("extension/list", params={"access_token": tower.token})).text)
    wrong = {"username": CLIENT_ID, "password": "Marked-Wrong-Secret"}
    secrets["wrong secret"] = wrong["password"]
    keep("wrong login", (await tower.http.post("get_token", json=wrong)).text)
    for path in ("extension/list", "extension/get", "nonsense"):
        query = {"access_token": "Marked-Bad-Token", "id": "x"}
        keep(f"{path} without token", (await tower.http.get(path, params=query)).text)
    secrets["bad token"] = "Marked-Bad-Token"
    bad = {"number": "2x", "reg_password": PERSONAL + "\0", "user_password": PERSONAL}
    made = await tower.http.post("extension/create", json=bad, params={"access_token": tower.token})
    keep("bad extension", made.text)
    metrics = f"http://{tower.http.base_url.netloc.decode()}/metrics"
    keep("metrics", (await tower.http.get(metrics, headers={"Authorization": f"Bearer {token}"})).text)
    assert "ringdove_calls_total" in answers["metrics"]
    keep("metrics for strangers", (await tower.http.get(metrics, headers={"Authorization": "Bearer Marked"})).text)


async def _break_the_database(tower: Tower, answers: dict[str, str]) -> None:
    """Nothing can be saved: what the server says of it, in its log too, names no values."""
    with closing(sqlite3.connect(tower.data / "ringdove.db")) as database:
        database.execute("CREATE TRIGGER broken BEFORE INSERT ON extension BEGIN SELECT RAISE(ABORT, 'broken'); END")
        database.commit()
    body = {"number": "2009", "reg_password": PERSONAL, "user_password": PERSONAL}
    made = await tower.http.post("extension/create", json=body, params={"access_token": tower.token})
    assert made.status_code == 500
    answers["fault"] = made.text


def test_the_log_told_much_and_no_secret(told: Told) -> None:
    assert "call_over" in told.log
    assert "Traceback" in told.log
    assert "message_malformed" in told.log
    for name, secret in told.secrets.items():
        assert secret not in told.log, name


def test_stories_ladders_lists_errors_and_metrics_tell_no_secret(told: Told) -> None:
    assert {"alice", "srtp", "access token", "bad token"} < told.secrets.keys()
    assert any(name.startswith("response") for name in told.secrets)
    for what, text in told.answers.items():
        for name, secret in told.secrets.items():
            assert secret not in text, f"{name} in {what}"


def test_the_ladder_shows_who_logged_in_with_stars_instead_of_proof(told: Told) -> None:
    assert 'username=\\"2001\\"' in told.answers["ladder"]
    assert "a=crypto" in told.answers["ladder"]
