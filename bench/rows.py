"""What is called: the kinds of call, each of which is a row of the tables, and the same for every server."""

from typing import Literal, NamedTuple


class Row(NamedTuple):
    """One kind of call. `rate`: calls a second at which servers are compared, which all of them can bear."""

    name: str
    title: str
    members: int
    rate: float
    strategy: Literal["ring_all", "sequentially"] = "ring_all"
    refusing: int = 0
    music: bool = False

    @property
    def number(self) -> str:
        """What is dialled for it."""
        return str(FIRST_GROUP + 100 * self.refusing + 400 * self.music + self.members)


ROWS = (
    Row("1", "1 member", 1, 20),
    Row("3", "3 members", 3, 20),
    Row("10", "10 members", 10, 10),
    Row("50", "50 members", 50, 5),
    Row("hunt", "3, one after the other", 3, 20, strategy="sequentially", refusing=2),
    Row("music", "3, music before the answer", 3, 20, music=True),
)
MOST = max(row.members for row in ROWS)
CALLERS = 1000
"""Callers there are, hence calls there may be at a time."""
FIRST_CALLER, FIRST_MEMBER, FIRST_GROUP = 1000, 2000, 6000


def caller_numbers(count: int = CALLERS) -> list[str]:
    """The extensions that call."""
    return [str(FIRST_CALLER + number) for number in range(count)]


def member_numbers(count: int = MOST) -> list[str]:
    """The extensions that are rung."""
    return [str(FIRST_MEMBER + number) for number in range(count)]
