"""Audio files become tracks, or are refused with a reason."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from struct import pack

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.media.files import process
from ringdove.media.files.laws import MU, A, Law
from ringdove.media.files.transcode import Unusable, transcode
from ringdove.media.files.wire import Answer, Transcoded
from support.phones import until
from support.processes import children
from support.tone import Sound, sine, sound_file, strength
from support.voice import DECODERS

SILENCE = {"PCMU": b"\xff", "PCMA": b"\xd5"}


def heard(track: Path, codec: str) -> Sound:
    """What a phone plays of a track."""
    return DECODERS[codec]()((track / SOUND_FORMATS[codec]).read_bytes())


def wav(samples: bytes, *, rate: int = 8000, bits: int = 8, claim: int | None = None) -> bytes:
    """A mono WAV file whose header promises `claim` octets."""
    form = pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * bits // 8, bits // 8, bits)
    size = len(samples) if claim is None else claim
    return b"RIFF" + pack("<I", min(36 + size, 2**32 - 1)) + b"WAVE" + form + pack("<4sI", b"data", size) + samples


def tone_file(path: Path, rate: int = 44100, *, channels: int = 1, **how: str) -> Path:
    """Two seconds of 1 kHz."""
    soundfile.write(path, np.tile(sine(1000, 2, rate)[:, None], channels), rate, **how)
    return path


@pytest.mark.parametrize("codec", SOUND_FORMATS)
@pytest.mark.parametrize(
    ("name", "rate", "channels", "how"),
    [
        ("a.wav", 4000, 1, {}),
        ("a.wav", 8000, 1, {}),
        ("a.wav", 11025, 2, {"subtype": "PCM_24"}),
        ("a.wav", 16000, 1, {"subtype": "FLOAT"}),
        ("a.wav", 44100, 2, {"subtype": "PCM_U8"}),
        ("a.wav", 8000, 1, {"subtype": "ALAW"}),
        ("a.wav", 22050, 1, {"subtype": "MS_ADPCM"}),
        ("a.wav", 48000, 6, {"format": "WAVEX"}),
        ("a.wav", 192000, 2, {"subtype": "DOUBLE"}),
        ("a.wav", 44100, 2, {"format": "RF64"}),
        ("a.mp3", 44100, 2, {}),
        ("a.mp3", 8000, 1, {}),
        ("a.flac", 96000, 2, {}),
        ("a.ogg", 44100, 2, {"subtype": "VORBIS"}),
        ("a.ogg", 48000, 1, {"subtype": "OPUS"}),
    ],
)
def test_every_kind_of_file_is_heard_as_it_was(
    tmp_path: Path, name: str, rate: int, channels: int, how: dict[str, str], codec: str
) -> None:
    source = tone_file(tmp_path / name, rate, channels=channels, **how)
    made = transcode(source, tmp_path / "track")
    sound = heard(tmp_path / "track", codec)
    steady = sound.after(0.2).first(1.6)
    assert made.seconds == pytest.approx(2, abs=0.1)  # MP3 and Opus add a little
    assert sound.seconds == pytest.approx(made.seconds)
    assert strength(steady, 1000) > 0.98
    assert steady.rms == pytest.approx(Sound(8000, sine(1000, 1, 8000)).rms, rel=0.03)
    assert (tmp_path / "track" / f"original.{name[2:]}").read_bytes() == source.read_bytes()


def test_all_formats_have_the_same_number_of_whole_packets_the_last_filled_with_silence(tmp_path: Path) -> None:
    sound_file(tmp_path / "a.wav", [(300, 1.007)], rate=22050)
    made = transcode(tmp_path / "a.wav", tmp_path / "track")
    for codec, name in SOUND_FORMATS.items():
        content = (tmp_path / "track" / name).read_bytes()
        assert len(content) == 51 * FRAME_BYTES
        assert heard(tmp_path / "track", codec).last(0.01).rms < 0.001
        if codec in SILENCE:
            assert content.endswith(SILENCE[codec] * 80)
    assert made.seconds == 1.02


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = sine(440, 2, 16000), sine(1000, 2, 16000)
    soundfile.write(tmp_path / "a.wav", np.stack((left, right), axis=1), 16000)
    transcode(tmp_path / "a.wav", tmp_path / "track")
    sound = heard(tmp_path / "track", "PCMA")
    assert strength(sound, 440) == pytest.approx(0.5, abs=0.02)
    assert strength(sound, 1000) == pytest.approx(0.5, abs=0.02)
    assert sound.rms == pytest.approx(Sound(16000, left).rms / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("codec", SILENCE)
@pytest.mark.parametrize("side", [1, -1])
def test_what_filters_overshoot_does_not_turn_over(tmp_path: Path, codec: str, side: int) -> None:
    steps = np.repeat([0, 0.999 * side] * 10, 4410)
    soundfile.write(tmp_path / "a.wav", steps, 44100)
    transcode(tmp_path / "a.wav", tmp_path / "track")
    loud = heard(tmp_path / "track", codec).samples * side
    assert loud.max() > 0.97
    assert loud.min() > -0.2


def test_no_numbers_are_silence_and_what_is_too_loud_is_clipped(tmp_path: Path) -> None:
    samples = np.concatenate((sine(500, 1, 8000), np.full(800, np.nan), [np.inf, -np.inf, 1e38], sine(700, 1, 8000)))
    soundfile.write(tmp_path / "a.wav", samples.astype(np.float32), 8000, subtype="FLOAT")
    transcode(tmp_path / "a.wav", tmp_path / "track")
    sound = heard(tmp_path / "track", "PCMU")
    assert strength(sound.first(0.9), 500) > 0.98
    assert sound.after(1.02).first(0.06).rms < 0.001
    assert strength(sound.after(1.12).first(0.9), 700) > 0.98


@pytest.mark.parametrize("rate", [4000, 8000, 192000])
def test_one_sample_is_enough(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1), rate)
    transcode(tmp_path / "a.wav", tmp_path / "track")
    for name in SOUND_FORMATS.values():
        assert (tmp_path / "track" / name).stat().st_size == FRAME_BYTES


def test_content_decides_what_a_file_is(tmp_path: Path) -> None:
    tone_file(tmp_path / "a.mp3").rename(tmp_path / "a.wav")
    transcode(tmp_path / "a.wav", tmp_path / "track")
    assert (tmp_path / "track" / "original.mp3").exists()


@pytest.mark.parametrize("claim", [0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFE])
def test_a_wav_of_a_program_that_could_not_know_its_length_is_taken(tmp_path: Path, claim: int) -> None:
    (tmp_path / "a.wav").write_bytes(wav(b"\x80" * 8000, claim=claim))
    assert transcode(tmp_path / "a.wav", tmp_path / "track").seconds == 1


def test_a_flac_that_does_not_say_how_long_it_is_is_taken(tmp_path: Path) -> None:
    content = bytearray(tone_file(tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0  # number of samples, RFC 9639 §8.2
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    assert transcode(tmp_path / "a.flac", tmp_path / "track").seconds == 2


def cut(path: Path, share: float = 0.6) -> bytes:
    content = path.read_bytes()
    return content[: int(len(content) * share)]


def flac_with_a_hole(path: Path) -> bytes:
    content = tone_file(path).read_bytes()
    middle = len(content) // 2
    return content[:middle] + bytes(2000) + content[middle + 2000 :]


def aiff() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sine(440, 1, 8000), 8000, format="AIFF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda _: b"", "is empty", id="empty"),
        pytest.param(lambda _: b"hello, world\n" * 100, "is not an audio file", id="text"),
        pytest.param(lambda _: bytes(10_000), "is not an audio file", id="zeros"),
        pytest.param(lambda _: np.random.default_rng(7).bytes(50_000), "is not an audio file", id="noise"),
        pytest.param(lambda _: b"\xff\xfb\x90\x00" + bytes(9_000), "is not an audio file", id="one MP3 header"),
        pytest.param(lambda _: wav(b"\x80" * 800)[:30], "is not an audio file", id="half a WAV header"),
        pytest.param(lambda _: b"fLaC" + bytes(50), "is not an audio file", id="half a FLAC header"),
        pytest.param(lambda _: b"OggS" + bytes(50), "is not an audio file", id="half an Ogg page"),
        pytest.param(lambda _: aiff(), "is not an audio file", id="a format that nobody asked for"),
        pytest.param(lambda _: wav(b""), "holds no sound", id="no samples"),
        pytest.param(lambda _: wav(b"\x80" * 800, claim=0), "holds no sound", id="a recorder that died"),
        pytest.param(lambda _: wav(b"", claim=16000), "holds no sound", id="a WAV cut right behind its header"),
        pytest.param(lambda _: wav(b"\x80" * 8000, rate=3999), "has 3999 samples in a second", id="too slow"),
        pytest.param(lambda _: wav(b"\x80" * 8000, rate=192001), "has 192001 samples in a second", id="too fast"),
        pytest.param(lambda _: wav(b"\x80" * 8000, claim=16000), "is cut short: 1.0 of 2.0", id="cut WAV"),
        pytest.param(lambda _: wav(b"\x80" * 8000, claim=0x7FFE_0000), "is longer than one hour", id="a wild claim"),
        pytest.param(lambda path: cut(tone_file(path / "b.mp3")), "is cut short: 1.[12] of 2.0", id="cut MP3"),
        pytest.param(lambda path: cut(tone_file(path / "b.flac")), "is damaged or cut short", id="cut FLAC"),
        pytest.param(lambda path: flac_with_a_hole(path / "b.flac"), "is damaged or cut short", id="damaged FLAC"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, make: Callable[[Path], bytes], reason: str
) -> None:
    (tmp_path / "a.wav").write_bytes(make(tmp_path))
    with pytest.raises(Unusable, match=reason):
        transcode(tmp_path / "a.wav", tmp_path / "track")


@pytest.mark.parametrize(("seconds", "fits"), [(3600, True), (3601, False)])
def test_an_hour_is_the_end(tmp_path: Path, seconds: int, fits: bool) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(b"", rate=4000, claim=4000 * seconds))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 4000 * seconds)
    if fits:
        assert transcode(path, tmp_path / "track").seconds == 3600
    else:
        with pytest.raises(Unusable, match="is longer than one hour"):
            transcode(path, tmp_path / "track")


def test_an_hour_is_the_end_too_where_the_header_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringdove.media.files.transcode.LONGEST", 1)
    content = bytearray(tone_file(tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(Unusable, match="is longer than"):
        transcode(tmp_path / "a.flac", tmp_path / "track")


def test_a_file_that_is_too_big_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "a.wav").open("wb") as file:
        file.truncate(300 * 1_048_576)
    with pytest.raises(Unusable, match="is larger than 256 MiB"):
        transcode(tmp_path / "a.wav", tmp_path / "track")


@pytest.mark.parametrize(("law", "codec"), [(MU, "ULAW"), (A, "ALAW")])
class TestLaws:
    @given(octets=st.binary(max_size=300))
    def test_octets_are_the_samples_that_everybody_takes_them_for(self, law: Law, codec: str, octets: bytes) -> None:
        others, _ = soundfile.read(
            io.BytesIO(octets + b"\0"), format="RAW", subtype=codec, samplerate=8000, channels=1, dtype="int16"
        )
        assert law.decode(octets).tolist() == others[:-1].tolist()

    def test_no_octet_lies_nearer_than_the_one_chosen(self, law: Law, codec: str) -> None:
        every = np.arange(-32768, 32768, 7).astype(np.int16)
        levels = law.decode(bytes(range(256))).astype(np.int32)
        chosen = np.frombuffer(law.encode(every), np.uint8)
        assert (np.abs(levels[chosen] - every) == np.abs(levels[:, None] - every).min(axis=0)).all()

    def test_silence_is_the_positive_zero(self, law: Law, codec: str) -> None:
        assert law.encode(np.zeros(1, np.int16)) in SILENCE.values()


class TestProcess:
    """The same in the process that it is for."""

    async def test_it_makes_a_track_that_only_its_owner_can_read(self, tmp_path: Path) -> None:
        made = await process.transcode(tone_file(tmp_path / "a.ogg"), tmp_path / "track")
        assert isinstance(made, Transcoded)
        assert made.seconds == 2
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "track").iterdir()}
        assert modes == dict.fromkeys(("original.ogg", "pcmu", "pcma", "g722"), 0o600)
        assert (tmp_path / "track").stat().st_mode & 0o777 == 0o700

    async def test_it_refuses_with_the_reason(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").write_bytes(b"no sound at all")
        with pytest.raises(process.BrokenAudio, match="is not an audio file"):
            await process.transcode(tmp_path / "a.wav", tmp_path / "track")

    async def test_it_says_what_is_not_the_files_fault(self, tmp_path: Path) -> None:
        with pytest.raises(process.ProcessFailed, match="No such file"):
            await process.transcode(tmp_path / "a.wav", tmp_path / "track")

    async def test_a_file_that_takes_for_ever_is_given_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(process.PATIENCE, "transcode", 0.01)
        with pytest.raises(process.BrokenAudio, match="takes too long"):
            await process.transcode(tone_file(tmp_path / "a.wav"), tmp_path / "track")

    @pytest.mark.parametrize("seed", range(4))
    async def test_damage_is_refused_or_heard_but_harms_nobody(self, tmp_path: Path, seed: int) -> None:
        random = np.random.default_rng(seed)
        name = ("a.wav", "a.mp3", "a.flac", "a.ogg")[seed]
        content = np.frombuffer(tone_file(tmp_path / name).read_bytes(), np.uint8).copy()
        places = random.integers(0, len(content), 60)
        content[places] = random.integers(0, 256, 60)
        (tmp_path / name).write_bytes(content.tobytes())
        track = tmp_path / "track"
        (made,) = await asyncio.gather(process.transcode(tmp_path / name, track), return_exceptions=True)
        assert isinstance(made, Transcoded | process.BrokenAudio)
        if isinstance(made, Transcoded):
            sizes = {(track / file).stat().st_size for file in SOUND_FORMATS.values()}
            assert sizes == {round(made.seconds / FRAME_SECONDS) * FRAME_BYTES}

    async def test_a_file_that_kills_its_process_harms_none_that_comes_after_it(self, tmp_path: Path) -> None:
        tapes = [tmp_path / f"{number}.tape" for number in range(2 * process.AT_ONCE)]
        for tape in tapes:
            os.mkfifo(tape)  # whoever renders it waits for somebody to write to it
        rendering = [asyncio.create_task(process.render(tape, tape.with_suffix(".wav"))) for tape in tapes]

        def at_work() -> dict[int, int]:
            """The processes for one file each, and who has forked them."""
            return {child: worker for worker in children() for child in children(worker)}

        await until(lambda: len(at_work()) == process.AT_ONCE, "nobody works", within=10)
        first = at_work()
        for child in first:
            os.kill(child, signal.SIGSEGV)
        for task in rendering[: process.AT_ONCE]:
            with pytest.raises(process.ProcessFault, match="makes the decoder fail"):
                await task
        await until(lambda: len(at_work()) == process.AT_ONCE, "nobody goes on", within=10)
        assert not at_work().keys() & first.keys()
        assert set(at_work().values()) == set(first.values())
        for tape in tapes[process.AT_ONCE :]:
            os.close(await asyncio.to_thread(os.open, tape, os.O_WRONLY))
        assert await asyncio.gather(*rendering[process.AT_ONCE :]) == [0.0] * process.AT_ONCE
        assert children() == []

    async def test_nothing_stays_for_who_does_not_wait_any_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, together = tone_file(tmp_path / "a.wav"), asyncio.Barrier(process.AT_ONCE)
        making = [
            asyncio.create_task(process.transcode(source, tmp_path / f"track{number}"))
            for number in range(process.AT_ONCE + 1)
        ]
        answer = process._Worker.answer

        async def and_the_last_gives_up(worker: process._Worker, words: Sequence[str]) -> Answer:
            answered = await answer(worker, words)
            await together.wait()
            making[-1].cancel()
            return answered

        monkeypatch.setattr(process._Worker, "answer", and_the_last_gives_up)
        *made, given_up = await asyncio.gather(*making, return_exceptions=True)
        assert [type(one) for one in made] == [Transcoded] * process.AT_ONCE
        assert isinstance(given_up, asyncio.CancelledError)
        assert children() == []

    def test_it_gets_no_more_memory_than_it_needs(self) -> None:
        code = (
            "from ringdove.media.files.__main__ import LIMITS, _limit\n"
            "import numpy, soundfile, soxr, G722\n"
            "_limit(LIMITS['transcode'])\n"
            "try: bytearray(512 * 1024 * 1024)\n"
            "except MemoryError: print('too much')"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "too much\n"

    def test_the_server_and_the_media_process_stay_small(self) -> None:
        for module, heavy in (("ringdove.media.library", "numpy"), ("ringdove.media.tape", "asyncio")):
            code = f"import sys, {module}; sys.exit({heavy!r} in sys.modules)"
            assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
