"""The registry of one node's numbers."""

from collections import Counter
from enum import StrEnum

import pytest
from structlog.testing import capture_logs

from ringdove.watch.metrics import Metrics


class State(StrEnum):
    UP = "up"


def test_numbers_are_asked_for_when_somebody_looks() -> None:
    metrics, seen = Metrics(), Counter({("udp", State.UP): 1})
    metrics.gauge("ringdove_seen", "What was seen.", lambda: seen, labels=["transport", "state"])
    assert b'ringdove_seen{state="up",transport="udp"} 1.0' in metrics.text()
    seen["udp", State.UP] += 1
    assert b'ringdove_seen{state="up",transport="udp"} 2.0' in metrics.text()


def test_a_number_that_cannot_be_read_hides_no_other() -> None:
    metrics = Metrics()
    metrics.gauge("ringdove_broken", "Fails.", lambda: 1 / 0)
    metrics.counter("ringdove_whole_total", "Works.", lambda: 3)
    with capture_logs() as lines:
        text = metrics.text()
    assert b"ringdove_whole_total 3.0" in text
    assert b"ringdove_broken" not in text
    assert [line["metric"] for line in lines] == ["ringdove_broken"]


def test_two_nodes_in_one_process_keep_their_numbers_apart() -> None:
    one, other = Metrics(), Metrics()
    one.histogram("ringdove_seconds", "How long.", [1, 2]).observe(1.5)
    other.histogram("ringdove_seconds", "How long.", [1, 2])
    assert b"ringdove_seconds_count 1.0" in one.text()
    assert b"ringdove_seconds_count 0.0" in other.text()


@pytest.mark.parametrize("labels", [[], ["cap"], ["method", "cause"]])
def test_every_metric_has_its_row_in_the_table(labels: list[str]) -> None:
    metrics = Metrics()
    metrics.counter("ringdove_hits_total", "How often.", dict, labels=labels)
    named = " ".join(f"`{label}`" for label in labels)
    assert metrics.markdown().splitlines()[2:] == [f"| `ringdove_hits_total` | counter | {named} | How often. |"]
