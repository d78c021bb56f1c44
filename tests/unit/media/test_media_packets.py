"""Headers of RTP, and where packets may come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.rtp import plain
from ringdove.media.embedded.source import Source

HEADER = bytes.fromhex("80 00 0001 00000000 00001234")
A, B, C, ELSEWHERE = ("10.0.0.1", 4000), ("10.0.0.1", 5000), ("10.0.0.1", 5002), ("10.9.9.9", 4000)


def stripped(packet: bytes) -> bytes:
    """What is left of a packet; nothing of what is none."""
    buffer = bytearray(2048)
    buffer[: len(packet)] = packet
    return bytes(buffer[: plain(buffer, len(packet))])


@pytest.mark.parametrize(
    ("packet", "left"),
    [
        (HEADER, HEADER),
        (HEADER + b"x" * 160, HEADER + b"x" * 160),
        (b"\x82" + HEADER[1:] + b"csrccsrcx", HEADER + b"x"),
        (b"\x90" + HEADER[1:] + b"\xbe\xde\x00\x01ext.x", HEADER + b"x"),
        (b"\xa0" + HEADER[1:] + b"x\x00\x00\x03", HEADER + b"x"),
        (b"\xa0" + HEADER[1:] + b"\x01", HEADER),
        (b"\xb1" + HEADER[1:] + b"csrc\xbe\xde\x00\x00voice\x00\x02", HEADER + b"voice"),
    ],
)
def test_only_header_and_payload_are_left(packet: bytes, left: bytes) -> None:
    assert stripped(packet) == left


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        HEADER[:11],
        b"\x00" + HEADER[1:],
        b"\x40" + HEADER[1:],
        b"\xc0" + HEADER[1:],
        b"\x82" + HEADER[1:] + b"csrc",
        b"\x90" + HEADER[1:] + b"\xbe\xde",
        b"\x90" + HEADER[1:] + b"\xbe\xde\xff\xffext.",
        b"\xa0" + HEADER[1:] + b"x\x00",
        b"\xa0" + HEADER[1:] + b"x\xff",
        b"\xa0" + HEADER[1:],
    ],
)
def test_what_is_no_rtp_is_not(packet: bytes) -> None:
    assert not stripped(packet)


@given(st.binary(max_size=2048))
def test_whatever_comes_is_stripped_to_a_plain_packet_or_to_nothing(packet: bytes) -> None:
    left = stripped(packet)
    assert not left or (left[0] == 0x80 and 12 <= len(left) <= len(packet) and left[1:12] == packet[1:12])


class TestSource:
    def source(self) -> Source:
        source = Source(grace=0.5)
        source.signal(A)
        return source

    def test_before_anything_is_heard_packets_go_to_the_signalled_address(self) -> None:
        assert self.source().target == A

    def test_the_signalled_address_is_learned_at_once(self) -> None:
        source = self.source()
        assert source.admits(A, 0.0)
        assert not source.admits(B, 99.0)
        assert source.target == A

    def test_another_source_is_learned_after_the_grace_and_answered_there(self) -> None:
        source = self.source()
        assert not source.admits(ELSEWHERE, 0.0)
        assert not source.admits(ELSEWHERE, 0.4)
        assert source.target == A
        assert source.admits(ELSEWHERE, 0.5)
        assert source.target == ELSEWHERE
        assert not source.admits(B, 99.0)

    def test_the_signalled_host_goes_before_any_other(self) -> None:
        source = self.source()
        assert not source.admits(ELSEWHERE, 0.0)
        assert not source.admits(B, 0.1)
        assert not source.admits(B, 0.4)
        assert not source.admits(ELSEWHERE, 0.6)
        assert not source.admits(C, 0.6)
        assert source.admits(B, 0.6)

    def test_the_signalled_address_takes_over_from_whoever_was_learned(self) -> None:
        source = self.source()
        source.admits(ELSEWHERE, 0.0)
        assert source.admits(ELSEWHERE, 1.0)
        assert source.admits(A, 2.0)
        assert not source.admits(ELSEWHERE, 9.0)

    def test_without_a_signalled_address_the_first_that_stays_is_learned(self) -> None:
        source = Source(grace=0.5)
        assert source.target is None
        assert not source.admits(B, 0.0)
        assert not source.admits(B, 0.4)
        assert not source.admits(ELSEWHERE, 0.6)
        assert source.admits(B, 0.6)

    def test_a_new_signal_learns_anew(self) -> None:
        source = self.source()
        source.admits(A, 0.0)
        source.signal(ELSEWHERE)
        assert source.settled is None
        assert source.target == ELSEWHERE
        assert source.admits(ELSEWHERE, 1.0)
        assert not source.admits(A, 1.0)

    @pytest.mark.parametrize("signalled", [A, None])
    def test_a_stranger_who_falls_silent_does_not_keep_the_party_from_being_learned(
        self, signalled: tuple[str, int] | None
    ) -> None:
        source = Source(grace=0.5)
        source.signal(signalled)
        assert not source.admits(ELSEWHERE, 0.0)
        heard = [source.admits(("10.7.7.7", 4000), 0.1 + 0.02 * packet) for packet in range(60)]
        assert heard[-1]
        assert not any(heard[:25])
        assert not source.admits(ELSEWHERE, 2.0)

    def test_a_party_that_pauses_for_longer_than_the_grace_is_learned_when_nobody_else_sends(self) -> None:
        source = self.source()
        assert not source.admits(ELSEWHERE, 0.0)
        assert source.admits(ELSEWHERE, 3.0)

    def test_the_same_signal_again_leaves_a_party_behind_nat_where_it_was(self) -> None:
        source = self.source()
        source.admits(ELSEWHERE, 0.0)
        source.admits(ELSEWHERE, 0.5)
        for now in (1.0, 2.0):  # held and resumed without a word between
            source.signal(A)
            assert source.target == ELSEWHERE
            assert not source.admits(B, now)
        assert source.admits(ELSEWHERE, 2.1)
        assert not source.admits(B, 9.0)
        assert source.admits(A, 9.0)

    def test_after_the_same_signal_it_may_also_be_heard_elsewhere(self) -> None:
        source = self.source()
        source.admits(ELSEWHERE, 0.0)
        source.admits(ELSEWHERE, 0.5)
        source.signal(A)
        assert not source.admits(B, 1.0)
        assert source.target == ELSEWHERE
        assert source.admits(B, 1.5)
        assert not source.admits(ELSEWHERE, 1.6)

    def test_another_signal_forgets_where_a_party_behind_nat_was(self) -> None:
        source = self.source()
        source.admits(ELSEWHERE, 0.0)
        source.admits(ELSEWHERE, 0.5)
        for signalled in (C, A):
            source.signal(signalled)
            assert source.target == signalled
            assert not source.admits(ELSEWHERE, 0.6)

    @given(st.lists(st.tuples(st.sampled_from([A, B, C, ELSEWHERE]), st.floats(0, 0.3)), max_size=30))
    def test_one_source_at_a_time_and_the_signalled_one_for_ever(
        self, packets: list[tuple[tuple[str, int], float]]
    ) -> None:
        source = self.source()
        now = 0.0
        admitted: list[tuple[str, int]] = []
        for address, pause in packets:
            now += pause
            if source.admits(address, now):
                admitted.append(address)
                assert source.target == source.learned == address
            assert source.settled == (A if A in admitted else None)
        strangers = {address for address in admitted if address != A}
        assert len(strangers) <= 1
        if A in admitted:
            assert set(admitted[admitted.index(A) :]) == {A}
