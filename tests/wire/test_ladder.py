"""The SIP messages of calls, by the interface and on the terminal, from calls over real sockets."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ringdove.cli import ask
from support.house import House
from support.scene import Scene, open_house


async def a_call(scene: Scene) -> str:
    """Two phones ring, one of them answers, the caller hangs up; the id of the call."""
    caller, first, second = await scene.phones(3)
    group = await scene.group(first, second, ring_timeout=30)
    invite = await caller.dial(group)
    rings = await first.rings()
    await second.rings()
    theirs = await first.pick_up(rings)
    ours = await caller.answered(invite)
    await scene.end(ours, theirs)
    return (await scene.story(caller)).id


async def ladder(house: House, call_id: str, **query: Any) -> dict[str, Any]:
    data: dict[str, Any] = (await house.get("calls/ladder", id=call_id, **query))["data"]
    return data


async def test_the_ladder_tells_every_leg_from_the_challenge_to_the_last_bye(house: House, scene: Scene) -> None:
    call_id = await a_call(scene)
    told = await ladder(house, call_id)
    steps = [(m["leg"], m["direction"], m["start_line"].removeprefix("SIP/2.0 ").split()[0]) for m in told["messages"]]
    before = [(way, what) for leg, way, what in steps[:4] if leg == "caller"]
    assert before == [("in", "INVITE"), ("out", "401"), ("in", "ACK"), ("in", "INVITE")]
    assert {("leg1", "out", "INVITE"), ("leg2", "out", "INVITE"), ("leg2", "out", "CANCEL")} < set(steps)
    assert steps.index(("leg1", "in", "200")) < steps.index(("caller", "out", "200"))
    assert ("leg1", "out", "BYE") in steps

    story = (await house.get("calls/get", id=call_id))["data"]
    legs = {leg["leg"]: leg for hop in story["hops"] for attempt in hop["attempts"] for leg in attempt["legs"]}
    assert {leg["leg"]: leg["sip_call_id"] for leg in told["legs"]} == {
        "caller": story["sip_call_id"],
        **{name: leg["sip_call_id"] for name, leg in legs.items()},
    }
    invited = next(m["time"] for m in told["messages"] if m["leg"] == "leg1")
    assert invited == pytest.approx(legs["leg1"]["invited_at"], abs=0.01)
    assert legs["leg1"]["answered_at"] <= story["answered_at"] <= story["acknowledged_at"]


async def test_no_secret_is_in_it(house: House, scene: Scene) -> None:
    told = await ladder(house, await a_call(scene))
    texts = "".join(message["text"] for message in told["messages"])
    assert 'Digest username="' in texts
    for name in ("nonce", "response", "cnonce"):
        assert set(re.findall(rf'\b{name}=("?[^",]*"?)', texts)) == {'"***"'}


async def test_it_is_drawn_as_wide_as_is_asked(house: House, scene: Scene) -> None:
    call_id = await a_call(scene)
    for width in (64, 80, 140):
        lines = (await ladder(house, call_id, width=width))["drawing"].splitlines()
        assert "Ringdove" in lines[0]
        assert max(map(len, lines)) <= width


async def test_the_command_draws_it_and_prints_whole_messages(
    house: House, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    call_id = await a_call(scene)
    out = Console(width=80, record=True, file=io.StringIO())
    assert await ask.messages(house.node.settings, call_id, out) == 0
    drawn = out.export_text()
    assert re.search(r"│─+ INVITE SDP ─+►│", drawn)
    assert re.search(r"│◄─+ 200 OK \(BYE\) ─+┼?─*│", drawn)

    assert await ask.messages(house.node.settings, call_id, out, raw=True) == 0
    raw = out.export_text()
    assert re.search(r"── \d\.\d{3} s  leg1 \d+  udp:127.0.0.1:\d+ → udp:127.0.0.1:\d+\nINVITE sip:", raw)
    assert "a=rtpmap:0 PCMU/8000" in raw
    assert max(map(len, raw.splitlines())) > 80  # nothing is cut or broken

    assert await ask.messages(house.node.settings, "1.1", out) == 1
    assert "no SIP messages are kept of a call 1.1" in capsys.readouterr().err


async def test_with_the_setting_at_zero_nothing_is_kept(tmp_path: Path) -> None:
    async with open_house(tmp_path, ladder=0) as house, Scene(house) as scene:
        call_id = await a_call(scene)
        answer = await house.http.get("calls/ladder", params={"id": call_id, "access_token": house.token})
        assert answer.json()["invalid_param_list"] == [{"field": "id", "validation_type": "exist"}]
        assert house.node._recorder.octets == 0
