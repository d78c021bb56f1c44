"""What a session needs of its engine."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ringdove.media.embedded.wire import Play, Record, Stream
from ringdove.media.engine import PartyId, SessionId

if TYPE_CHECKING:
    from ringdove.media.embedded.session import EmbeddedSession


class Switch(Protocol):
    """What a session needs of its engine."""

    def address(self, remote: str | None) -> str:
        """Our address for the description to somebody at the IP address `remote`; None where that is not known."""
        ...

    async def lease(self, session: "EmbeddedSession", party: PartyId) -> int:
        """A port pair, bound; raises NoPortsLeft, EngineUnavailable."""
        ...

    def release(self, port: int) -> None:
        """Give back a pair that the child was told nothing of."""
        ...

    def free(self, ports: Sequence[int]) -> None:
        """Have the parties at these pairs forgotten and give the pairs back. What was counted of each is told to the
        session by `freed`, later or at once.
        """
        ...

    def tell(self, command: Stream | Play | Record) -> None:
        """Pass this on to the child, or do nothing while there is none: `replay` follows then."""
        ...

    def complete(self, tape: str) -> asyncio.Future[None]:
        """Have a tape closed; the future tells when nothing more is written to it, and never fails."""
        ...

    def forget(self, session: SessionId) -> None:
        """The session is closed."""
        ...
