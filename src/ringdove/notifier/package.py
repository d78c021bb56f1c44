"""What an event package says (RFC 6665 §5): one file beside this one each, handed to the notifier in `app.py`."""

from collections.abc import Collection, Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from ringdove.model.extension import Extension
from ringdove.sip.uri import Uri

State = Hashable
"""What subscribers are told about; two states that are equal need not both be told."""


class Topic(NamedTuple):
    """What a subscription is about: something that a package knows, such as a mailbox."""

    event: str
    what: Hashable


class Package(Protocol):
    """One event package. What its topics are and what their states look like is its own business."""

    @property
    def event(self) -> str:
        """Its name, as in Event."""

    @property
    def content_type(self) -> str:
        """Of the bodies that it makes, all of one kind."""

    @property
    def news(self) -> Collection[type[Any]]:
        """The events on the bus that can change a state; two that are equal say the same."""

    async def touched(self, event: Any) -> Sequence[Topic]:
        """The topics whose states such an event can have changed."""

    async def topic(self, watcher: Extension, user: str) -> Topic | None:
        """What a Request-URI with this user part ("" for none) is about; None where `watcher` may not know of it."""

    async def state(self, topic: Topic) -> State:
        """How it is with a topic now."""

    def body(self, state: State, here: Uri) -> bytes:
        """A state in full, for a NOTIFY with `here` as its Contact (ours)."""

    def own(self, extension_id: int) -> Topic | None:
        """What the phones of an extension are told without having asked; None where they have to ask."""

    def audience(self, topic: Topic) -> int | None:
        """The extension of which a topic is that, if it is one's."""

    def is_worth_telling(self, state: State) -> bool:
        """Whether a phone that has just been switched on, and does not ask, has to hear of this."""
