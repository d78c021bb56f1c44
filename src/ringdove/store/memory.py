"""What was read of the settings is remembered until they change, so that calls do not ask the database (ADR 0019).

A query is remembered by one line over it. What it returns is shared by everybody who asks, so it is never changed.
"""

from collections.abc import Callable, Coroutine, Hashable
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from ringdove.store.database import Database


class _Part(Protocol):
    """A part of the store."""

    _database: "Database"


A = TypeVar("A")
V = TypeVar("V")
P = TypeVar("P", bound=_Part)
_Query: TypeAlias = Callable[[P, A], Coroutine[Any, Any, V]]


class Memory:
    """Answers of queries since the settings changed last, at most `most` of them; the oldest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.known: dict[Hashable, tuple[Any, Any]] = {}
        """What was asked for and what it led to, by query and key; after a change of settings another one."""

    def forget(self) -> None:
        """Forget everything; the thread that writes says so.

        A read that is under way may have begun before the change. What it finds goes into the old `known`, which
        nobody looks at any more.
        """
        self.known = {}

    def keep(self, known: dict[Hashable, tuple[Any, Any]], key: Hashable, asked: object, found: object) -> None:
        """Remember an answer; `known` is what was known when the question was asked."""
        if len(known) >= self._most:
            if not known:
                return
            del known[next(iter(known))]
        known[key] = asked, found


def remembered_by(key: Callable[[Any], Hashable]) -> Callable[[_Query[P, A, V]], _Query[P, A, V]]:
    """Have a query of settings with one argument answered from memory, which finds it by the `key` of the argument.

    The key may be `id`: the argument is kept as long as its answer, so that no other one gets its identity. That
    there is no such thing is not remembered: strangers who guess fill no memory.
    """

    def wrap(query: _Query[P, A, V]) -> _Query[P, A, V]:
        @wraps(query)
        async def answer(part: P, argument: A) -> V:
            memory = part._database.memory
            known, place = memory.known, (query, key(argument))
            if (hit := known.get(place)) is not None:
                found: V = hit[1]
                return found
            found = await query(part, argument)
            if found is not None:
                memory.keep(known, place, argument, found)
            return found

        return answer

    return wrap


def remembered(query: _Query[P, A, V]) -> _Query[P, A, V]:
    """Have a query of settings with one hashable argument answered from memory."""
    return remembered_by(_itself)(query)


def _itself(argument: A) -> A:
    return argument
