"""What calls came to, as numbers: counted once for each call, at its end."""

from collections import Counter
from typing import Final

from ringdove.events.bus import Bus
from ringdove.events.types import CallOver
from ringdove.media.engine import Flow, Stats
from ringdove.model.story import LegStory, Story

from .metrics import Metrics

_DELAYS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_RINGING: Final = (1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 120, 300)
_TALKS: Final = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_JITTER: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
_LOSS: Final = (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25)


class CallNumbers:
    """Keeps the numbers of the calls that the bus says are over."""

    def __init__(self, metrics: Metrics, bus: Bus) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._legs: Counter[str] = Counter()
        self._packets: Counter[tuple[str, str]] = Counter()
        metrics.counter(
            "ringdove_calls_total",
            "Calls that ended, by disposition and by the class of the status that the caller got.",
            lambda: self._calls,
            labels=["disposition", "status"],
        )
        metrics.counter(
            "ringdove_legs_total", "Phones that were rung, by how it ended.", lambda: self._legs, labels=["result"]
        )
        metrics.counter(
            "ringdove_rtp_packets_total",
            "RTP packets of calls that ended: `in` accepted, dropped here, lost on the way; `out` sent, lost.",
            lambda: self._packets,
            labels=["direction", "what"],
        )
        self._delay = metrics.histogram(
            "ringdove_post_dial_delay_seconds",
            "From the caller's INVITE, less the round of its challenge, to our first 180, 183 or 200.",
            _DELAYS,
        )
        self._ringing = metrics.histogram(
            "ringdove_ring_seconds",
            "From the first phone that rang to the answer, or to the end of a call that nobody took.",
            _RINGING,
            labels=["disposition"],
        )
        self._talk = metrics.histogram("ringdove_talk_seconds", "From the answer to the end.", _TALKS)
        self._jitter = metrics.histogram(
            "ringdove_rtp_jitter_seconds", "Jitter of what each phone sent, at its end (RFC 3550).", _JITTER
        )
        self._loss = metrics.histogram(
            "ringdove_rtp_loss_ratio",
            "Share of RTP packets that were lost, for each phone that was heard; `out` as the phone says in RTCP.",
            _LOSS,
            labels=["direction"],
        )
        bus.subscribe(CallOver, self._over)

    def _over(self, event: CallOver) -> None:
        story = event.story
        disposition = str(story.disposition or "")
        self._calls[disposition, f"{story.final_status // 100}xx" if story.final_status else "none"] += 1
        legs = [leg for hop in story.hops for attempt in hop.attempts for leg in attempt.legs]
        self._legs.update(str(leg.result) for leg in legs)
        if story.progress_at is not None:
            self._delay.observe(story.progress_at)
        if (ringing := _rang(story, legs)) is not None:
            self._ringing.labels(disposition).observe(ringing)
        if story.answered_at is not None and story.ended_at is not None:
            self._talk.observe(story.ended_at - story.answered_at)
        if event.audio is not None:
            self._heard(event.audio)

    def _heard(self, audio: Stats) -> None:
        for flow in audio.flows.values():
            self._packets["in", "accepted"] += flow.packets_in
            self._packets["in", "lost"] += flow.lost_in
            self._packets["in", "dropped"] += flow.dropped
            self._packets["out", "sent"] += flow.packets_out
            self._packets["out", "lost"] += flow.lost_out
            if flow.packets_in:
                self._judge(flow)

    def _judge(self, flow: Flow) -> None:
        self._jitter.observe(flow.jitter_in / 1000)
        self._loss.labels("in").observe(flow.lost_in / (flow.packets_in + flow.lost_in))
        if flow.packets_out:
            self._loss.labels("out").observe(min(1.0, flow.lost_out / flow.packets_out))


def _rang(story: Story, legs: list[LegStory]) -> float | None:
    """For how long phones rang."""
    first = min((leg.ringing_at for leg in legs if leg.ringing_at is not None), default=None)
    until = story.answered_at if story.answered_at is not None else story.ended_at
    return None if first is None or until is None else until - first
