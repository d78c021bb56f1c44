"""Recordings: what was said is in the WAV, where it was said."""

import asyncio
import resource
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.files.placing import CLOCK, places
from ringdove.media.files.process import render as render_in_its_process
from ringdove.media.files.render import render
from ringdove.media.files.wire import Rendered
from ringdove.media.tape import TapeWriter
from ringdove.sip.codec import Codec
from support.tone import Sound, strength, tone_of
from support.voice import G722, PCMA, PCMU, packets_of

START = 5000.0
"""Monotonic time at which the tapes begin."""
FRAME = 0.02
TONES = (440, 700, 1000, 1300)

Put = tuple[int, str, float, int, bytes]
"""What goes on a tape: channel, codec, arrival, time stamp, payload."""


def said(
    hz: float,
    seconds: float,
    *,
    codec: Codec = PCMU,
    channel: int = 0,
    after: float = 0.0,
    timestamp: int = 0,
) -> list[Put]:
    """Packets of a tone, on time."""
    bodies = islice(packets_of(codec, hz), round(seconds / FRAME))
    return [
        (channel, codec.name.lower(), START + after + number * FRAME, (timestamp + 160 * number) % 2**32, body)
        for number, body in enumerate(bodies)
    ]


def rendered(
    folder: Path, packets: Iterable[Put], channels: int = 1, keep_silence: float | None = None
) -> tuple[Rendered, list[Sound]]:
    """The recording of these packets, channel by channel."""
    tape = TapeWriter(folder / "a.tape", channels)
    for packet in packets:
        tape.put(*packet)
    tape.close()
    answer = render(folder / "a.tape", folder / "a.wav", keep_silence)
    samples, rate = soundfile.read(folder / "a.wav", dtype="float32", always_2d=True)
    assert len(samples) / rate == answer.seconds
    return answer, [Sound(rate, samples[:, number]) for number in range(samples.shape[1])]


def spans(sound: Sound) -> list[tuple[float | None, float, float]]:
    """Which tone is heard from when to when, in steps of 20 ms; what is shorter than 60 ms does not count."""
    found: list[tuple[float | None, float, float]] = []
    for number in range(round(sound.seconds / FRAME)):
        hz = tone_of(sound.after(number * FRAME).first(FRAME), TONES)
        if found and found[-1][0] == hz:
            found[-1] = (hz, found[-1][1], (number + 1) * FRAME)
        else:
            found.append((hz, number * FRAME, (number + 1) * FRAME))
    return [span for span in found if span[2] - span[1] > 0.06]


def close(found: list[tuple[float | None, float, float]], *wanted: tuple[float | None, float, float]) -> bool:
    """Whether these are the spans, within 40 ms."""
    return [span[0] for span in found] == [span[0] for span in wanted] and all(
        max(abs(one[1] - other[1]), abs(one[2] - other[2])) <= 0.041 for one, other in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722])
def test_what_was_said_is_heard(tmp_path: Path, codec: Codec) -> None:
    answer, (sound,) = rendered(tmp_path, said(1000, 2, codec=codec))
    assert answer == Rendered(2.0, 0)
    assert sound.rate == (16000 if codec is G722 else 8000)
    assert strength(sound.after(0.1), 1000) > 0.98
    assert sound.after(0.1).rms == pytest.approx(0.25 / np.sqrt(2), rel=0.03)


def test_both_sides_begin_together_and_are_equally_long(tmp_path: Path) -> None:
    packets = (
        said(440, 1) + said(700, 1, channel=1, after=0.7, timestamp=99) + said(1000, 0.5, after=2.0, timestamp=16000)
    )
    answer, (one, other) = rendered(tmp_path, packets)
    assert answer.seconds == 2.5
    assert close(spans(one), (440, 0, 1), (None, 1, 2), (1000, 2, 2.5))
    assert close(spans(other), (None, 0, 0.7), (700, 0.7, 1.7), (None, 1.7, 2.5))


def test_who_stays_silent_has_a_channel_too(tmp_path: Path) -> None:
    _, sounds = rendered(tmp_path, said(440, 0.5, channel=1), channels=3)
    assert [tone_of(sound, TONES) for sound in sounds] == [None, 440, None]


def test_one_wide_channel_makes_all_wide(tmp_path: Path) -> None:
    _, (one, other) = rendered(tmp_path, said(440, 1) + said(700, 1, codec=G722, channel=1))
    assert one.rate == other.rate == 16000
    assert strength(one, 440) > 0.98
    assert strength(other.after(0.1), 700) > 0.98


def test_a_codec_can_change_in_the_middle(tmp_path: Path) -> None:
    packets = (
        said(440, 0.5)
        + said(700, 0.5, codec=G722, after=0.5, timestamp=4000)
        + said(1000, 0.5, codec=PCMA, after=1.0, timestamp=8000)
    )
    answer, (sound,) = rendered(tmp_path, packets)
    assert answer.seconds == 1.5
    assert close(spans(sound), (440, 0, 0.5), (700, 0.5, 1.0), (1000, 1.0, 1.5))


