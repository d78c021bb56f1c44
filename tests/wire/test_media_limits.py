"""What one party can make of the media process: packets, keys and loops have bounds that no real phone meets."""

import struct
from collections.abc import Iterator

import pytest

from ringdove.media.embedded.pair import KEYS, PACKETS
from ringdove.media.embedded.wire import Digit
from wire.media_line import EVENT, PORT, VOICE, Line, line_at, rtp


@pytest.fixture
def line() -> Iterator[Line]:
    with line_at("127.0.0.1") as line:
        yield line


def key(event: int, timestamp: int, duration: int = 800, *, end: bool = True, sequence: int = 1) -> bytes:
    """A packet of a key, from another source than the voice."""
    return rtp(EVENT, sequence, timestamp, 0x9999, struct.pack("!BBH", event, 0x80 * end, duration))


def test_packets_that_no_phone_sends_are_dropped(line: Line) -> None:
    rate, burst = PACKETS
    heard = sum(line.passes_on(line.party, b"voice") for _ in range(2 * burst))
    assert heard == burst
    assert line.pair.counts.dropped == burst
    line.now += 1
    assert sum(line.passes_on(line.party, b"voice") for _ in range(2 * burst)) == rate


@pytest.mark.parametrize("milliseconds", [5, 10, 20])
def test_what_phones_send_is_heard_also_after_a_stall(line: Line, milliseconds: int) -> None:
    seconds = 1.5 if milliseconds == 5 else 3
    late = round(1000 * seconds / milliseconds)
    line.now += seconds
    assert all(line.passes_on(line.party, b"late") for _ in range(late))
    for _ in range(2 * late):
        line.now += milliseconds / 1000
        assert line.passes_on(line.party, b"voice")


def test_strangers_use_up_nothing_of_what_the_party_may_send(line: Line) -> None:
    assert line.passes_on(line.party, b"hello")
    assert not any(line.passes_on(line.stranger, b"stranger") for _ in range(2 * PACKETS[1]))
    assert line.passes_on(line.party, b"still here")


def test_a_loop_through_our_own_ports_ends(line: Line) -> None:
    line.name_our_own_ports()
    assert not line.passes_on(line.party, b"round")
    line.now += 1
    line.say(line.party, b"and round")
    line.read(2 * PACKETS[1])
    assert line.pair.counts.packets_in == PACKETS[1]
    line.now += 1
    line.read()
    assert line.pair.counts.packets_in == PACKETS[1]


def test_keys_that_nobody_can_press_are_not_told(line: Line) -> None:
    rate, burst = KEYS
    for _ in range(2):
        for number in range(2 * burst):
            line.party.send(key(5, 800 * number + round(line.now) * 80_000), "127.0.0.1", PORT)
            line.read()
        line.now += 1
    assert [type(report) for report in line.reports] == [Digit] * (burst + rate)


def test_keys_of_another_source_are_put_between_the_voice_and_begin_nothing_anew(line: Line) -> None:
    for number in range(100):
        line.party.send(rtp(VOICE, number, 160 * number, 0x1234, b"voice"), "127.0.0.1", PORT)
        line.read()
        if 20 <= number < 50:
            line.party.send(key(5, 77, 160 * (number - 19), end=number > 46, sequence=number), "127.0.0.1", PORT)
            line.read()
        line.now += 0.02
    heard = [(*struct.unpack("!BBHII", packet[:12]), packet[12:]) for packet in line.listener.receive()]
    first = heard[0]
    assert [(packet[2] - first[2]) % 65536 for packet in heard] == list(range(130))
    voice = [packet[3] for packet in heard if packet[5] == b"voice"]
    assert [(timestamp - voice[0]) % (1 << 32) for timestamp in voice] == [160 * number for number in range(100)]
    keys = {packet[3] for packet in heard if packet[5] != b"voice"}
    assert [(timestamp - voice[0]) % (1 << 32) for timestamp in keys] == [160 * 20]
    assert [packet[1] for packet in heard].count(0x80 | VOICE) == 1
    assert [report.digit for report in line.reports if isinstance(report, Digit)] == ["5"]
    assert line.pair.counts.lost_in == 0
