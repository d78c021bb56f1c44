"""What the tests make of the packets that somebody heard."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from ringdove.sip.codec import Codec
from support.hearing import Heard, check_stream, longest_gap, melody, pcm_of, timeline
from support.tone import OTHER, Sound, sine, tone_of
from support.voice import EVENT, G722, PCMA, PCMU, packets_of

TONES = (425, 600, 1000)
CODECS = pytest.mark.parametrize("codec", [PCMU, PCMA, G722], ids=lambda codec: codec.name)
WITHIN = {PCMU: 0.021, PCMA: 0.021, G722: 0.081}
"""Seconds by which a change may be noticed late."""


def stream(parts: Sequence[tuple[float, float]], codec: Codec = PCMU, *, first: int = 0, ssrc: int = 7) -> list[Heard]:
    """Tones of so many seconds, one after the other, each packet on time; numbers and time stamps from `first` on."""
    bodies = [body for hz, seconds in parts for body in islice(packets_of(codec, hz), round(seconds / 0.02))]
    return [
        Heard(
            100 + 0.02 * index,
            codec.payload,
            index == 0,
            (first + index) & 0xFFFF,
            (first + 160 * index) & 0xFFFFFFFF,
            ssrc,
            body,
        )
        for index, body in enumerate(bodies)
    ]


def late(packets: Sequence[Heard], seconds: float) -> list[Heard]:
    """The same, that much later."""
    return [replace(packet, at=packet.at + seconds) for packet in packets]


@CODECS
def test_the_timeline_names_each_tone_and_silence_with_its_time(codec: Codec) -> None:
    packets = stream([(600, 0.5), (0, 0.2), (1000, 0.3), (700, 0.2)], codec)
    spans = timeline(packets, tones=TONES)
    assert [span.hz for span in spans] == [600, None, 1000, OTHER]
    assert [span.start - 100 for span in spans] == pytest.approx([0, 0.5, 0.7, 1.0], abs=WITHIN[codec])
    assert [span.seconds for span in spans] == pytest.approx([0.5, 0.2, 0.3, 0.2], abs=WITHIN[codec])
    assert spans[-1].stop == pytest.approx(101.2)


@CODECS
def test_a_blip_does_not_count_and_more_does(codec: Codec) -> None:
    with_blip = stream([(600, 0.2), (1000, 0.02), (600, 0.2)], codec)
    assert [span.hz for span in timeline(with_blip, tones=TONES)] == [600]
    with_more = stream([(600, 0.2), (1000, 0.04 + WITHIN[codec]), (600, 0.2)], codec)
    assert [span.hz for span in timeline(with_more, tones=TONES)] == [600, 1000, 600]
    first = stream([(1000, 0.02), (600, 0.2)], codec)
    assert [(span.hz, span.start) for span in timeline(first, tones=TONES)] == [(600, 100)]


def test_where_nothing_comes_is_silence_and_the_gap_is_measured() -> None:
    packets = stream([(600, 0.2)])
    packets += late(packets, 0.4)
    assert longest_gap(packets) == pytest.approx(0.22)
    spans = timeline(packets, tones=TONES)
    assert [span.hz for span in spans] == [600, None, 600]
    assert (spans[1].start, spans[1].stop) == pytest.approx((100.2, 100.4))
    assert [span.hz for span in timeline(packets, tones=TONES, gap=0.23)] == [600]


def test_a_packet_that_is_a_little_late_is_no_gap() -> None:
    packets = stream([(600, 0.4)])
    packets[5] = replace(packets[5], at=packets[5].at + 0.03)
    packets[6] = replace(packets[6], at=packets[6].at + 0.015)
    assert [span.hz for span in timeline(packets, tones=TONES)] == [600]


def test_packets_that_hold_no_sound_are_passed_over() -> None:
    packets = stream([(600, 0.2)])
    packets.append(replace(packets[-1], payload=EVENT.payload, body=b"\x05\x0a\x00\xa0"))
    packets.append(replace(packets[-1], payload=111, body=bytes(80)))
    assert [span.hz for span in timeline(packets, tones=TONES)] == [600]
    assert pcm_of(packets).seconds == pytest.approx(0.2, abs=0.001)
    assert timeline([], tones=TONES) == []
    assert pcm_of([]).seconds == longest_gap([]) == 0


@CODECS
def test_sound_is_placed_by_its_time_stamps_whatever_order_it_comes_in(codec: Codec) -> None:
    packets = stream([(600, 0.3), (1000, 0.5)], codec, first=0xFFFF_F800)
    lost = packets[:25] + packets[30:]
    shuffled = [lost[0], *reversed(lost[1:10]), *lost[10:], lost[12]]
    sound = pcm_of(shuffled)
    assert sound.rate == 16000
    assert sound.seconds == pytest.approx(0.8, abs=0.001)
    assert tone_of(sound.first(0.28), TONES) == 600
    assert tone_of(sound.after(0.4).first(0.08), TONES) == 1000
    assert tone_of(sound.after(0.52).first(0.06), TONES) is None
    assert tone_of(sound.after(0.65).first(0.1), TONES) == 1000


def test_another_sender_is_placed_where_it_arrives() -> None:
    packets = stream([(600, 0.2)]) + late(stream([(1000, 0.2)], G722, first=5000, ssrc=8), 0.4)
    sound = pcm_of(packets)
    assert tone_of(sound.first(0.19), TONES) == 600
    assert tone_of(sound.after(0.21).first(0.18), TONES) is None
    assert tone_of(sound.after(0.42).first(0.17), TONES) == 1000


def test_a_stream_may_wrap_round_and_leave_time_out_at_a_marker() -> None:
    packets = stream([(600, 0.4)], first=0xFFFF_FF00)
    after = stream([(1000, 0.2)], first=0xFFFF_FF00 + 20)
    check_stream(packets)
    check_stream(packets + [replace(p, timestamp=(p.timestamp + 160 * 50) & 0xFFFFFFFF) for p in after])


def test_a_key_press_shares_its_time_stamp_and_time_goes_on_after_it() -> None:
    packets = stream([(600, 0.4)])
    pressed = [replace(p, payload=EVENT.payload, timestamp=1600, body=bytes(4)) for p in packets[10:15]]
    check_stream([*packets[:10], *pressed, *packets[15:]])


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"ssrc": 8}, "SSRC changes from 00000007 to 00000008"),
        ({"sequence": 4}, "sequence number goes from 4 to 4"),
        ({"sequence": 6}, "sequence number goes from 4 to 6"),
        ({"sequence": 3}, "sequence number goes from 4 to 3"),
        ({"timestamp": 5 * 160 - 1}, "time stamp goes up by 159 after 160 octets"),
        ({"timestamp": 6 * 160}, "time stamp goes up by 320 after 160 octets"),
        ({"timestamp": 3 * 160, "marker": True}, "time stamp goes up by -160"),
        ({"timestamp": 4 * 160, "payload": EVENT.payload}, "time stamp goes up by 0"),
    ],
)
def test_a_broken_stream_is_told_with_what_broke(broken: dict[str, Any], says: str) -> None:
    packets = stream([(600, 0.2)])
    packets[5] = replace(packets[5], **broken)
    with pytest.raises(AssertionError, match=f"packet 5 of 10, 0.100 s in: the {says}"):
        check_stream(packets)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_melody_names_each_tone_of_a_recording_and_passes_over_blips(rate: int) -> None:
    parts = [(600, 0.5), (0, 0.2), (1000, 0.3), (600, 0.02), (1000, 0.1), (700, 0.2)]
    recording = Sound(rate, np.concatenate([sine(hz, seconds, rate) for hz, seconds in parts]))
    spans = melody(recording, (600, 1000))
    assert [span.hz for span in spans] == [600, None, 1000, OTHER]
    assert [span.stop for span in spans] == pytest.approx([0.5, 0.7, 1.12, 1.32])
    assert spans[0].start == pytest.approx(0)
    assert melody(Sound(rate, np.zeros(0, np.float32)), (600,)) == []
