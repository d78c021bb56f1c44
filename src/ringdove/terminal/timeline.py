"""A call drawn as bars over time: who was to ring, who rang, how each ended."""

from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from ringdove.model.story import Attempt, Disposition, Hop, LegStory, Story

_LABEL_WIDTH = 22
_RESULT_WIDTH = 26
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)

RESULT_STYLE = {
    "answered": "bold green",
    "answered elsewhere": "green",
    "declined": "red",
    "busy": "red",
    "no answer": "yellow",
    "caller gone": "yellow",
}
DISPOSITION_STYLE = {
    Disposition.ANSWERED: "green",
    Disposition.VOICEMAIL: "green",
    Disposition.NO_ANSWER: "yellow",
    Disposition.ABANDONED: "yellow",
    Disposition.BUSY: "red",
    Disposition.FAILED: "red",
}


class Timeline:
    """One story as a drawing; adapts to the width of the terminal. `now` is the end of the scale while it runs."""

    def __init__(self, story: Story, *, now: float | None = None) -> None:
        self._story = story
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield headline(self._story)
        width = max(20, options.max_width - _LABEL_WIDTH - _RESULT_WIDTH - 4)
        for hop in self._story.hops:
            yield self._hop(hop, width)
        if any(hop.attempts for hop in self._story.hops):
            yield Text.assemble(
                ("░", "cyan"), " to ring  ", ("▒", "cyan"), " invited  ", ("█", "cyan"), " ringing", style="dim"
            )

    def _hop(self, hop: Hop, width: int) -> Group:
        title = Text.assemble(
            ("→ ", "dim"),
            (hop.kind, "bold cyan"),
            (f" {hop.number}" if hop.number else "", "bold"),
            f" {hop.name}" if hop.name else "",
            (f"  {hop.strategy}" if hop.strategy else "", "magenta"),
            (f"  at {_seconds(hop.entered_at)}", "dim"),
            (f"  {hop.outcome.replace('_', ' ')}" if hop.outcome else "", "dim"),
        )
        if not hop.attempts:
            return Group(title)
        scale = _Scale(hop, self._now, width)
        table = Table.grid(padding=(0, 1))
        table.add_column(width=_LABEL_WIDTH, no_wrap=True)
        table.add_column(width=width, no_wrap=True)
        table.add_column(width=_RESULT_WIDTH, no_wrap=True)
        table.add_row("", scale.ruler(), "")
        for attempt in hop.attempts:
            for row in _rows(attempt, scale):
                table.add_row(*row)
        return Group(title, table)


def headline(story: Story) -> Text:
    """One line: when, who called what, how it ended."""
    caller = f"{story.caller.number} {story.caller.name}".strip()
    text = Text.assemble(
        (datetime.fromtimestamp(story.started_at).astimezone().strftime("%Y-%m-%d %H:%M:%S"), "dim"),
        "  ",
        (caller, "bold"),
        " dialled ",
        (story.dialled, "bold"),
        "  ",
    )
    if story.disposition is None:
        return text.append("running", style="bold cyan")
    text.append(story.disposition, style=f"bold {DISPOSITION_STYLE[story.disposition]}")
    if story.answered_by is not None and story.answered_at is not None:
        text.append(f" by {story.answered_by.number} {story.answered_by.name}".rstrip())
        text.append(f" after {_seconds(story.answered_at)}")
        if story.ended_at is not None:
            text.append(f", talked {_seconds(story.ended_at - story.answered_at)}")
    elif story.final_status is not None:
        text.append(f" ({story.final_status})")
    return text.append(f"  {story.reason}", style="dim") if story.reason else text


class _Scale:
    """Maps seconds of a hop to columns."""

    def __init__(self, hop: Hop, now: float | None, width: int) -> None:
        self.origin = hop.ringing_from if hop.ringing_from is not None else hop.entered_at
        ends = [leg.ended_at or leg.invited_at for a in hop.attempts for leg in a.legs]
        if hop.outcome != "answered":  # the talk is not part of the ringing
            ends.append(hop.left_at or now or hop.entered_at)
        self.end = max(1.0, max(ends, default=self.origin) - self.origin)
        self.running_until = now
        self._width = width

    def column(self, at: float) -> int:
        """The column of a time that counts from the origin."""
        return min(self._width, max(0, round(at / self.end * self._width)))

    def ruler(self) -> Text:
        """Marks at round seconds."""
        step = next((s for s in _STEPS if self.end / s <= max(2, self._width // 9)), _STEPS[-1])
        line = [" "] * (self._width + 8)
        for index in range(int(self.end / step) + 1):
            mark = f"{index * step:g}s"
            column = self.column(index * step)
            if column + len(mark) <= self._width:
                line[column : column + len(mark)] = mark
        return Text("".join(line[: self._width]), style="dim")

    def bar(self, attempt: Attempt, leg: LegStory | None) -> Text:
        """The windows in which the member was to ring, and over them how this leg rang."""
        cells = [" "] * self._width
        for window in attempt.windows:
            self._fill(cells, window.start, window.stop, "░")
        style = "dim"
        if leg is not None:
            ended = leg.ended_at or self.running_until or leg.invited_at
            self._fill(cells, leg.invited_at - self.origin, ended - self.origin, "▒")
            if leg.ringing_at is not None:
                self._fill(cells, leg.ringing_at - self.origin, ended - self.origin, "█")
            style = RESULT_STYLE.get(leg.result, "cyan" if not leg.result else "red")
        return Text("".join(cells), style=style)

    def _fill(self, cells: list[str], start: float, stop: float, mark: str) -> None:
        first = self.column(start)
        last = max(self.column(stop), first + 1)
        cells[first:last] = mark * (min(last, self._width) - first)


def _rows(attempt: Attempt, scale: _Scale) -> list[tuple[Text, Text, Text]]:
    label = Text.assemble((attempt.member.number, "bold"), f" {attempt.member.name}")
    label.truncate(_LABEL_WIDTH, overflow="ellipsis")
    if not attempt.legs:
        why = f"skipped: {attempt.skipped}" if attempt.skipped else "not rung"
        return [(label, scale.bar(attempt, None), Text(why, style="dim"))]
    rows = []
    for leg in attempt.legs:
        result = Text(leg.result or "ringing", style=RESULT_STYLE.get(leg.result, "cyan" if not leg.result else "red"))
        result.append(f" {_seconds(leg.ended_at - leg.invited_at)}" if leg.ended_at is not None else "", style="dim")
        rows.append((label if leg is attempt.legs[0] else Text(""), scale.bar(attempt, leg), result))
    return rows


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {value % 60:.0f} s"
