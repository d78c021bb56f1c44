"""Where a party certainly is, the kernel keeps strangers off."""

import select
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from wire.media_line import GRACE, PORT, Line, line_at


@pytest.fixture(params=["127.0.0.1", "::1"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    with line_at(request.param) as line:
        yield line


@pytest.fixture
def certain(line: Line) -> Line:
    """The party was heard from where it said it is."""
    assert line.passes_on(line.party, b"hello")
    line.look()
    assert line.refuses_strangers()
    return line


def test_strangers_are_kept_off_from_when_the_party_was_heard_where_it_said_it_is(line: Line) -> None:
    line.look()
    assert not line.refuses_strangers()
    assert line.passes_on(line.party, b"hello")
    assert not line.refuses_strangers()
    line.look()
    dropped = line.pair.counts.dropped
    assert not line.passes_on(line.stranger, b"stranger")
    assert line.passes_on(line.party, b"still here")
    assert line.pair.counts.dropped == dropped
    assert line.refuses_strangers()


def test_what_a_stranger_said_just_before_is_not_heard_after(line: Line) -> None:
    assert line.passes_on(line.party, b"hello")
    line.say(line.stranger, b"stranger")
    line.say(line.party, b"still here")
    line.look()
    line.read(2)
    assert line.listener.hear() == [b"still here"]
    assert line.pair.counts.dropped == 1
    line.look()
    assert line.passes_on(line.party, b"and on")
    assert line.refuses_strangers()


@pytest.mark.parametrize("queued", [False, True])
def test_a_party_that_moves_is_heard_and_its_old_place_is_a_strangers(line: Line, queued: bool) -> None:
    moved = line.phone()
    assert line.passes_on(line.party, b"hello")
    if queued:
        line.say(line.stranger, b"stranger")
    line.look()
    line.signal(moved, epoch=2)
    line.read()
    assert line.passes_on(moved, b"moved")
    assert not line.passes_on(line.party, b"old place")
    line.look()
    assert line.passes_on(moved, b"and on")
    assert line.refuses_strangers()


def test_where_the_party_is_learned_anew_another_source_may_be_the_party(certain: Line) -> None:
    certain.signal(certain.party, epoch=2)
    assert not certain.passes_on(certain.stranger, b"outside")
    certain.now += GRACE
    assert certain.passes_on(certain.stranger, b"outside")


def test_behind_nat_the_way_is_left_open_for_the_address_that_was_signalled(line: Line) -> None:
    outside = line.phone()
    assert not line.passes_on(outside, b"outside")
    line.now += GRACE
    assert line.passes_on(outside, b"outside")
    line.look()
    dropped = line.pair.counts.dropped
    assert not line.passes_on(line.stranger, b"stranger")
    assert line.pair.counts.dropped == dropped + 1
    assert line.passes_on(line.party, b"as signalled")
    line.look()
    assert line.refuses_strangers()


def test_behind_nat_a_party_that_was_held_is_heard_and_hears_as_soon_as_it_resumes(line: Line) -> None:
    outside = line.phone()
    assert not line.passes_on(outside, b"outside")
    line.now += GRACE
    assert line.passes_on(outside, b"outside")
    line.signal(line.party, epoch=2)
    line.speak(b"back again?")
    assert outside.hear() == [b"back again?"]
    assert not line.passes_on(line.stranger, b"stranger")
    assert line.passes_on(outside, b"yes")


def test_a_party_whose_port_was_closed_hears_the_first_packet_after_it_is_back(certain: Line) -> None:
    certain.party.rtp.close()
    for _ in range(3):
        certain.speak(b"nobody hears")
    back = certain.phone(certain.party.port)
    certain.speak(b"welcome back")
    assert back.hear() == [b"welcome back"]
    assert certain.pair.counts.packets_out == 4
    assert certain.passes_on(back, b"thank you")


def test_a_closed_port_wakes_us_once_for_a_packet_and_ends_nothing(certain: Line) -> None:
    certain.party.rtp.close()
    with select.epoll() as poll:
        poll.register(certain.pair.rtp.fileno(), select.EPOLLIN)
        for _ in range(3):
            certain.speak(b"nobody hears")
            assert len(poll.poll(0)) == 1
            certain.read()
            assert not poll.poll(0)
    assert certain.passes_on(certain.phone(certain.party.port), b"back")


def test_bound_to_all_our_addresses_a_party_is_heard_at_any_of_them() -> None:
    with ExitStack() as stack:
        line = Line(stack, "127.0.0.1", "0.0.0.0")
        for word in (b"hello", b"and on"):
            line.party.say(word, "127.0.0.2", PORT)
            line.read()
            assert line.listener.hear() == [word]
            line.look()
