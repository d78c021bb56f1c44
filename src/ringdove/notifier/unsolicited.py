"""NOTIFYs that no phone has asked for, without I/O: many phones show waiting messages, yet never subscribe.

RFC 6665 knows no such thing, RFC 3842 mentions it; all PBXs do it, and phones take it. What they do with it is up to
them, so a phone that says that it has no use for it is left alone until it registers anew.
"""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Final, NamedTuple

from .package import State, Topic

STANDING: Final = "terminated"
"""For Subscription-State: there is no subscription, so that none is left (as Asterisk's res_pjsip_mwi sends it)."""

_PASSING: Final = frozenset({401, 407, 408, 480, 486, 491})
"""4xx that say nothing about the next time: nobody home, busy, or a phone that wants to know who asks."""


class Name(NamedTuple):
    """One binding of an extension."""

    extension_id: int
    key: str


@dataclass(frozen=True, slots=True)
class Tell:
    """A NOTIFY goes out to this phone."""

    name: Name
    topic: Topic
    state: State


@dataclass(slots=True)
class _Asked:
    """A NOTIFY without an answer yet, to a phone that was registered so; what is to be told after it, and to whom."""

    registration: Hashable
    then: tuple[Hashable, Topic, State] | None = None


class Unsolicited:
    """Who is being told, and who does not want to be.

    To a phone one NOTIFY is under way at a time; of what changes meanwhile it is told the last. `registration` tells
    one registration of a phone from its next one.
    """

    def __init__(self) -> None:
        self._asked: dict[Name, _Asked] = {}
        self._declined: dict[int, dict[str, Hashable]] = {}
        """The registration with which a phone declined, by extension and binding."""

    @property
    def declined(self) -> int:
        """How many phones do not want to be told."""
        return sum(map(len, self._declined.values()))

    def tell(self, name: Name, registration: Hashable, topic: Topic, state: State) -> list[Tell]:
        """A phone without a subscription of its own should know this."""
        declined = self._declined.get(name.extension_id, {})
        if declined.get(name.key) == registration:
            return []
        declined.pop(name.key, None)
        if (asked := self._asked.get(name)) is not None:
            asked.then = registration, topic, state
            return []
        self._asked[name] = _Asked(registration)
        return [Tell(name, topic, state)]

    def answered(self, name: Name, status: int) -> list[Tell]:
        """The final response to its NOTIFY; 408 where none came."""
        asked = self._asked.pop(name, None)
        if asked is None:
            return []
        if (400 <= status < 500 and status not in _PASSING) or status == 501 or status >= 600:
            self._declined.setdefault(name.extension_id, {})[name.key] = asked.registration
        return [] if asked.then is None else self.tell(name, *asked.then)

    def keep(self, extension_id: int, keys: Collection[str]) -> None:
        """These are the bindings that an extension has: what is known of others is forgotten."""
        declined = self._declined.pop(extension_id, None)
        if declined and (kept := {key: declined[key] for key in keys if key in declined}):
            self._declined[extension_id] = kept
