"""`sequentially` and `memory_hunt`: each member's turn comes when the one before it is over."""

from collections.abc import Collection, Sequence

from .plan import Change, Window, tidy


class Hunt:
    """A plan of turns, `ring_timeout` seconds each; `gathers`: who rings keeps ringing until the common end.

    Only the next turn has a time, from which the later ones follow: a turn that ends early moves nothing, however many
    are to come. Turns come in the order of `members`, the member list.
    """

    def __init__(
        self, members: Sequence[int], eligible: Collection[int], ring_timeout: float, *, gathers: bool
    ) -> None:
        self._timeout = ring_timeout
        self._gathers = gathers
        self._order = members
        self._places = {member: place for place, member in enumerate(members)}
        self._place = -1
        """Where in the order the last turn was that came."""
        self._coming = set(eligible)
        """Who waits for a turn."""
        self._next = 0.0
        """When the next turn comes, or the end after the last one."""
        self._open: dict[int, float] = {}
        """Whose window is open, and since when."""
        self._over: list[Window] = []
        self._opened: list[int] = []
        self._closed: list[int] = []

    @property
    def windows(self) -> list[Window]:
        """Those that are over, open, and to come."""
        coming = [member for member in self._order[self._place + 1 :] if member in self._coming]
        turns = [tidy(self._next + turn * self._timeout) for turn in range(len(coming) + 1)]
        stops = [turns[-1]] * len(turns) if self._gathers else turns
        rings = [Window(member, start, stops[0]) for member, start in self._open.items()]
        return [*self._over, *rings, *map(Window, coming, turns, stops[1:])]

    @property
    def due(self) -> float:
        """When the next turn or the end comes."""
        return self._next

    @property
    def waits(self) -> bool:
        """Whether somebody waits for a turn."""
        return bool(self._coming)

    def turn_to(self, at: float) -> Change:
        """Have the turns that come until then, and the end."""
        self._catch_up(at)
        if self._next <= at:
            self._close()
        change = Change(self._closed, self._opened)
        self._closed, self._opened = [], []
        return change

    def hurry(self, at: float) -> bool:
        """Let the next turn, or the end, come now; those behind it move with it."""
        moves = self._next > at
        if moves:
            self._next = at
        return moves

    def join(self, member: int, at: float) -> None:
        """Give it a turn at its place. Where that has passed a sequential hunt goes on without it."""
        self._catch_up(at)
        if self._places[member] > self._place:
            self._coming.add(member)
        elif self._gathers and (self._coming or at < self._next):
            self._open.setdefault(member, at)

    def is_open(self, member: int, at: float) -> bool:
        """Whether it has its turn, or keeps ringing after it."""
        return member in self._open

    def _catch_up(self, at: float) -> None:
        """Have the turns that come until then. The end is not seen to: somebody may join who puts it off."""
        while self._coming and self._next <= at:
            if not self._gathers:
                self._close()
            self._place += 1
            while self._order[self._place] not in self._coming:
                self._place += 1
            member = self._order[self._place]
            self._coming.remove(member)
            self._open[member] = self._next
            self._opened.append(member)
            self._next = tidy(self._next + self._timeout)

    def _close(self) -> None:
        """Every window that is open is over."""
        self._over += [Window(member, start, self._next) for member, start in self._open.items()]
        self._closed += self._open
        self._open.clear()
        self._opened.clear()