Mishap = Callable[[list[Put], np.random.Generator], list[Put]]


def jitter(packets: list[Put], random: np.random.Generator) -> list[Put]:
    """Each is late by up to 120 ms, so that many overtake each other."""
    late = [(c, codec, at + random.uniform(0, 0.12), ts, body) for c, codec, at, ts, body in packets]
    return sorted(late, key=lambda put: put[2])


def burst(packets: list[Put], random: np.random.Generator) -> list[Put]:
    """For 400 ms nothing comes, then everything at once."""
    return [
        (c, codec, max(at, START + 0.9) if START + 0.5 <= at < START + 0.9 else at, ts, body)
        for c, codec, at, ts, body in packets
    ]


def doubled(packets: list[Put], random: np.random.Generator) -> list[Put]:
    """Many come twice, some of them late."""
    again = [(c, codec, at + random.choice([0, 0.05]), ts, body) for c, codec, at, ts, body in packets[::3]]
    return sorted(packets + again, key=lambda put: put[2])


@pytest.mark.parametrize("codec", [PCMU, G722])
@pytest.mark.parametrize("mishap", [jitter, burst, doubled])
def test_the_network_is_not_heard(tmp_path: Path, mishap: Mishap, codec: Codec) -> None:
    packets = mishap(said(440, 2, codec=codec), np.random.default_rng(5))
    answer, (sound,) = rendered(tmp_path, packets)
    assert answer.seconds == pytest.approx(2, abs=0.04)
    assert strength(sound.after(0.1).last(1.8), 440) > 0.98


def test_what_got_lost_is_silence(tmp_path: Path) -> None:
    packets = said(440, 2)
    _, (sound,) = rendered(tmp_path, packets[:25] + packets[40:])
    assert close(spans(sound), (440, 0, 0.5), (None, 0.5, 0.8), (440, 0.8, 2.0))


@pytest.mark.parametrize("timestamp", [4000, 4000 + 5600, 123_456_789, 2**32 - 800], ids=str)
def test_after_a_pause_arrival_counts_whatever_the_time_stamps_say(tmp_path: Path, timestamp: int) -> None:
    """They stood still, went on, or begin anew after a change of SSRC, and wrap at their end."""
    answer, (sound,) = rendered(tmp_path, said(440, 0.5) + said(700, 1, after=1.2, timestamp=timestamp))
    assert answer.seconds == pytest.approx(2.2, abs=0.04)
    assert close(spans(sound), (440, 0, 0.5), (None, 0.5, 1.2), (700, 1.2, 2.2))


def test_a_new_base_in_the_middle_of_speech_leaves_no_gap(tmp_path: Path) -> None:
    packets = said(440, 1, timestamp=2**32 - 4000) + said(700, 1, after=1.0, timestamp=5)
    answer, (sound,) = rendered(tmp_path, packets)
    assert answer.seconds == pytest.approx(2, abs=0.04)
    assert close(spans(sound), (440, 0, 1), (700, 1, 2))


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722])
@pytest.mark.parametrize(("keep", "seconds"), [(0.0, 1.5), (0.5, 2.0), (60.0, 4.5)])
def test_silence_at_the_end_can_be_left_off(tmp_path: Path, codec: Codec, keep: float, seconds: float) -> None:
    """That which was not, at the beginning and amid, stays."""
    packets = said(0, 0.5, codec=codec) + said(440, 1, codec=codec, after=0.5, timestamp=4000)
    packets += said(0, 3, codec=codec, after=1.5, timestamp=12_000)
    answer, (sound,) = rendered(tmp_path, packets, keep_silence=keep)
    assert answer.seconds == pytest.approx(seconds, abs=0.041)
    assert close(spans(sound.first(1.5)), (None, 0, 0.5), (440, 0.5, 1.5))


def test_silence_lasts_until_somebody_speaks_on_any_channel(tmp_path: Path) -> None:
    packets = (
        said(440, 1) + said(0, 3, after=1, timestamp=8000) + said(0, 2, channel=1) + said(700, 1, channel=1, after=2)
    )
    answer, (one, other) = rendered(tmp_path, packets, keep_silence=0.5)
    assert answer.seconds == 3.5
    assert close(spans(one), (440, 0, 1), (None, 1, 3.5))
    assert close(spans(other), (None, 0, 2), (700, 2, 3), (None, 3, 3.5))


@pytest.mark.parametrize(("keep", "seconds"), [(0.0, 0.0), (0.5, 0.5)])
def test_where_nobody_spoke_all_is_silence_at_the_end(tmp_path: Path, keep: float, seconds: float) -> None:
    assert rendered(tmp_path, said(0, 3), keep_silence=keep)[0].seconds == seconds


