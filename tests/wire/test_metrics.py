"""`/metrics`: what is shown is documented, true, and shown only to whom the settings say."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.house import House
from support.scene import Scene

DOCS = Path(__file__).parents[2] / "docs"


async def numbers(house: House) -> dict[str, float]:
    """Every sample as it is scraped: `name{label=value,…}` and its value."""
    answer = await house.http.get(f"http://{house.node.http}/metrics")
    assert answer.status_code == 200
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {_name(sample.name, sample.labels): sample.value for sample in samples}


def _name(name: str, labels: dict[str, str]) -> str:
    return f"{name}{{{','.join(f'{label}={value}' for label, value in sorted(labels.items()))}}}" if labels else name


async def test_every_metric_is_in_the_table_of_the_docs_and_no_other(tmp_path: Path) -> None:
    async with House.open(tmp_path, hep="127.0.0.1:9", smtp="127.0.0.1:9", smtp_from="pbx@example.com") as house:
        table = house.node.metrics.markdown()
        shown = {name.partition("{")[0] for name in await numbers(house)}
    rows = [line for line in (DOCS / "metrics.md").read_text().splitlines() if line.startswith("|")]
    assert "\n".join(rows) == table
    undescribed = {name for name in shown if f"`{name}`" not in table and "process_" not in name}
    assert not {name for name in undescribed if not name.endswith(("_bucket", "_count", "_sum"))}


@pytest.mark.parametrize("example", ["alerts.yml", "dashboard.json"])
def test_examples_ask_only_for_what_there_is(example: str) -> None:
    words = re.findall(r"\bringdove_[a-z_]+", (DOCS / "monitoring" / example).read_text())
    asked = {word.removesuffix("_bucket") for word in words}
    table = (DOCS / "metrics.md").read_text()
    assert asked
    assert not {name for name in asked if f"`{name}`" not in table and not name.startswith("ringdove_media_process_")}


async def test_what_is_held_is_counted_while_it_is_held(house: House, scene: Scene) -> None:
    caller, member = await scene.phones(2)
    before = await numbers(house)
    assert before["ringdove_registrations{reachable=yes,transport=udp}"] == 2
    assert before["ringdove_media_up"] == before["ringdove_media_starts_total"] == 1

    invite = await caller.dial(member.number)
    ringing = await member.rings()
    rings = await numbers(house)
    assert rings["ringdove_calls{state=ringing}"] == 1
    assert rings["ringdove_legs"] == rings["ringdove_media_ports"] == 2
    assert rings["ringdove_transactions{side=client}"] >= 1
    assert rings["ringdove_timers"] >= 1

    theirs = await member.pick_up(ringing)
    ours = await caller.answered(invite)
    talk = await numbers(house)
    assert talk["ringdove_calls{state=talking}"] == 1
    assert talk["ringdove_dialogs"] == 2

    await scene.end(ours, theirs)
    await scene.story(caller)
    over = await numbers(house)
    assert over["ringdove_calls{state=talking}"] == over["ringdove_dialogs"] == over["ringdove_legs"] == 0
    assert over["ringdove_calls_total{disposition=ANSWERED,status=2xx}"] == 1
    assert over["ringdove_legs_total{result=answered}"] == 1
    for once in ("post_dial_delay_seconds", "ring_seconds{disposition=ANSWERED}", "talk_seconds"):
        name, brace, labels = once.partition("{")
        assert over[f"ringdove_{name}_count{brace}{labels}"] == 1
    assert over["ringdove_sip_messages_total{direction=in,kind=request,method=BYE}"] == 1
    assert over["ringdove_sip_messages_total{direction=out,kind=1xx,method=INVITE}"] >= 1
    assert 0 < over["ringdove_post_dial_delay_seconds_sum"] < 1


async def test_a_metrics_token_is_asked_for_where_one_is_set(tmp_path: Path) -> None:
    async with House.open(tmp_path, metrics_token="let-me-look") as house:
        url = f"http://{house.node.http}/metrics"
        assert (await house.http.get(url)).status_code == 401
        for wrong in ("Bearer let-me-loo", "Basic let-me-look", "Bearer"):
            assert (await house.http.get(url, headers={"Authorization": wrong})).status_code == 401
        assert (await house.http.get(url, headers={"Authorization": "Bearer let-me-look"})).status_code == 200


async def test_metrics_can_be_turned_off(tmp_path: Path) -> None:
    async with House.open(tmp_path, metrics=False) as house:
        answer = await house.http.get(f"http://{house.node.http}/metrics")
        assert answer.json()["errcode"] == 10001
