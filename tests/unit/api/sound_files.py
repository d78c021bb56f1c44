"""Real sound files for uploads, and what is left of them in the library."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from support.tone import sound_file


@cache
def tone(suffix: str = ".wav", hz: float = 440.0, seconds: float = 0.1) -> bytes:
    """A sound file of the format that the suffix stands for; another tone is another content."""
    with TemporaryDirectory() as folder:
        return sound_file(Path(folder) / f"tone{suffix}", [(hz, seconds)]).read_bytes()


def kept(data: Path) -> set[str]:
    """What lies in the library of this data folder."""
    return {path.name for path in (data / "audio").glob("*") if len(path.name) == 64}


def left_over(data: Path) -> list[Path]:
    """Files of uploads that should be gone."""
    return [path for path in (data / "audio").rglob("*") if path.is_file() and len(path.parent.name) != 64]
