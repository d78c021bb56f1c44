"""Seconds as columns of a terminal."""

from collections.abc import Iterable

from rich.text import Text

_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_COLUMNS_PER_MARK = 9

TO_RING, INVITED, RINGING, PLAYED = "░", "▒", "█", "━"

Span = tuple[float, float, str]
"""From, to (seconds) and the mark to draw it with; later spans lie over earlier ones."""


class Scale:
    """Maps the seconds from 0 to `end` to `width` columns."""

    def __init__(self, end: float, width: int) -> None:
        self._end = max(1.0, end)
        self._width = width

    def ruler(self) -> Text:
        """Marks at round seconds."""
        step = next((s for s in _STEPS if self._end / s <= max(2, self._width // _COLUMNS_PER_MARK)), _STEPS[-1])
        line = [" "] * self._width
        for index in range(int(self._end / step) + 1):
            mark = f"{index * step:g}s"
            column = self._column(index * step)
            if column + len(mark) <= self._width:
                line[column : column + len(mark)] = mark
        return Text("".join(line), style="dim")

    def bar(self, spans: Iterable[Span], style: str) -> Text:
        """The spans as a bar; even the shortest shows."""
        cells = [" "] * self._width
        for start, stop, mark in spans:
            first = min(self._column(start), self._width - 1)
            last = max(self._column(stop), first + 1)
            cells[first:last] = mark * (last - first)
        return Text("".join(cells), style=style)

    def _column(self, at: float) -> int:
        return min(self._width, max(0, round(at / self._end * self._width)))


def seconds(value: float) -> str:
    """A duration for a person."""
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {value % 60:.0f} s"
