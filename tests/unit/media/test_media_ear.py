"""Who speaks is heard, and noise is not, in every codec alike."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ringdove.media.embedded.ear import Ear, Vigil
from ringdove.media.embedded.wire import Quiet, Report
from ringdove.sip.codec import Codec
from support.tone import Samples, sine
from support.voice import G722, PCMA, PCMU, encoder_of

CODECS = [PCMU, PCMA, G722]
FRAME = 0.02
SECONDS = 10

Sounds = Callable[[int], Samples]
"""Makes SECONDS of something at a sampling rate, with an RMS of 1."""


def level(decibels: float) -> float:
    """RMS of a level in dBov: 0 is a square wave of full scale."""
    return float(10 ** (decibels / 20))


def noise(low: float, high: float, tilt: float = 0.0) -> Sounds:
    """Noise between two frequencies; `tilt`: by how much it falls, in powers of the frequency."""

    def make(rate: int) -> Samples:
        count = SECONDS * rate
        spectrum = np.fft.rfft(np.random.default_rng(7).normal(size=count))
        hz = np.fft.rfftfreq(count, 1 / rate)
        spectrum[(hz < low) | (hz > high)] = 0
        spectrum *= np.maximum(hz, 1) ** -tilt
        return norm(np.fft.irfft(spectrum, count))

    return make


def speech(rate: int) -> Samples:
    """What speech is made of, as seen from far: bursts of a deep, a medium and a high voice with pauses between."""
    moments = np.arange(SECONDS * rate) / rate
    voice = np.zeros(len(moments))
    for number, hz in enumerate((110, 220, 440, 880, 1760), 1):
        voice += np.sin(2 * np.pi * hz * moments) / number
    return norm(voice * (np.sin(2 * np.pi * 2 * moments) > 0))


def norm(samples: NDArray[np.floating]) -> Samples:
    normal: Samples = (samples / np.sqrt(np.mean(np.square(samples)))).astype(np.float32)
    return normal


def heard(codec: Codec, sounds: Sounds, decibels: float) -> int:
    """In how many packets an ear hears somebody."""
    rate, encode = encoder_of(codec)
    size = round(rate * FRAME)
    samples = (level(decibels) * sounds(rate)).reshape(-1, size)
    ear = Ear()
    return sum(ear.hears(codec.name.lower(), encode(packet)) for packet in samples)


@pytest.mark.parametrize("codec", CODECS, ids=str)
class TestEveryCodec:
    @pytest.mark.parametrize(
        "sounds", [noise(0, 3800), noise(300, 3400), noise(60, 3800, tilt=0.5)], ids=["white", "telephone", "pink"]
    )
    def test_noise_of_lines_and_comfort_is_quiet(self, codec: Codec, sounds: Sounds) -> None:
        assert heard(codec, sounds, -49) == 0

    def test_noise_as_loud_as_speech_is_not(self, codec: Codec) -> None:
        assert heard(codec, noise(300, 3400), -40) > 400

    @pytest.mark.parametrize(("decibels", "share"), [(-26, 0.4), (-36, 0.4), (-41, 0.2)])
    def test_speech_is_heard_also_when_it_is_quiet(self, codec: Codec, decibels: float, share: float) -> None:
        assert heard(codec, speech, decibels) > share * SECONDS / FRAME

    @pytest.mark.parametrize("hz", [100, 440, 1000, 3000])
    def test_tones_are_heard(self, codec: Codec, hz: float) -> None:
        """They are what G.722 predicts best, so that little of them is in its steps."""
        assert heard(codec, lambda rate: norm(sine(hz, SECONDS, rate)), -30) > 490

    def test_silence_is_quiet(self, codec: Codec) -> None:
        assert heard(codec, lambda rate: np.zeros(SECONDS * rate, np.float32), 0) == 0

    def test_a_crackle_is_quiet(self, codec: Codec) -> None:
        def crackle(rate: int) -> Samples:
            samples = np.zeros(SECONDS * rate, np.float32)
            samples[:: rate // 5] = 1
            return samples

        assert heard(codec, crackle, -1) == 0


@given(st.sampled_from(["pcmu", "pcma", "g722", "opus", "speex"]), st.binary(max_size=300))
def test_whatever_a_packet_holds_can_be_judged(codec: str, payload: bytes) -> None:
    ear = Ear()
    ear.hears(codec, payload)
    if codec in {"opus", "speex"}:
        assert not ear.hears(codec, payload)


LOUD, SOFT = b"\x00" * 160, b"\xff" * 160


class Watch:
    """A vigil of 10 s over two channels that begins at 0, and its clock."""

    def __init__(self) -> None:
        self.told: list[Report] = []
        self.vigil = Vigil("x.tape", 10.0, 2, 0.0, self.told.append)
        self.due: float | None = 10.0

    def until(self, now: float) -> list[Report]:
        """Time goes by; what is told meanwhile."""
        before = len(self.told)
        while self.due is not None and self.due <= now:
            self.due = self.vigil.look(self.due)
        return self.told[before:]

    def hear(self, at: float, *packets: bytes, channel: int = 0) -> None:
        for packet in packets:
            self.vigil.hear(channel, "pcmu", at, packet)


@pytest.fixture
def watch() -> Watch:
    return Watch()


class TestVigil:
    def test_silence_is_told_once(self, watch: Watch) -> None:
        watch.hear(3, SOFT, SOFT)
        assert watch.until(9.9) == []
        assert watch.until(60) == [Quiet("x.tape", 10.0, 10.0)]

    def test_it_counts_from_who_spoke_last(self, watch: Watch) -> None:
        watch.hear(3, LOUD, LOUD)
        watch.hear(4, LOUD, LOUD, channel=1)
        watch.hear(5, SOFT, SOFT)
        assert watch.until(30) == [Quiet("x.tape", 10.0, 14.0)]

    def test_the_next_silence_is_told_again_to_the_moment(self, watch: Watch) -> None:
        assert len(watch.until(17)) == 1
        watch.hear(18, LOUD, LOUD)
        assert watch.until(27.9) == []
        assert watch.until(60) == [Quiet("x.tape", 10.0, 28.0)]

    def test_one_loud_packet_alone_is_no_speech_nor_are_two_on_different_channels(self, watch: Watch) -> None:
        watch.hear(5, LOUD, SOFT, LOUD)
        watch.hear(5, LOUD, channel=1)
        assert watch.until(10) == [Quiet("x.tape", 10.0, 10.0)]

    def test_after_its_end_nothing_is_told(self, watch: Watch) -> None:
        watch.vigil.end()
        assert watch.until(60) == []
        assert watch.due is None
