"""Menus: what is said, and the key that is pressed."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path

from ringdove.media.speech import Choice, Phrase, Speech

from .conversation import Conversation

Tracks = Iterable[Path]

KEYS = "0123456789*#"
_TIMES = 3
"""How often a menu is said to somebody who presses nothing."""


class Menu:
    """Says menus to somebody, and before each what there is to note."""

    def __init__(self, talk: Conversation, speech: Speech) -> None:
        self._talk = talk
        self._speech = speech
        self._notes: list[Path] = []

    def note(self, *said: Phrase | Tracks) -> None:
        """Have this said before the next menu, in one go with it, so that a key cuts it short as well."""
        for one in said:
            self._notes += self._speech.phrase(one) if isinstance(one, Phrase) else one

    def offer(self, choices: Mapping[str, Choice]) -> dict[str, Tracks]:
        """What is said for each key."""
        return {key: self._speech.option(choice, key) for key, choice in choices.items()}

    async def choose(self, offers: Mapping[str, Tracks], silently: str = "") -> str:
        """Say what there is, and return the key that was pressed: one of those offered, or of those that are not
        talked about. "" where nothing is pressed.
        """
        times = 0
        while times < _TIMES:
            key = await self._talk.ask((*self.noted(), *chain.from_iterable(offers.values())), KEYS)
            if not key:
                times += 1
            elif key in offers or key in silently:
                return key
            else:
                self.note(Phrase.INVALID_KEY)
        return ""

    async def review(self, listen: Callable[[], Awaitable[Tracks]], silently: str = "") -> str:
        """Have somebody decide on its recording, which `listen` lets it hear: "1" keeps it, "3" is another take; else
        as `choose`.
        """
        offers = self.offer({"1": Choice.ACCEPT_RECORDING, "2": Choice.HEAR_RECORDING, "3": Choice.RECORD_AGAIN})
        while (key := await self.choose(offers, silently)) == "2":
            self.note(await listen())
        return key

    def noted(self) -> Tracks:
        """What there is to note; it counts as said."""
        notes, self._notes = self._notes, []
        return notes
