"""The one stream that a party hears."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.outgoing import FRAME, HEADER, MARKER, Outgoing

VOICE, EVENT, OPUS = 0, 101, 111
ROUND, HALF = 1 << 32, 1 << 31


@dataclass
class Packet:
    """As a party reads it."""

    marker: bool
    payload: int
    sequence: int
    timestamp: int
    ssrc: int


def stamp(
    outgoing: Outgoing,
    source: object,
    sequence: int,
    timestamp: int,
    now: float,
    *,
    mark: int = VOICE,
    clock: int = 8000,
) -> Packet | None:
    """What goes out; None for nothing."""
    packet = bytearray(HEADER.size)
    if not outgoing.stamp(packet, source, clock, mark, sequence % 65536, timestamp % ROUND, now):
        return None
    flags, marked, number, stamped, ssrc = HEADER.unpack(packet)
    assert flags == 0x80
    return Packet(bool(marked & MARKER), marked & 0x7F, number, stamped, ssrc)


def sent(packet: Packet | None) -> Packet:
    assert packet is not None
    return packet


def ahead(later: int, earlier: int, modulus: int) -> int:
    """How far one number is above another, below it where negative."""
    return (later - earlier + modulus // 2) % modulus - modulus // 2


class Speaker:
    """A source with numbers of its own, 20 ms a packet."""

    def __init__(self, sequence: int, timestamp: int) -> None:
        self.sequence = sequence
        self.timestamp = timestamp

    def packet(self) -> tuple[int, int]:
        self.sequence += 1
        self.timestamp += 160
        return self.sequence, self.timestamp


speakers = st.lists(
    st.builds(Speaker, st.integers(0, 65535), st.integers(0, ROUND - 1)),
    min_size=1,
    max_size=4,
)


@given(speakers, st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20), st.floats(0, 5)), min_size=1, max_size=20))
def test_whoever_speaks_the_stream_goes_on_without_a_jump(
    sources: list[Speaker], turns: list[tuple[int, int, float]]
) -> None:
    outgoing, before, last = Outgoing(), None, None
    now = at = 1000.0
    for turn, packets, pause in turns:
        speaker = sources[turn % len(sources)]
        now += pause
        for _ in range(packets):
            packet = sent(stamp(outgoing, speaker, *speaker.packet(), now))
            if before is not None:
                assert packet.ssrc == before.ssrc
                assert ahead(packet.sequence, before.sequence, 65536) == 1
                assert packet.marker == (speaker is not last)
                step = ahead(packet.timestamp, before.timestamp, ROUND)
                assert step == (160 if speaker is last else round(8000 * max(FRAME, now - at)))
            before, last, at = packet, speaker, now
            now += FRAME


@given(
    st.integers(0, 65535),
    st.integers(0, ROUND - 1),
    st.lists(st.integers(0, 30), min_size=1, max_size=60),
)
def test_loss_reordering_and_repetition_of_a_source_are_passed_on(base: int, stamp0: int, order: list[int]) -> None:
    outgoing = Outgoing()
    first = sent(stamp(outgoing, "a", base, stamp0, 5.0))
    for number in order:
        packet = sent(stamp(outgoing, "a", base + number, stamp0 + 160 * number, 5.1))
        assert ahead(packet.sequence, first.sequence, 65536) == number
        assert ahead(packet.timestamp, first.timestamp, ROUND) == 160 * number
        assert not packet.marker


@given(st.lists(st.tuples(st.booleans(), st.integers(-40, 40)), min_size=1, max_size=60))
def test_no_number_is_given_to_packets_of_two_sources(packets: list[tuple[bool, int]]) -> None:
    outgoing = Outgoing()
    given_to: dict[int, tuple[int, int]] = {}
    turn, last = 0, None
    for now, (source, offset) in enumerate(packets):
        turn += source is not last
        packet = stamp(outgoing, source, 1000 + offset, 160 * offset, float(now))
        if packet is not None:
            assert given_to.setdefault(packet.sequence, (turn, offset)) == (turn, offset)
        last = source


def test_a_packet_older_than_the_first_of_its_source_is_not_sent() -> None:
    outgoing = Outgoing()
    stamp(outgoing, "a", 7, 700, 1.0)
    sent(stamp(outgoing, "b", 50, 5000, 2.0))
    assert stamp(outgoing, "b", 49, 4840, 2.0) is None
    for number in range(51, 70_000):  # even when numbers have gone round
        sent(stamp(outgoing, "b", number, 100 * number, 2.0))
    assert sent(stamp(outgoing, "b", 69_990, 0, 2.0))


def test_a_talkspurt_begins_after_something_was_left_out() -> None:
    outgoing = Outgoing()
    first = sent(stamp(outgoing, "a", 1, 160, 1.0))
    outgoing.rest("b")
    assert not sent(stamp(outgoing, "a", 2, 320, 1.02)).marker
    outgoing.rest("a")
    again = sent(stamp(outgoing, "a", 102, 16_320, 3.02))
    assert again.marker
    assert ahead(again.sequence, first.sequence, 65536) == 2
    assert ahead(again.timestamp, first.timestamp, ROUND) == 160 + 16_000


def test_another_clock_rate_is_another_stream() -> None:
    outgoing = Outgoing()
    before = sent(stamp(outgoing, "a", 1, 160, 1.0))
    outgoing.packets, outgoing.octets = 1, 172
    assert outgoing.sent == (1, 160)
    opus = sent(stamp(outgoing, "a", 2, 9_600, 1.02, mark=OPUS, clock=48_000))
    assert opus.ssrc != before.ssrc
    assert opus.marker
    assert outgoing.sent == (0, 0)
    assert sent(stamp(outgoing, "a", 3, 10_560, 1.04, mark=OPUS, clock=48_000)).ssrc == opus.ssrc


def test_named_events_keep_their_time_stamp_and_the_stream_its_clock() -> None:
    outgoing = Outgoing()
    voice = sent(stamp(outgoing, "a", 1, 960, 1.0, mark=OPUS, clock=48_000))
    events = [
        sent(stamp(outgoing, "a", 2 + n, 1920, 1.02 + n * FRAME, mark=EVENT | (0 if n else MARKER), clock=0))
        for n in range(4)
    ]
    assert {ahead(event.timestamp, voice.timestamp, ROUND) for event in events} == {960}
    assert {event.ssrc for event in events} == {voice.ssrc}
    assert [event.marker for event in events] == [True, False, False, False]
    assert sent(stamp(outgoing, "a", 6, 960 * 6, 1.1, mark=OPUS, clock=48_000)).ssrc == voice.ssrc
    player = sent(stamp(outgoing, "b", 1, 0, 1.2, mark=OPUS, clock=48_000))
    assert ahead(player.timestamp, voice.timestamp, ROUND) == 960 * 5 + round(48_000 * 0.1)


@given(
    st.lists(st.sampled_from(["voice", "late voice", "again", "key", "next key"]), min_size=1, max_size=60),
    st.integers(0, ROUND - 1),
)
def test_events_of_another_source_are_put_between_without_a_jump(said: list[str], start: int) -> None:
    outgoing, now, number, pressed = Outgoing(), 1000.0, 100, start
    first = before = sent(stamp(outgoing, "voice", number, 160 * number, now))
    began: dict[int, int] = {}
    given_to: dict[int, tuple[int, bool]] = {first.sequence: (number, False)}
    for event in said:
        voice = event in {"voice", "late voice", "again"}
        if event == "next key":
            pressed += 800
        if event == "voice":
            number += 1
            now += FRAME
        at = number - (event == "late voice")
        if voice:
            packet = stamp(outgoing, "voice", at, 160 * at, now)
            assert packet or event != "voice"
        else:
            packet = sent(stamp(outgoing, 0x9999, 7, pressed, now, mark=EVENT, clock=0))
        if packet is None:
            continue
        assert packet.ssrc == first.ssrc
        assert not packet.marker
        assert given_to.setdefault(packet.sequence, (at, not voice)) == (at, not voice)
        if event in {"voice", "key", "next key"}:
            assert ahead(packet.sequence, before.sequence, 65536) == 1
            before = packet
        if voice:
            assert ahead(packet.timestamp, first.timestamp, ROUND) == 160 * (at - 100)
        else:
            assert began.setdefault(pressed, packet.timestamp) == packet.timestamp
    assert all(ahead(later, earlier, ROUND) > 0 for earlier, later in pairwise(began.values()))


def test_what_comes_late_of_an_event_that_was_put_between_is_not_sent_after_the_next() -> None:
    outgoing = Outgoing()
    sent(stamp(outgoing, "voice", 1, 160, 1.0))
    for timestamp in (800, 2400):
        sent(stamp(outgoing, 0x9999, 1, timestamp, 1.0, mark=EVENT, clock=0))
    assert stamp(outgoing, 0x9999, 2, 800, 1.1, mark=EVENT, clock=0) is None
    assert stamp(outgoing, 0x7777, 2, 800, 1.1, mark=EVENT, clock=0)


def test_the_clock_of_the_stream_can_be_told_between_packets() -> None:
    outgoing = Outgoing()
    first = sent(stamp(outgoing, "a", 1, 160, 1.0))
    assert ahead(outgoing.clocked(2.5), first.timestamp, ROUND) == 12_000
