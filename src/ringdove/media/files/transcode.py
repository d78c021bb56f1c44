"""An audio file in, a track out: the folder with its sound in every format that sounds can be played in."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from G722 import G722
from numpy.typing import NDArray

from ringdove.media.codecs import FRAME_SECONDS, SOUND_FORMATS

from .disk import sync
from .laws import MU, A
from .riff import promised
from .wire import Transcoded

LONGEST = 3600
"""Seconds of sound that a file may hold."""
SLOWEST, FASTEST = 4_000, 192_000
"""Samples in a second."""
BIGGEST = 256 * 1_048_576
"""Octets of a file; whoever takes uploads may ask for less."""

_SUFFIXES = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "MP3": "mp3", "FLAC": "flac", "OGG": "ogg"}
_BLOCK = 262_144
_OPENING = 8_000  # samples at 16 kHz: half a second
_MISSING = 0.5  # seconds that may be missing at the end: encoders count differently

Encoder = Callable[[NDArray[np.int16]], bytes]


class Unusable(Exception):
    """Why a file cannot be used, in words that follow its name."""


def transcode(source: Path, folder: Path) -> Transcoded:
    """Make `folder` the track of a file, and keep the file in it as `original.` and what it really is.

    Channels are averaged; loudness stays. Raises Unusable and OSError; what is there then is worthless.
    """
    size = source.stat().st_size
    if not size:
        raise Unusable("is empty")
    if size > BIGGEST:
        raise Unusable(f"is larger than {BIGGEST // 1_048_576} MiB")
    folder.mkdir(mode=0o700)
    copy = folder / "original"
    digest = _copy(source, copy)
    suffix, packets = _encode(copy, folder)
    copy.rename(folder / f"original.{suffix}")
    sync(folder)
    return Transcoded(digest, round(packets * FRAME_SECONDS, 2))


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as content, target.open("xb") as out:
        while block := content.read(_BLOCK):
            digest.update(block)
            out.write(block)
        sync(out)
    return digest.hexdigest()


def _encode(path: Path, folder: Path) -> tuple[str, int]:
    """Write the files of the track; the suffix that fits the original, and how many packets each file has."""
    try:
        audio = _Audio(path)
    except soundfile.LibsndfileError:
        audio = None
    if audio is None or audio.format not in _SUFFIXES:
        raise Unusable("is not an audio file that can be read here: WAV, MP3, FLAC and Ogg can")
    with audio, _out(folder, "PCMU") as pcmu, _out(folder, "PCMA") as pcma, _out(folder, "G722") as g722:
        lanes = (
            _Lane(audio.samplerate, 8_000, (pcmu, MU.encode), (pcma, A.encode)),
            _Lane(audio.samplerate, 16_000, (g722, _Coder().encode)),
        )
        for block in _mono(audio, promised(path, audio.frames)):
            for lane in lanes:
                lane.feed(block)
        for lane in lanes:
            lane.end()
        packets = max(1, *(lane.packets for lane in lanes))
        for lane in lanes:
            lane.fill(packets)
        for out in (pcmu, pcma, g722):
            sync(out)
    return _SUFFIXES[audio.format], packets


class _Coder:
    """G.722 that may follow anything.

    Coder and decoder adapt to what they had before. To a decoder that has just had something loud, the packets of a
    coder that has had nothing, or silence, are a bang of 40 ms near full scale; the other way round it fades in over
    60 ms. So the coder has heard the beginning before it codes it.
    """

    def __init__(self) -> None:
        self._coder = G722(16_000, 64_000)
        self._new = True

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The next packets."""
        if self._new and len(samples):
            self._coder.encode(samples[:_OPENING])
            self._new = False
        return bytes(self._coder.encode(samples))


class _Audio(soundfile.SoundFile):  # type: ignore[misc]  # comes without types
    """Read from its beginning to its end, and never sought in, which where the end is unclear fails."""

    def seekable(self) -> bool:
        return False


def _mono(audio: _Audio, frames: int | None) -> Iterator[NDArray[np.float32]]:
    """The sound, block by block. `frames`: how many the file promises. Raises Unusable."""
    rate = audio.samplerate
    if not SLOWEST <= rate <= FASTEST:
        raise Unusable(f"has {rate} samples in a second; {SLOWEST} to {FASTEST} can be read")
    if frames is not None and frames > LONGEST * rate:
        raise Unusable("is longer than one hour")
    count = 0
    while True:
        try:
            block = audio.read(max(1, _BLOCK // audio.channels), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            raise Unusable(f"is damaged or cut short after about {count // rate} seconds") from None
        if not len(block):
            break
        count += len(block)
        if count > LONGEST * rate:
            raise Unusable("is longer than one hour")
        np.clip(block, -1.0, 1.0, out=block)
        np.nan_to_num(block, copy=False)
        yield block.mean(axis=1, dtype=np.float32)
    if not count:
        raise Unusable("holds no sound")
    if frames is not None and count < frames - _MISSING * rate:
        raise Unusable(f"is cut short: {count / rate:.1f} of {frames / rate:.1f} seconds are there")


class _Lane:
    """The sound at one sampling rate, into the files of the formats that want it, in whole packets."""

    def __init__(self, rate: int, to: int, *outputs: tuple[BinaryIO, Encoder]) -> None:
        self._resampler = soxr.ResampleStream(rate, to, 1, dtype="float32", quality="HQ")
        self._frame = round(to * FRAME_SECONDS)
        self._outputs = outputs
        self._rest = np.empty(0, np.int16)
        self._written = 0

    @property
    def packets(self) -> int:
        """Packets needed for all that came."""
        return self._written + -(-len(self._rest) // self._frame)

    def feed(self, block: NDArray[np.float32]) -> None:
        """Take the next block."""
        self._write(_integers(self._resampler.resample_chunk(block)))

    def end(self) -> None:
        """No block follows."""
        self._write(_integers(self._resampler.resample_chunk(np.empty(0, np.float32), last=True)))

    def fill(self, packets: int) -> None:
        """Make it so many packets with silence."""
        self._write(np.zeros((packets - self._written) * self._frame - len(self._rest), np.int16))

    def _write(self, samples: NDArray[np.int16]) -> None:
        samples = np.concatenate((self._rest, samples))
        whole = len(samples) // self._frame
        self._written += whole
        now, self._rest = np.split(samples, [whole * self._frame])
        for out, encoder in self._outputs:
            out.write(encoder(now))


def _integers(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """16-bit samples; filters overshoot, so they are clipped."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def _out(folder: Path, codec: str) -> BinaryIO:
    return (folder / SOUND_FORMATS[codec]).open("xb")
