"""What the interface needs from the rest of the server."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from ringdove.api.lockout import Lockout
from ringdove.events.bus import Bus
from ringdove.guard.bans import BanRules, Bans
from ringdove.guard.guard import Guard
from ringdove.media.library import Library
from ringdove.model.ladder import Ladder
from ringdove.model.reference import DestinationKind
from ringdove.model.simulation import Simulation
from ringdove.model.story import Story
from ringdove.model.voicemail import Undelivered
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.voicemail.mail import Mailer
from ringdove.voicemail.mailboxes import Mailboxes
from ringdove.watch.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server behind the interface.

    `online` says whether an extension has a live binding; `simulate` plans a call to a ring group in the present state;
    `live_calls` are the stories of calls that this node knows better than the store: their end is not written down yet;
    `destination_kinds` are those that this build can enter; `ready` says whether SIP is up; `undelivered` counts the
    messages that are in no mailbox; `mailer` sends mails, where there is a mail server; `metrics` are the numbers of
    the server; `ladder` are the SIP messages of a call, where they are kept; `guard` keeps the door of SIP, `lockout`
    that of this interface, and `guesses` that of the mailboxes. `clock` tells Unix time in seconds.
    """

    store: Store
    audio: Library
    shelf: Shelf
    mailboxes: Mailboxes
    settings: Settings
    bus: Bus
    online: Callable[[int], bool]
    simulate: Callable[[int], Awaitable[Simulation]]
    live_calls: Callable[[], list[Story]]
    destination_kinds: frozenset[DestinationKind]
    ready: Callable[[], bool]
    undelivered: Callable[[], Undelivered] = lambda: Undelivered(0, 0)
    mailer: Mailer | None = None
    metrics: Metrics = field(default_factory=Metrics)
    ladder: Callable[[str], Ladder | None] = lambda _: None
    guard: Guard = field(default_factory=Guard)
    lockout: Lockout = field(default_factory=Lockout)
    guesses: Bans = field(default_factory=lambda: Bans(BanRules()))
    clock: Callable[[], float] = time.time


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)  # noqa: S101  # create_app put it there
    return services


Injected = Annotated[Services, Depends(_services)]
"""The type of an endpoint's parameter that is to receive the services."""
