"""The store: one object with a part for each kind of data."""

from typing import Self

from ringdove.store.applications import Applications, Tokens
from ringdove.store.audio_files import Prompts, Ringtones
from ringdove.store.bindings import Bindings
from ringdove.store.call_log import CallLog
from ringdove.store.calls import Calls
from ringdove.store.database import Database
from ringdove.store.extension_groups import ExtensionGroups
from ringdove.store.extensions import Extensions
from ringdove.store.greetings import Greetings
from ringdove.store.mails import Mails
from ringdove.store.messages import Messages
from ringdove.store.migrate import is_up_to_date, upgrade, upgrade_apart
from ringdove.store.numbers import Numbers
from ringdove.store.options import Options
from ringdove.store.owners import Owners
from ringdove.store.playlists import Playlists
from ringdove.store.references import References
from ringdove.store.ring_groups import RingGroups
from ringdove.store.sounds import Sounds
from ringdove.store.vm_groups import VmGroups


class Store:
    """Everything that outlives the process. Open one with `await Store.open(url)`, end it with `await close()`.

    Each create, update and delete is one transaction: saved as a whole and on disk when it returns, or refused with a
    `StoreError` and nothing changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.numbers = Numbers(database)
        self.extensions = Extensions(database)
        self.extension_groups = ExtensionGroups(database)
        self.ring_groups = RingGroups(database)
        self.prompts = Prompts(database)
        self.playlists = Playlists(database)
        self.ringtones = Ringtones(database)
        self.sounds = Sounds(database)
        self.messages = Messages(database)
        self.mails = Mails(database)
        self.greetings = Greetings(database)
        self.vm_groups = VmGroups(database)
        self.owners = Owners(self.numbers, self.extensions, self.vm_groups)
        self.options = Options(database)
        self.references = References(database)
        self.bindings = Bindings(database)
        self.calls = Calls(database)
        self.call_log = CallLog(database)
        self.applications = Applications(database)
        self.tokens = Tokens(database)

    @classmethod
    async def open(cls, url: str, *, lean: bool = False) -> Self:
        """Open the database at an SQLAlchemy URL with a driver that is not async, and bring its tables up to date.

        `lean` is for who stays: what only the migrations need is not kept in memory, for half a second of waiting.
        """
        database = Database(url)
        try:
            if lean and not await database.read(is_up_to_date):
                await upgrade_apart(url)
            await database.write(upgrade)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    async def close(self) -> None:
        """Close every connection; the store is of no use afterwards."""
        await self._database.close()
