"""Subscriptions as a notifier keeps them (RFC 6665 §4.2), without I/O: what happens goes in, what to do comes out."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Final

from ringdove.sip.dialog import DialogId

from .package import State, Topic

LOST: Final = frozenset({404, 405, 408, 410, 416, *range(480, 486), 489, 501, 604})
"""What a NOTIFY is answered with where nobody subscribes any more (§4.2.2, RFC 5057 §5.1); 408 also for no answer."""

PER_OWNER: Final = 10
IN_ALL: Final = 20_000
_UNSETTLED: Final = 3
"""An extension may have so many times `PER_OWNER` while its phones do not answer the NOTIFYs that end them."""


class Ending(StrEnum):
    """Why a subscription ends, and with it what its phone may do (§4.1.3)."""

    TIMEOUT = "timeout"
    """It has expired, or its phone wants no more of it; it may begin anew at once."""
    DEACTIVATED = "deactivated"
    """The server stops: begin anew at once, there or elsewhere."""
    NO_RESOURCE = "noresource"
    """What it was about is gone, or not for its phone any more: do not begin anew."""
    PROBATION = "probation;retry-after=3600"
    """Too many others are newer: begin anew later, or two phones would take turns for ever."""


@dataclass(frozen=True, slots=True)
class Read:
    """The state of this topic has to be learned."""

    topic: Topic


@dataclass(frozen=True, slots=True)
class Notify:
    """A NOTIFY goes out; None for a state that is not known."""

    id: DialogId
    topic: Topic
    state: State | None
    standing: str
    """For Subscription-State."""


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more comes of this subscription.

    Where its phone has said that it has none, `lost` is what it was not told by it.
    """

    id: DialogId
    lost: Topic | None = None


Action = Read | Notify | Over


@dataclass(slots=True)
class _Subscription:
    id: DialogId
    owner: int
    topic: Topic
    expires_at: float
    waits: bool = True
    """Its next NOTIFY has to tell what is learned after its SUBSCRIBE, not before."""
    owes: bool = False
    """It has to be told something."""
    told: State | None = None
    """What it was told last."""
    asking: bool = False
    """A NOTIFY has no answer yet."""
    ending: Ending | None = None


