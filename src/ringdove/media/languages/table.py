"""Where a language is, and reading its table of texts."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_HERE = Path(__file__).parent


class Voice(NamedTuple):
    """How espeak-ng is to speak."""

    name: str
    speed: int
    """Words in a minute."""
    pitch: int
    """0 to 99."""


class Table(NamedTuple):
    """What `texts.toml` says."""

    voice: Voice
    texts: Mapping[str, str]
    """By id; the groups of the file are for its readers."""


def read(language: str) -> Table:
    """The table of a language. Raises OSError, KeyError, ValueError, and TypeError where it is not as it has to be."""
    content: dict[str, dict[str, Any]] = tomllib.loads((_folder(language) / "texts.toml").read_text("utf-8"))
    voice = Voice(**content.pop("voice"))
    texts: dict[str, str] = {}
    for group in content.values():
        if twice := texts.keys() & group.keys():
            raise ValueError(f"twice in the table: {', '.join(sorted(twice))}")
        texts |= group
    return Table(voice, texts)


def tracks(language: str) -> Path:
    """The folder of a language's tracks; each is named after its text's id."""
    return _folder(language) / "tracks"


def spoken(language: str) -> Path:
    """The file that says which voice spoke which texts when the tracks were made."""
    return tracks(language) / "spoken.json"


def _folder(language: str) -> Path:
    """It is a package, too: that of pt-BR is pt_br."""
    return _HERE / language.lower().replace("-", "_")
