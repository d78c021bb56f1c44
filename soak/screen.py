"""What is seen while it runs."""

import time
from collections import Counter

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from .run import Soak
from .vitals import spark

_SHOWN = 5
"""Complaints at a time."""


class Screen:
    """A picture of a running soak, drawn anew when it is looked at."""

    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self._phase = ""
        self._length = 1.0
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(None), TaskProgressColumn(), expand=True)
        self._task = self._bar.add_task("", total=1.0)

    def live(self) -> Live:
        """To be entered; draws itself."""
        return Live(get_renderable=self._draw, refresh_per_second=2, transient=True)

    def _draw(self) -> Group:
        soak = self._soak
        left = max(0.0, soak.ends_at - time.monotonic())
        if soak.phase != self._phase:
            self._phase, self._length = soak.phase, max(left, 1.0)
        known = bool(soak.ends_at)
        done = 1 - min(1.0, left / self._length) if known else 0.0
        description = f"{soak.phase}, {left:3.0f} s left" if known else soak.phase
        self._bar.update(self._task, completed=done, description=description)
        return Group(self._bar, self._facts(), *(Text(line, style="red") for line in self._complaints()))

    def _facts(self) -> Table:
        soak, ledger = self._soak, self._soak.ledger
        table = Table.grid(padding=(0, 2))
        outcomes = Counter(attempt.outcome for attempt in ledger.attempts)
        rows = {
            "calls": f"{len(ledger.attempts)}: " + ", ".join(f"{n} {what}" for what, n in outcomes.most_common(6)),
            "now": f"{len(ledger.outgoing())} calls, {ledger.talks()} lines in talk, {len(ledger.incoming())} called",
            "phones on": str(soak.life.awake if soak.life else 0),
            "datagrams": ", ".join(f"{n} {what}" for what, n in soak.weather.done.most_common()),
        }
        if soak.samples:
            latest = soak.samples[-1].memory
            rows["memory"] = ", ".join(f"{name} {size:.1f} MB" for name, size in latest.items())
            rows[""] = spark([sum(sample.memory.values()) for sample in soak.samples])
        for what, how in rows.items():
            table.add_row(what, how)
        return table

    def _complaints(self) -> list[str]:
        told = self._soak.life.complaints if self._soak.life else []
        return told[-_SHOWN:]
