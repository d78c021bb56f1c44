"""Prompts and music for tests, uploaded as an administrator would."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .house import House
from .tone import sound_file

Tones = Sequence[tuple[float, float]]
"""Frequencies in Hz (0: silence), each with its seconds."""


async def upload_prompts(house: House, prompts: Mapping[str, Tones], **fields: str) -> None:
    """Custom prompts, by name. `is_check="force"` replaces them."""
    for name, tones in prompts.items():
        await _upload(house, "custom_prompt/upload", name, tones, **fields)


async def upload_music(house: House, playlist: str, files: Mapping[str, Tones]) -> None:
    """A playlist of this name with these files, played in alphabetical order."""
    await house.post("play_list/create", list_name=playlist, list_type=1, play_order="alphabetical")
    await upload_files(house, playlist, files)


async def upload_files(house: House, playlist: str, files: Mapping[str, Tones], **fields: str) -> None:
    """Files for a playlist, by name. `is_check="force"` replaces them."""
    for name, tones in files.items():
        await _upload(house, "moh_files/upload", name, tones, list_name=playlist, **fields)


async def _upload(house: House, interface: str, name: str, tones: Iterable[tuple[float, float]], **fields: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        sound_file(file, list(tones))
        await house.upload(interface, file, **fields)
