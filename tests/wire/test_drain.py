"""SIGTERM: what a server that is about to stop still does, and what it does not."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.model.story import Story
from support.phones import Phone
from support.tower import Tower


@pytest.fixture
async def tower(tmp_path: Path) -> AsyncIterator[Tower]:
    async with Tower.open(tmp_path / "data") as tower:
        yield tower


@pytest.fixture
async def phones(tower: Tower) -> AsyncIterator[list[Phone]]:
    phones = [await Phone.of(tower, await tower.extension(str(number))) for number in range(2001, 2005)]
    for phone in phones:
        assert (await phone.register()).status == 200
    yield phones
    for phone in phones:
        await phone.close()


async def _health(tower: Tower) -> int:
    return (await tower.http.get(f"http://{tower.http.base_url.netloc.decode()}/healthz")).status_code


async def _begin_to_drain(tower: Tower) -> None:
    """Send SIGTERM, and see it told to load balancers."""
    tower.signal(signal.SIGTERM)
    deadline = time.monotonic() + 3
    while (status := await _health(tower)) == 200:
        assert time.monotonic() < deadline, "it takes no notice"
        await asyncio.sleep(0.01)
    assert status == 503


async def _stories(tower: Tower) -> dict[str, Story]:
    """The records by the number of the caller."""
    rows = (await tower.get("calls/list"))["data"]
    stories = [Story.from_data((await tower.get("calls/get", id=row["id"]))["data"]) for row in rows]
    return {story.caller.number: story for story in stories}


async def test_sigterm_drains_and_a_second_one_ends_at_once(tower: Tower, phones: list[Phone]) -> None:
    alice, bob, carol, dora = phones
    call = await alice.dial(bob.number)
    at_bob = await bob.pick_up(await bob.rings())
    at_alice = await alice.answered(call)
    ringing = await carol.dial(dora.number)
    invite = await dora.rings()
    assert await _health(tower) == 200

    await _begin_to_drain(tower)
    for method in ("INVITE", "OPTIONS"):
        request = bob.request(method, f"sip:{dora.number}@pbx.test", tower.sip)
        refused = await bob.expect(f"503 {method}")
        if method == "INVITE":
            assert refused.headers.get("Retry-After") == "30"
            bob.ack(request, refused, tower.sip)
    assert (await bob.register()).status == 200, "phones stay registered over a restart"
    assert {number: story.ended_at for number, story in (await _stories(tower)).items()} == {"2001": None, "2003": None}
    await tower.post("extension/update", id=bob.person.id, caller_id_name="Bob")
    at_dora = await dora.pick_up(invite)
    at_carol = await carol.answered(ringing)
    assert (await at_alice.offer(alice.sdp("sendonly", version=2))).status == 200
    assert (await at_carol.bye()).status == 200
    await dora.hung_up()
    assert (await at_bob.bye()).status == 200
    await alice.hung_up()
    assert await tower.ended() == 0, "it ends with the last call"
    assert not (tower.data / "running").exists()
    assert at_dora.dialog

    await tower.start()
    stories = await _stories(tower)
    assert [(stories[number].disposition, stories[number].ended_by) for number in ("2001", "2003")] == [
        ("ANSWERED", "callee"),
        ("ANSWERED", "caller"),
    ]
    for phone in phones:
        phone.forget()
    call = await alice.dial(bob.number)
    await bob.pick_up(await bob.rings())
    await alice.answered(call)
    await _begin_to_drain(tower)
    tower.signal(signal.SIGTERM)
    began = time.monotonic()
    await asyncio.gather(alice.hung_up(), bob.hung_up())
    assert await tower.ended() == 0
    assert time.monotonic() - began < 8, "nobody waits for a call that goes on"
