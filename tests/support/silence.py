"""Audio as if it had been uploaded, at no cost: a silent track in the library's folder, and what a row says of it."""

import hashlib
from pathlib import Path

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.model.audio import Audio

_PACKETS = 5
_SILENCE = {"pcmu": b"\xff", "pcma": b"\xd5", "g722": b"\xfa"}
"""The octet of each codec that says nothing; two samples of it in G.722."""


def silence(data: Path, file: str) -> Audio:
    """Put 100 ms of silence into a server's data folder; files of different names have different content."""
    original = f"silence, {file}".encode()
    audio = Audio(
        file=file,
        digest=hashlib.sha256(original).hexdigest(),
        seconds=_PACKETS * FRAME_SECONDS,
        size=len(original),
    )
    track = data / "audio" / audio.digest
    track.mkdir(parents=True, exist_ok=True)
    (track / "original.wav").write_bytes(original)
    for name in SOUND_FORMATS.values():
        (track / name).write_bytes(_SILENCE[name] * FRAME_BYTES * _PACKETS)
    return audio
