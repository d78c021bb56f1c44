"""What a server finds when it starts: extensions, ring groups, phones and records, written straight into its database.

Over the API and SIP each of them would be a transaction of its own; the rows are the same.
"""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, insert

from ringdove.model.binding import StoredBinding
from ringdove.model.destination import Destination
from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind
from ringdove.model.ring_group import Entry, MemberRef, MemberType, RingGroup
from ringdove.model.story import (
    Attempt,
    Disposition,
    EndedBy,
    Hop,
    HopOutcome,
    LegResult,
    LegStory,
    Party,
    Story,
    Window,
)
from ringdove.ring.plan import Strategy
from ringdove.store import Store, calls
from ringdove.store.database import Database
from ringdove.store.ring_group_rows import columns, save_entries
from ringdove.store.tables import binding, extension, number_plan, ring_group

from .process import Address
from .words import Login

AT_ONCE = 5_000
"""Records of one transaction."""
_YEAR = 365 * 86_400.0


class House:
    """The settings and records of a server that does not run; get one by `at`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    @asynccontextmanager
    async def at(cls, data: Path) -> AsyncIterator[Self]:
        """The one in this data folder, made where there is none."""
        url = f"sqlite:///{data / 'ringdove.db'}"
        await (await Store.open(url)).close()  # makes the tables
        database = Database(url)
        try:
            yield cls(database)
        finally:
            await database.close()

    async def extensions(self, numbers: Iterable[str]) -> list[Login]:
        """Add extensions; the id of each is its number."""
        made = [Extension(number=number, id=int(number)) for number in numbers]
        if not made:
            return []

        def work(conn: Connection) -> None:
            conn.execute(insert(extension), [one.model_dump() for one in made])
            conn.execute(insert(number_plan), [_planned(one, DestinationKind.EXTENSION) for one in made])

        await self._database.write(work)
        return [Login(one.number, one.reg_name, one.reg_password) for one in made]

    async def ring_groups(self, members: Mapping[str, Sequence[str]], strategy: Strategy = Strategy.RING_ALL) -> None:
        """Add groups: the members by the number of the group, which is its id, too."""
        if not members:
            return
        made = [
            RingGroup(
                id=int(number),
                number=number,
                name=f"group {number}",
                ring_strategy=strategy,
                ring_timeout=30,
                member_list=tuple(Entry(members=(MemberRef(type=MemberType.EXTENSION, id=int(one)),)) for one in those),
                fail_dest=Destination(kind=DestinationKind.END_CALL),
            )
            for number, those in members.items()
        ]

        def work(conn: Connection) -> None:
            rows = [columns(one) | {"id": one.id, "number": one.number} for one in made]
            conn.execute(insert(ring_group), rows)
            conn.execute(insert(number_plan), [_planned(one, DestinationKind.RING_GROUP) for one in made])
            for one in made:
                save_entries(conn, one)

        await self._database.write(work)

    async def phones(self, numbers: Iterable[str], offices: Sequence[Address]) -> None:
        """Register a phone for each of these extensions for an hour, at these addresses in turn."""
        now = time.time()
        rows = []
        for number, (host, port) in zip(numbers, cycle(offices), strict=False):
            contact = f"sip:{number}@{host}:{port}"
            rows.append(
                StoredBinding(
                    extension_id=int(number),
                    key=contact,
                    contact=contact,
                    call_id=f"house{number}",
                    cseq=1,
                    transport="udp",
                    remote_host=host,
                    remote_port=port,
                    local_host="127.0.0.1",
                    local_port=0,  # of a listener that is gone: another one of its kind is taken
                    user_agent="bench",
                    expires_at=now + 3600,
                    registered_at=now,
                ).model_dump()
            )

        def work(conn: Connection) -> None:
            conn.execute(insert(binding), rows)

        await self._database.write(work)

    async def records(self, count: int, callers: Sequence[str], members: Sequence[str]) -> None:
        """Add records of calls to a group of three, one of whom answered, spread over the last year."""
        store, began = calls.Calls(self._database), time.time() - _YEAR
        for start in range(0, count, AT_ONCE):
            those = range(start, min(start + AT_ONCE, count))
            await store.save(
                [calls.Entry(_told(number, began + number * _YEAR / count, callers, members)) for number in those]
            )


def _planned(one: Extension | RingGroup, kind: DestinationKind) -> dict[str, object]:
    return {"number": one.number, "kind": kind, "object_id": one.id}


def _told(number: int, began: float, callers: Sequence[str], members: Sequence[str]) -> Story:
    """One call: three phones ring, and the second of them answers."""
    caller = callers[number % len(callers)]
    rung = [members[(number + turn) % len(members)] for turn in range(3)]
    attempts = []
    for turn, member in enumerate(rung):
        result = LegResult.ANSWERED if turn == 1 else LegResult.ANSWERED_ELSEWHERE
        leg = LegStory(
            leg=f"{number:08x}{turn}",
            sip_call_id=f"{number:024x}{turn}",
            contact=f"sip:{member}@127.0.0.2:5060",
            invited_at=0.004,
            ringing_at=0.006,
            answered_at=5.2 if turn == 1 else None,
            ended_at=65.0 if turn == 1 else 5.2,
            status=200 if turn == 1 else 487,
            result=result,
        )
        who = Party(id=int(member), number=member, name=member)
        attempts.append(Attempt(member=who, windows=[Window(start=0.0, stop=30.0)], legs=[leg], result=result))
    hop = Hop(
        kind=DestinationKind.RING_GROUP,
        id="6003",
        number="6003",
        name="group 6003",
        entered_at=0.002,
        ringing_from=0.003,
        left_at=5.2,
        strategy=Strategy.RING_ALL,
        attempts=attempts,
        outcome=HopOutcome.ANSWERED,
    )
    return Story(
        id=f"{number:032x}",
        started_at=began,
        sip_call_id=f"c{number}@bench",
        caller=Party(id=int(caller), number=caller, name=caller),
        dialled="6003",
        progress_at=0.006,
        hops=[hop],
        answered_at=5.2,
        answered_by=attempts[1].member,
        acknowledged_at=5.21,
        ended_at=65.0,
        ended_by=EndedBy.CALLER,
        final_status=200,
        disposition=Disposition.ANSWERED,
    )
