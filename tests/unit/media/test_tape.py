"""Tapes: what was put on them is found again, whatever tore them."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.tape import CODECS, TapeWriter, reels

REEL = 17
"""What a writer that finds a full tape adds."""

Put = tuple[int, str, float, int, bytes]

puts = st.tuples(
    st.integers(0, 255),
    st.sampled_from(CODECS),
    st.floats(0, 1e9),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=300),
)


def write(path: Path, packets: list[Put], channels: int = 1) -> None:
    tape = TapeWriter(path, channels)
    for packet in packets:
        tape.put(*packet)
    tape.close()


def read(content: bytes) -> list[Put]:
    return [
        (packet.channel, packet.codec, packet.at, packet.timestamp, content[packet.start : packet.start + packet.size])
        for _, packets in reels(content)
        for packet in packets
    ]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tapes") / "a.tape"


@given(first=st.lists(puts, max_size=20), second=st.lists(puts, max_size=20))
def test_what_was_put_is_read_also_where_a_tape_was_gone_on_with(
    path: Path, first: list[Put], second: list[Put]
) -> None:
    path.unlink(missing_ok=True)
    write(path, first)
    write(path, second)
    assert read(path.read_bytes()) == first + second


@given(first=st.lists(puts, max_size=5), second=st.lists(puts, max_size=5), data=st.data())
def test_a_torn_tape_keeps_its_whole_records_and_can_be_gone_on_with(
    path: Path, first: list[Put], second: list[Put], data: st.DataObject
) -> None:
    path.unlink(missing_ok=True)
    write(path, first)
    size = data.draw(st.integers(0, path.stat().st_size))
    os.truncate(path, size)
    left = read(path.read_bytes())
    write(path, second)
    assert left == first[: len(left)]
    assert read(path.read_bytes()) == left + second


@given(st.binary(max_size=400), st.booleans())
def test_no_content_makes_reading_fail(path: Path, content: bytes, begins_well: bool) -> None:
    if begins_well:
        content = b"ringtape" + b"0123456789abcdef" * 2 + content
    for put in read(content):
        assert len(put[4]) <= len(content)


def test_every_reel_says_how_many_channels_there_are(path: Path) -> None:
    path.unlink(missing_ok=True)
    write(path, [], channels=2)
    write(path, [], channels=3)
    assert [channels for channels, _ in reels(path.read_bytes())] == [2, 3]


def test_codecs_that_no_tape_knows_are_left_out(path: Path) -> None:
    path.unlink(missing_ok=True)
    write(path, [(0, "telephone-event", 1.0, 2, b"key"), (0, "pcmu", 1.0, 2, b"voice")])
    assert read(path.read_bytes()) == [(0, "pcmu", 1.0, 2, b"voice")]


@given(first=st.lists(puts, max_size=20), second=st.lists(puts, max_size=20), longest=st.integers(50, 2000))
def test_no_tape_grows_beyond_its_longest(path: Path, first: list[Put], second: list[Put], longest: int) -> None:
    path.unlink(missing_ok=True)
    for packets in (first, second):
        tape = TapeWriter(path, longest=longest)
        for packet in packets:
            tape.put(*packet)
        tape.close()
    assert path.stat().st_size <= longest + REEL
    kept, whole = read(path.read_bytes()), first + second
    assert kept == whole or len(kept) < len(whole)


def test_what_was_put_before_a_tape_was_full_is_kept(path: Path) -> None:
    path.unlink(missing_ok=True)
    tape = TapeWriter(path, longest=500)
    for number in range(10):
        tape.put(0, "pcmu", 1.0, number, bytes(160))
    tape.close()
    assert [put[3] for put in read(path.read_bytes())] == [0, 1]


def test_what_was_flushed_survives_the_writer(path: Path) -> None:
    path.unlink(missing_ok=True)
    tape = TapeWriter(path)
    tape.put(0, "pcma", 1.0, 2, b"voice")
    assert read(path.read_bytes()) == []
    tape.flush()
    assert read(path.read_bytes()) == [(0, "pcma", 1.0, 2, b"voice")]
    tape.close()


def test_much_is_written_without_being_told_to(path: Path) -> None:
    path.unlink(missing_ok=True)
    tape = TapeWriter(path)
    for number in range(1000):
        tape.put(0, "pcmu", 1.0, number, bytes(160))
    assert path.stat().st_size > 100_000
    tape.close()


def test_only_its_owner_can_read_a_tape(path: Path) -> None:
    path.unlink(missing_ok=True)
    write(path, [])
    assert path.stat().st_mode & 0o777 == 0o600


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond this size: the disk is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))  # Python ignores the signal
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_after_a_full_disk_the_tape_goes_on(path: Path) -> None:
    path.unlink(missing_ok=True)
    tape = TapeWriter(path)
    tape.put(0, "pcmu", 1.0, 1, bytes(160))
    tape.flush()
    with room_for(path.stat().st_size + 50):
        tape.put(0, "pcmu", 2.0, 2, bytes(160))
        with pytest.raises(OSError, match="too large"):
            tape.flush()
    tape.put(0, "pcmu", 3.0, 3, bytes(160))
    tape.close()
    assert [put[2] for put in read(path.read_bytes())] == [1.0, 3.0]
