"""What every call may use, in one place."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from ringdove.events.bus import Bus
from ringdove.guard.bans import BanRules, Bans
from ringdove.media.engine import MediaEngine
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.net.endpoint import Endpoint
from ringdove.settings import Settings
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.store import Store
from ringdove.voicemail.mailboxes import Mailboxes
from ringdove.voicemail.postbox import Postbox

from .busy import BusyList
from .gate import Gate
from .lookout import Lookout
from .records import Records
from .sounds import Sounds

log = structlog.get_logger(__name__)

GUESSES = BanRules(failures=10)
"""How many wrong PINs lock a mailbox for other phones than its owner's, and an extension out of all that want one."""


@dataclass(slots=True)
class Board:
    """The parts a call works with.

    `node` is this node's name among all that share the store. `authenticate` says who sent a request, or gives the
    challenge to answer with. `bindings` are the live bindings of an extension by its id.
    """

    node: str
    endpoint: Endpoint
    media: MediaEngine
    store: Store
    bus: Bus
    settings: Settings
    sounds: Sounds
    postbox: Postbox
    mailboxes: Mailboxes
    authenticate: Callable[[Request, Hop], Awaitable[Extension | Response]]
    bindings: Callable[[int], Sequence[StoredBinding]]
    busy: BusyList = field(init=False)
    gate: Gate = field(init=False)
    lookout: Lookout = field(init=False)
    records: Records = field(init=False)
    guesses: Bans = field(init=False)
    """Who gave wrong PINs of mailboxes, and which mailboxes somebody guesses at."""
    logs_legs: bool = field(init=False)
    """Whether the log takes lines about what happens to single legs."""

    def __post_init__(self) -> None:
        self.busy = BusyList(self.bus, self.settings.max_calls_per_extension)
        self.gate = Gate(self.settings, self.busy)
        self.lookout = Lookout(self.bus, self.store.extensions.get)
        self.records = Records(self.store.calls, self.node)
        self.guesses = Bans(GUESSES)
        self.logs_legs = log.is_enabled_for(logging.DEBUG)
