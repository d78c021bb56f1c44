"""What the packets of each codec hold: by libraries, so that the server's own tables are not their own judges."""

import io
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import soundfile
from G722 import G722 as G722Coder  # noqa: N811 (a class)

from ringdove.media.codecs import DEFAULT_OFFER, FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.sip.codec import Codec

from .tone import Samples, Sound, sine

PCMU, PCMA, G722, EVENT = DEFAULT_OFFER


def packets_of(codec: Codec, hz: float) -> Iterator[bytes]:
    """A tone without end, as the bodies of 20 ms packets."""
    rate, encode = encoder_of(codec)
    for number in count():
        yield encode(sine(hz, FRAME_SECONDS, rate, start=number * FRAME_SECONDS))


def encoder_of(codec: Codec) -> tuple[int, Callable[[Samples], bytes]]:
    """How many samples a second it takes, and what makes packets of them; one of G.722 goes on from packet to
    packet.
    """
    return _ENCODERS[codec.name]()


def _levels(law: str) -> Samples:
    """What each octet of G.711 stands for, by libsndfile, so that our own tables are not their own judges."""
    octets = io.BytesIO(bytes(range(256)))
    levels: Samples
    levels, _ = soundfile.read(octets, format="RAW", subtype=law, samplerate=8000, channels=1, dtype="float32")
    return levels


_ULAW, _ALAW = _levels("ULAW"), _levels("ALAW")


def _g711_decoder(levels: Samples) -> Callable[[bytes], Sound]:
    return lambda body: Sound(8000, levels[np.frombuffer(body, np.uint8)])


def _g711_encoder(levels: Samples) -> tuple[int, Callable[[Samples], bytes]]:
    return 8000, lambda samples: np.abs(levels[:, None] - samples).argmin(0).astype(np.uint8).tobytes()


def _g722_decoder() -> Callable[[bytes], Sound]:
    coder = G722Coder(16000, 64000)
    return lambda body: Sound(16000, np.array(coder.decode(body), np.float32) / np.float32(32768))


def _g722_encoder() -> tuple[int, Callable[[Samples], bytes]]:
    coder = G722Coder(16000, 64000)
    return 16000, lambda samples: bytes(coder.encode((samples * 32767).astype(np.int16)))


DECODERS: dict[str, Callable[[], Callable[[bytes], Sound]]] = {
    PCMU.name: lambda: _g711_decoder(_ULAW),
    PCMA.name: lambda: _g711_decoder(_ALAW),
    G722.name: _g722_decoder,
}
"""For each codec what makes a decoder of packets; one of G.722 goes on from packet to packet."""
_ENCODERS: dict[str, Callable[[], tuple[int, Callable[[Samples], bytes]]]] = {
    PCMU.name: lambda: _g711_encoder(_ULAW),
    PCMA.name: lambda: _g711_encoder(_ALAW),
    G722.name: _g722_encoder,
}


def decoded(track: Path, codec: str) -> tuple[Sound, Sound]:
    """A track as a phone hears it for the first time, where G.722 fades in, and for the second."""
    content = (track / SOUND_FORMATS[codec]).read_bytes() * 2
    decode = DECODERS[codec]()
    sounds = [decode(content[at : at + FRAME_BYTES]) for at in range(0, len(content), FRAME_BYTES)]
    first, second = np.split(np.concatenate([sound.samples for sound in sounds]), 2)
    return Sound(sounds[0].rate, first), Sound(sounds[0].rate, second)
