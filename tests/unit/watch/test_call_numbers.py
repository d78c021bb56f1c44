"""What calls came to, as numbers."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ringdove.events.bus import Bus
from ringdove.events.types import CallOver
from ringdove.media.engine import Flow, PartyId, Stats
from ringdove.model.story import Attempt, Disposition, Hop, LegResult, LegStory, Party, Story
from ringdove.watch.calls import CallNumbers
from ringdove.watch.metrics import Metrics

SOMEBODY = Party(number="2001")


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def metrics(bus: Bus) -> Metrics:
    metrics = Metrics()
    CallNumbers(metrics, bus)
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float:
    samples = [s for family in text_string_to_metric_families(metrics.text().decode()) for s in family.samples]
    return next(sample.value for sample in samples if sample.name == name and sample.labels == labels)


def call(disposition: Disposition, status: int | None, *legs: LegStory, answered: float | None = None) -> Story:
    hop = Hop(kind="ring_group", entered_at=0, attempts=[Attempt(member=SOMEBODY, legs=list(legs))])
    return Story(
        id="1.1",
        started_at=0,
        caller=SOMEBODY,
        dialled="6300",
        hops=[hop],
        progress_at=0.25,
        answered_at=answered,
        ended_at=30,
        disposition=disposition,
        final_status=status,
    )


def leg(rang: float | None, result: LegResult) -> LegStory:
    return LegStory(contact="sip:a@192.0.2.1", invited_at=0, ringing_at=rang, result=result)


def test_a_call_is_counted_by_its_outcome_and_its_times(bus: Bus, metrics: Metrics) -> None:
    legs = (leg(3, LegResult.ANSWERED_ELSEWHERE), leg(2, LegResult.ANSWERED), leg(None, LegResult.NO_RESPONSE))
    bus.publish(CallOver(call(Disposition.ANSWERED, 200, *legs, answered=12)))
    assert value(metrics, "ringdove_calls_total", disposition="ANSWERED", status="2xx") == 1
    assert value(metrics, "ringdove_legs_total", result="no response") == 1
    assert value(metrics, "ringdove_post_dial_delay_seconds_sum") == 0.25
    assert value(metrics, "ringdove_ring_seconds_sum", disposition="ANSWERED") == 10
    assert value(metrics, "ringdove_talk_seconds_sum") == 18


def test_a_call_that_nobody_took_rang_until_its_end(bus: Bus, metrics: Metrics) -> None:
    bus.publish(CallOver(call(Disposition.ABANDONED, 487, leg(5, LegResult.CALLER_GONE))))
    assert value(metrics, "ringdove_ring_seconds_sum", disposition="ABANDONED") == 25
    assert value(metrics, "ringdove_talk_seconds_count") == 0


def test_a_call_that_rang_nowhere_has_no_ring_time(bus: Bus, metrics: Metrics) -> None:
    bus.publish(CallOver(call(Disposition.FAILED, None)))
    assert value(metrics, "ringdove_calls_total", disposition="FAILED", status="none") == 1
    assert b"ringdove_ring_seconds_count" not in metrics.text()


def test_audio_is_summed_and_judged_for_who_was_heard(bus: Bus, metrics: Metrics) -> None:
    heard = Flow(packets_in=90, lost_in=10, packets_out=50, lost_out=5, dropped=3, jitter_in=20)
    silent = Flow(packets_out=50)
    stats = Stats({PartyId("caller"): heard, PartyId("leg1"): silent})
    bus.publish(CallOver(call(Disposition.ANSWERED, 200, answered=1), stats))
    packets = {
        ("in", "accepted"): 90,
        ("in", "lost"): 10,
        ("in", "dropped"): 3,
        ("out", "sent"): 100,
        ("out", "lost"): 5,
    }
    for (direction, what), count in packets.items():
        assert value(metrics, "ringdove_rtp_packets_total", direction=direction, what=what) == count
    assert value(metrics, "ringdove_rtp_loss_ratio_sum", direction="in") == 0.1
    assert value(metrics, "ringdove_rtp_loss_ratio_sum", direction="out") == 0.1
    assert value(metrics, "ringdove_rtp_jitter_seconds_sum") == 0.02
    assert value(metrics, "ringdove_rtp_jitter_seconds_count") == 1
