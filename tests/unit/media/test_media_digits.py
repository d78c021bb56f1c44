"""Keys out of named telephone events (RFC 4733)."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.digits import PATIENCE, Digits, Pressed

KEYS = "0123456789*#ABCD"


def packets(digit: str, timestamp: int, ms: int = 100) -> list[tuple[bytes, int]]:
    """All packets of one key press, three at the end."""
    event = KEYS.index(digit)
    going = [(struct.pack("!BBH", event, 10, 8 * at), timestamp) for at in range(20, ms, 20)]
    return going + [(struct.pack("!BBH", event, 0x80 | 10, 8 * ms), timestamp)] * 3


class Listener:
    """Takes packets 20 ms after each other."""

    def __init__(self) -> None:
        self.digits = Digits()
        self.heard: list[Pressed] = []
        self.now = 10.0

    def take(self, *arrived: tuple[bytes, int], ssrc: int = 1) -> None:
        for payload, timestamp in arrived:
            self.now += 0.02
            self.heard += self.digits.take(payload, ssrc, timestamp % (1 << 32), 8000, self.now)

    @property
    def keys(self) -> str:
        return "".join(digit for digit, _ in self.heard)


@pytest.mark.parametrize("digit", KEYS)
def test_each_key_is_heard_once_with_its_length(digit: str) -> None:
    listener = Listener()
    listener.take(*packets(digit, 800, ms=160))
    assert listener.heard == [Pressed(digit, 0.16)]


@given(st.text(KEYS, max_size=8), st.integers(0, (1 << 32) - 1), st.randoms(use_true_random=False))
def test_lost_packets_and_repetitions_change_no_key(keys: str, start: int, chance: random.Random) -> None:
    listener = Listener()
    for number, key in enumerate(keys):
        sent = packets(key, start + 2000 * number)
        kept = [packet for packet in sent if chance.random() < 0.6] or sent[:1]
        listener.take(*(packet for packet in kept for _ in range(chance.choice((1, 1, 2)))))
    listener.heard += listener.digits.end()
    assert listener.keys == keys


def test_it_is_told_at_the_first_packet_that_tells_the_end() -> None:
    listener = Listener()
    sent = packets("5", 0)
    listener.take(*sent[:-3])
    assert not listener.heard
    listener.take(sent[-3])
    assert listener.keys == "5"


def test_where_the_end_is_lost_the_next_key_or_time_tells_it() -> None:
    listener = Listener()
    listener.take(*packets("1", 0)[:3])
    listener.take(*packets("2", 2000)[:3])
    assert listener.heard == [Pressed("1", 0.06)]
    assert not listener.digits.expire(listener.now + PATIENCE / 2)
    assert listener.digits.expire(listener.now + 2 * PATIENCE) == [Pressed("2", 0.06)]
    assert not listener.digits.expire(listener.now + 3 * PATIENCE)
    listener.take(*packets("2", 2000)[3:])
    assert listener.keys == "1"


def test_late_packets_of_an_earlier_key_are_nothing_new() -> None:
    listener = Listener()
    first, second = packets("1", 0), packets("2", 2000)
    listener.take(*first, *second[:2], first[-1], *second[2:], first[0])
    assert listener.keys == "12"


def test_a_key_may_be_held_for_longer_than_a_duration_can_say() -> None:
    listener = Listener()
    for segment in range(2):
        for duration in (16_000, 48_000, 0xFFFF):
            listener.take((struct.pack("!BBH", 7, 10, duration), segment * 0xFFFF))
    listener.take(*[(struct.pack("!BBH", 7, 0x8A, 1600), 2 * 0xFFFF)] * 3)
    assert listener.heard == [Pressed("7", (2 * 0xFFFF + 1600) / 8000)]


def test_a_duration_that_goes_round_or_stands_still_is_one_key() -> None:
    listener = Listener()
    for duration in (1600, 0xFFFF, 0xFFFF, 800, 1600):
        listener.take((struct.pack("!BBH", 7, 10, duration), 0))
    listener.take((struct.pack("!BBH", 7, 0x8A, 2400), 0))
    assert listener.keys == "7"


def test_another_source_has_time_stamps_of_its_own() -> None:
    listener = Listener()
    listener.take(*packets("1", 1 << 31)[:3])
    listener.take(*packets("1", 160), ssrc=2)
    listener.take(*packets("3", 9999), ssrc=2)
    assert listener.keys == "113"


@given(st.randoms(use_true_random=False))
def test_repetitions_of_one_source_amid_another_are_nothing_new(chance: random.Random) -> None:
    listener = Listener()
    listener.take(*packets("1", 100))
    listener.take(*packets("2", 50)[:1], ssrc=2)
    late = [(packet, 1) for packet in packets("1", 100)] + [(packet, 2) for packet in packets("2", 50)]
    chance.shuffle(late)
    for packet, ssrc in late:
        listener.take(packet, ssrc=ssrc)
    assert listener.keys == "12"


def test_where_a_duration_stands_still_at_its_longest_the_clock_tells() -> None:
    listener = Listener()
    for _ in range(1000):
        listener.take((struct.pack("!BBH", 7, 10, 0xFFFF), 0))
    listener.take((struct.pack("!BBH", 7, 0x8A, 0xFFFF), 0))
    assert [(digit, round(seconds, 2)) for digit, seconds in listener.heard] == [("7", 20.0)]


@pytest.mark.parametrize("payload", [b"", b"\x05\x8a\x00", struct.pack("!BBH", 16, 0x8A, 800), b"\xff" * 4])
def test_what_is_no_key_is_nothing(payload: bytes) -> None:
    listener = Listener()
    listener.take((payload, 0))
    assert not listener.heard
    assert not listener.digits.end()


@given(st.lists(st.tuples(st.binary(max_size=6), st.integers(0, (1 << 32) - 1), st.integers(1, 2))))
def test_no_packet_tells_more_than_two_keys(arrived: list[tuple[bytes, int, int]]) -> None:
    digits = Digits()
    for now, (payload, timestamp, ssrc) in enumerate(arrived):
        pressed = digits.take(payload, ssrc, timestamp, 8000, float(now))
        assert len(pressed) <= 2
        assert all(seconds >= 0 for _, seconds in pressed)