class Subscriptions:
    """All subscriptions of a node. Times are in seconds of one clock, whichever.

    Of one subscription only one NOTIFY is under way, and what has changed meanwhile is told by the next: of several
    changes the last. An extension has `per_owner` subscriptions at most: what was refreshed longest ago makes room.
    """

    def __init__(self, *, per_owner: int = PER_OWNER, in_all: int = IN_ALL) -> None:
        self._per_owner = per_owner
        self._in_all = in_all
        self._all: dict[DialogId, _Subscription] = {}
        self._by_topic: defaultdict[Topic, dict[DialogId, _Subscription]] = defaultdict(dict)
        self._by_owner: defaultdict[int, dict[DialogId, _Subscription]] = defaultdict(dict)
        """The one that was refreshed longest ago comes first."""
        self._known: dict[Topic, State] = {}
        """The states of what is subscribed to."""
        self._expiries: list[tuple[float, int, _Subscription]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[DialogId]:
        """Those that are not about to end."""
        return iter([id_ for id_, one in self._all.items() if one.ending is None])

    def is_full(self, owner: int) -> bool:
        """Whether there are too many to begin another one: in all, or of an extension, those included whose end its
        phones have not acknowledged.
        """
        return len(self._all) >= self._in_all or len(self._by_owner.get(owner, ())) >= _UNSETTLED * self._per_owner

    def is_live(self, id_: DialogId) -> bool:
        """Whether it can be refreshed."""
        return (one := self._all.get(id_)) is not None and one.ending is None

    def of(self, owner: int, topic: Topic) -> list[DialogId]:
        """An extension's live subscriptions to this."""
        return [one.id for one in self._by_owner.get(owner, {}).values() if one.topic == topic and one.ending is None]

    # What phones want

    def begin(self, id_: DialogId, owner: int, topic: Topic, seconds: float, now: float) -> list[Action]:
        """A SUBSCRIBE was granted for so long; 0 to be told once (§4.4.3)."""
        actions: list[Action] = []
        live = [one for one in self._by_owner[owner].values() if one.ending is None]
        for one in live[: max(0, len(live) + 1 - self._per_owner)]:
            actions += self._end(one, Ending.PROBATION, now)
        one = _Subscription(id_, owner, topic, now + seconds)
        self._all[id_] = self._by_topic[topic][id_] = self._by_owner[owner][id_] = one
        return actions + self._grant(one, seconds)

    def refresh(self, id_: DialogId, seconds: float, now: float) -> list[Action]:
        """A SUBSCRIBE within a live subscription was granted; 0 ends it (§4.2.1.4, §4.1.2.3)."""
        one = self._all[id_]
        one.expires_at = now + seconds
        self._by_owner[one.owner][id_] = self._by_owner[one.owner].pop(id_)
        return self._grant(one, seconds)

    def _grant(self, one: _Subscription, seconds: float) -> list[Action]:
        one.waits = True
        if seconds <= 0:
            one.ending = Ending.TIMEOUT
        else:
            self._order += 1
            heappush(self._expiries, (one.expires_at, self._order, one))
            if len(self._expiries) > 4 * len(self._all) + 64:  # most are of earlier refreshes
                self._expiries = [(when, n, old) for when, n, old in self._expiries if when == old.expires_at]
                heapify(self._expiries)
        return [Read(one.topic)]

    # What happens

    def learn(self, topic: Topic, state: State, now: float) -> list[Action]:
        """How it is with a topic now; nothing where that is known and told."""
        actions: list[Action] = []
        concerned = self._by_topic.get(topic)
        if concerned is None:
            return actions
        self._known[topic] = state
        for one in list(concerned.values()):
            if one.ending is None or one.waits:  # else its last NOTIFY is on its way, or will tell this
                one.owes = one.owes or one.waits or state != one.told
            one.waits = False
            actions += self._next(one, now)
        return actions

    def answered(self, id_: DialogId, status: int, now: float) -> list[Action]:
        """The NOTIFY under way has its final response; 408 where none came."""
        one = self._all.get(id_)
        if one is None or not one.asking:
            return []
        one.asking = False
        if status in LOST or (one.ending is not None and not one.waits and not one.owes):
            return self._drop(one, lost=one.ending is None and status != 408)
        if status >= 300:
            one.told = None  # it is told with the next change or refresh: whatever stands in the way may be gone then
        return self._next(one, now)

    def end(self, id_: DialogId, why: Ending, now: float) -> list[Action]:
        """End one; its phone is told."""
        one = self._all.get(id_)
        return [] if one is None else self._end(one, why, now)

    def end_all_of(self, owner: int, now: float) -> list[Action]:
        """An extension is gone, or nobody may use it any more."""
        ended = list(self._by_owner.get(owner, {}).values())
        return [action for one in ended for action in self._end(one, Ending.NO_RESOURCE, now)]

    def tick(self, now: float) -> list[Action]:
        """End what has expired."""
        actions: list[Action] = []
        while self._expiries and self._expiries[0][0] <= now:
            _, _, one = heappop(self._expiries)
            if one.expires_at <= now and one.ending is None and self._all.get(one.id) is one:
                actions += self._end(one, Ending.TIMEOUT, now)
        return actions

    # How it is done

    def _end(self, one: _Subscription, why: Ending, now: float) -> list[Action]:
        if one.ending is not None and not one.waits:
            return []
        one.ending = one.ending or why
        one.waits, one.owes = False, True
        return self._next(one, now)

    def _next(self, one: _Subscription, now: float) -> list[Action]:
        """The NOTIFY that is due, if any."""
        if one.asking or one.waits or not one.owes:
            return []
        one.owes, one.asking = False, True
        one.told = self._known.get(one.topic)
        if one.ending is not None:
            standing = f"terminated;reason={one.ending.value}"
        else:
            standing = f"active;expires={max(0, int(one.expires_at - now))}"
        return [Notify(one.id, one.topic, one.told, standing)]

    def _drop(self, one: _Subscription, *, lost: bool) -> list[Action]:
        del self._all[one.id], self._by_topic[one.topic][one.id], self._by_owner[one.owner][one.id]
        if not self._by_topic[one.topic]:
            del self._by_topic[one.topic]
            self._known.pop(one.topic, None)
        if not self._by_owner[one.owner]:
            del self._by_owner[one.owner]
        return [Over(one.id, one.topic if lost else None)]