def test_what_comes_long_after_is_left_out(tmp_path: Path) -> None:
    answer, _ = rendered(tmp_path, said(440, 0.5) + said(440, 0.5, after=13 * 3600) + said(440, 0.5, after=-5))
    assert answer.seconds == 0.5


def test_opus_becomes_silence_and_is_counted(tmp_path: Path) -> None:
    opus = [(0, "opus", START + 1 + number * FRAME, number * 960, b"\xfcsomething") for number in range(25)]
    answer, (sound,) = rendered(tmp_path, said(440, 1) + opus)
    assert answer == Rendered(1.5, 25)
    assert close(spans(sound), (440, 0, 1), (None, 1, 1.5))


def test_a_torn_tape_is_heard_up_to_there_and_on_from_the_next_reel(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    tape = TapeWriter(path)
    for packet in said(440, 1):
        tape.put(*packet)
    tape.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 100)
    answer, (sound,) = rendered(tmp_path, said(700, 1, after=1.5, timestamp=12000))
    assert answer.seconds == 2.5
    assert close(spans(sound), (440, 0, 0.98), (None, 0.98, 1.5), (700, 1.5, 2.5))


@pytest.mark.parametrize("content", [b"", b"ringtape", b"no tape", b"ringtape" + b"0123456789abcdef" * 2 + b"\2"])
def test_a_tape_without_sound_is_an_empty_recording(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tape").write_bytes(content)
    assert render(tmp_path / "a.tape", tmp_path / "a.wav") == Rendered(0.0, 0)
    assert soundfile.info(tmp_path / "a.wav").frames == 0


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path: Path) -> None:
    rendered(tmp_path, said(440, 1))
    (tmp_path / "a.wav").rename(tmp_path / "before.wav")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            render(tmp_path / "a.tape", tmp_path / "a.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert set(modes(tmp_path)) == {"a.tape", "before.wav"}


@given(
    packets=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["pcmu", "pcma", "g722", "opus"]),
            st.floats(START, START + 30),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=200),
        ),
        max_size=30,
    )
)
def test_nothing_that_a_phone_sends_spoils_a_recording(
    packets: list[Put], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tape")
    answer, _ = rendered(folder, sorted(packets, key=lambda put: put[2]))
    assert 0 <= answer.seconds < 60


class TestPlacing:
    @given(
        delays=st.lists(st.integers(0, CLOCK // 2 - 1), min_size=1, max_size=200),
        base=st.integers(0, 2**32 - 1),
        punctual=st.integers(1, 20),
    )
    def test_delays_do_not_move_anything_while_some_packets_are_punctual(
        self, delays: list[int], base: int, punctual: int
    ) -> None:
        sent = np.arange(len(delays)) * 160
        late = np.array(delays)
        late[::punctual] = 0
        order = np.argsort(sent + late, kind="stable")
        found = places((sent + late)[order], ((base + sent) % 2**32)[order])
        assert np.abs(found - sent[order]).max() <= CLOCK // 25

    @pytest.mark.parametrize("drift", [-300e-6, 300e-6])
    def test_a_clock_that_drifts_is_followed(self, drift: float) -> None:
        said_at = np.arange(60_000) * 160
        came = np.rint(said_at * (1 + drift)).astype(np.int64)
        assert np.abs(places(came, said_at) - came).max() <= CLOCK // 25

    def test_nothing_has_no_place(self) -> None:
        assert len(places(np.empty(0, np.int64), np.empty(0, np.int64))) == 0


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


class TestProcess:
    @pytest.fixture
    def tape(self, tmp_path: Path) -> Iterator[Path]:
        tape = TapeWriter(tmp_path / "a.tape")
        for packet in said(440, 1):
            tape.put(*packet)
        tape.close()
        yield tmp_path / "a.tape"
        assert (tmp_path / "a.tape").exists()

    async def test_it_tells_the_seconds_and_nobody_else_can_listen(self, tape: Path, tmp_path: Path) -> None:
        assert await render_in_its_process(tape, tmp_path / "a.wav") == 1.0
        assert modes(tmp_path) == {"a.tape": 0o600, "a.wav": 0o600}

    async def test_opus_is_named_in_the_log(
        self, tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        writer = TapeWriter(tape)
        writer.put(0, "opus", START + 1, 0, b"unheard")
        writer.close()
        assert await render_in_its_process(tape, tmp_path / "a.wav") == 1.02
        assert "Opus cannot be recorded" in capsys.readouterr().out

    @pytest.mark.parametrize("name", ["missing.tape", "a.tape"])
    async def test_what_cannot_be_done_is_an_error_and_leaves_no_recording(
        self, tape: Path, tmp_path: Path, name: str
    ) -> None:
        into = tmp_path / ("a.wav" if name == "missing.tape" else "missing/a.wav")
        with pytest.raises(OSError, match="No such file"):
            await render_in_its_process(tmp_path / name, into)
        assert not await asyncio.to_thread(into.exists)
