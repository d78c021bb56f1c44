"""Who has to be woken when: a heap whose outdated entries are skipped."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from .machine import Machine

M = TypeVar("M", bound=Machine)


class Schedule(Generic[M]):
    """The deadlines of machines. Setting one costs O(log n); an entry that no longer counts is dropped when met."""

    __slots__ = ("_due", "_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, M]] = []
        self._due: dict[M, float] = {}
        self._order = count()

    def update(self, machine: M) -> None:
        """Take over the machine's deadline, also that it has none."""
        at = machine.deadline
        if at is None:
            self._due.pop(machine, None)
        elif self._due.get(machine) != at:
            self._due[machine] = at
            heappush(self._heap, (at, next(self._order), machine))

    @property
    def deadline(self) -> float | None:
        """The earliest one."""
        heap = self._heap
        while heap and self._due.get(heap[0][2]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> Iterator[M]:
        """The machines whose time has come; each is to be updated before the next is asked for."""
        while (at := self.deadline) is not None and at <= now:
            machine = heappop(self._heap)[2]
            del self._due[machine]
            yield machine

    def __len__(self) -> int:
        return len(self._due)
