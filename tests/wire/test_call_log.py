"""What the log says of a call: ids on every line, the times of its legs once at the end, and no secret."""

from pathlib import Path
from typing import Any

from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from support.scene import Scene, open_house


def _all(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


async def test_every_line_names_the_call_and_the_last_one_its_times_and_outcome(tmp_path: Path) -> None:
    with capture_logs(processors=[merge_contextvars]) as captured:
        async with open_house(tmp_path) as house, Scene(house) as scene:
            caller, first, second = await scene.phones(3)
            group = await scene.group(first, second, ring_timeout=30)
            invite = await caller.dial(group)
            rings = await first.rings()
            await second.rings()
            theirs = await first.pick_up(rings)
            await scene.end(await caller.answered(invite), theirs)
            story = await scene.story(caller)
            secrets = [caller.person.reg_password, first.person.reg_password, house.token, "nonce", "response="]
    lines = [dict(line) for line in captured]
    about = [line for line in lines if line["event"].startswith(("call_", "leg_"))]
    assert {line["call"] for line in about} == {story.id}
    legs = {leg.leg: leg for hop in story.hops for attempt in hop.attempts for leg in attempt.legs}
    told = [line for line in about if line["event"].startswith("leg_")]
    assert {(line["leg"], line["sip_call_id"]) for line in told} == {
        (leg.leg, leg.sip_call_id) for leg in legs.values()
    }
    assert {line["event"] for line in told} == {"leg_invited", "leg_rang", "leg_answered", "leg_stopped"}

    (began,), (over,) = _all(lines, "call_began"), _all(lines, "call_over")
    assert began["sip_call_id"] == over["sip_call_id"] == story.sip_call_id
    assert (over["disposition"], over["status"], over["ended_by"]) == ("ANSWERED", 200, "caller")
    assert (over["caller"], over["dialled"], over["answered_by"]) == (caller.number, group, first.number)
    assert 0 <= over["progress"] <= over["answered"] <= over["ack"] <= over["ended"]
    winner, loser = over["legs"]
    assert (winner["result"], winner["status"], loser["result"]) == ("answered", 200, "answered elsewhere")
    assert winner["invite"] <= winner["ringing"] <= winner["ok"] <= winner["end"]
    assert "ok" not in loser
    assert not [secret for secret in secrets if secret in str(lines)]
