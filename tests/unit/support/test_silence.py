"""Silence is kept as the library keeps what was uploaded."""

from pathlib import Path

from ringdove.media.library import Kept, Library
from support.silence import silence


async def test_the_library_takes_silence_for_its_own(tmp_path: Path) -> None:
    audio, other = silence(tmp_path, "demo.wav"), silence(tmp_path, "breeze.wav")
    library = Library(tmp_path / "audio")
    kept = await Library(tmp_path / "elsewhere").adopt(library.track(audio.digest))
    assert kept == Kept(audio.digest, audio.seconds, audio.size, ".wav")
    assert await library.sweep({audio.digest}) == 1
    assert library.original(audio.digest).exists()
    assert not library.track(other.digest).exists()
