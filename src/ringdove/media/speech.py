"""What callers are told in words: from a phrase, a number or a moment to the tracks that say it, one after the other.

Everything returns tracks as `media.engine.Sound` wants them. Whole sentences end with a pause, so that they may follow
each other; digits, numbers, moments and durations do not, for a sentence to go on behind them.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ringdove.media.codecs import SOUND_FORMATS
from ringdove.media.languages import en, table
from ringdove.media.languages.grammar import Grammar, Words
from ringdove.media.languages.phrases import Choice, Phrase
from ringdove.media.sounds import PAUSE

__all__ = ["LANGUAGES", "Choice", "LanguageMissing", "Phrase", "Speech"]

LANGUAGES: Mapping[str, Grammar] = {"en": en}
"""By their names in the settings and under `media/languages`."""

Tracks = tuple[Path, ...]


class LanguageMissing(Exception):
    """A language is not there, or not all of it."""


class Speech:
    """One language. What is out of range (see `media.languages.grammar`) raises ValueError."""

    def __init__(self, grammar: Grammar, folder: Path) -> None:
        """`folder`: of its tracks."""
        self._grammar = grammar
        self._folder = folder

    @classmethod
    def open(cls, language: str) -> "Speech":
        """Look whether everything is there that might have to be said. For the start of a server; raises
        LanguageMissing.
        """
        grammar = LANGUAGES.get(language)
        if grammar is None:
            raise LanguageMissing(f"there is no language {language!r}; there is {', '.join(LANGUAGES)}")
        folder = table.tracks(language)
        wanted = {*Phrase, *Choice, *grammar.WORDS}
        missing = [id_ for id_ in sorted(wanted) if not _complete(folder / id_)]
        if missing:
            raise LanguageMissing(f"the language {language!r} cannot say {', '.join(missing)}")
        return cls(grammar, folder)

    def phrase(self, phrase: Phrase) -> Tracks:
        """A whole sentence."""
        return self._sentence((phrase,))

    def option(self, choice: Choice, key: str, number: str = "") -> Tracks:
        """An entry of a menu: "to delete it, press seven". `number` is what GROUP_MAILBOX wants."""
        return self._sentence(self._grammar.option(choice, key, number))

    def unavailable(self, number: str, *, group: bool = False) -> Tracks:
        """Who does not answer, by number."""
        return self._sentence(self._grammar.unavailable(number, group))

    def count(self, new: int, old: int) -> Tracks:
        """How many messages there are."""
        return self._sentence(self._grammar.count(new, old))

    def received(self, when: datetime, now: datetime) -> Tracks:
        """When a message came; both in the zone that is spoken of."""
        return self._sentence(self._grammar.received(when, now))

    def caller(self, number: str | None) -> Tracks:
        """Whom a message is from. What cannot be read out key by key is as unknown as None."""
        try:
            return self._sentence(self._grammar.caller(number))
        except ValueError:
            return self._sentence(self._grammar.caller(None))

    def length(self, seconds: float) -> Tracks:
        """How long a message is."""
        return self._sentence(self._grammar.length(round(seconds)))

    def digits(self, text: str) -> Tracks:
        """A number that is dialled, key by key: 0-9, *, #, and + in front."""
        return self._tracks(self._grammar.digits(text))

    def number(self, value: int) -> Tracks:
        """How many: 0 to 999,999."""
        return self._tracks(self._grammar.number(value))

    def moment(self, when: datetime, now: datetime) -> Tracks:
        """Day and time of day, as somebody says it at `now`; both in the zone that is spoken of."""
        return self._tracks(self._grammar.moment(when, now))

    def duration(self, seconds: float) -> Tracks:
        """In minutes and seconds."""
        return self._tracks(self._grammar.duration(round(seconds)))

    def _sentence(self, words: Words) -> Tracks:
        return (*self._tracks(words), PAUSE)

    def _tracks(self, words: Words) -> Tracks:
        return tuple(self._folder / word for word in words)


def _complete(track: Path) -> bool:
    return all((track / name).is_file() for name in SOUND_FORMATS.values())
