"""Calls, who is blocked, and mailboxes as tables; the plan of a ring group as bars."""

from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from ringdove.model.blocked import Blocked
from ringdove.model.call_log import LogResult, LogRow
from ringdove.model.call_row import CallRow
from ringdove.model.simulation import Simulation
from ringdove.model.voicemail import MailboxRow

from .scale import TO_RING, Scale, Span, seconds
from .timeline import bar_table, bar_width, ending, onward, person

_LOG_STYLE = {
    LogResult.ANSWERED: "green",
    LogResult.ANSWERED_ELSEWHERE: "green",
    LogResult.VOICEMAIL: "green",
    LogResult.MISSED: "red",
    LogResult.NO_ANSWER: "yellow",
    LogResult.CANCELLED: "yellow",
    LogResult.BUSY: "red",
    LogResult.FAILED: "red",
}


def call_table(rows: list[CallRow], total: int) -> Table:
    """The calls, one a line; `total` is how many there are in all."""
    table = Table(box=None, header_style="dim", padding=(0, 1), caption=f"{len(rows)} of {total} calls")
    for column in ("time", "call", "from", "to", "went to", "ended"):
        table.add_column(column, no_wrap=column not in {"went to", "ended"})
    for row in rows:
        told = (_when(row.start_time), row.id, row.caller.number, row.dialled, " → ".join(row.route))
        table.add_row(*map(Text, told), _ending(row))
    return table


def log_table(rows: list[LogRow], total: int) -> Table:
    """The calls of one extension, one a line; `total` is how many there are in all."""
    table = Table(box=None, header_style="dim", padding=(0, 1), caption=f"{len(rows)} of {total} calls")
    for column in ("time", "call", "way", "with", "through", "result", "talked"):
        table.add_column(column, no_wrap=column not in {"with", "through"})
    for row in rows:
        group = f"{row.ring_group.number} {row.ring_group.name}" if row.ring_group else ""
        talked = "" if row.talk_duration is None else seconds(row.talk_duration)
        told = (_when(row.time), row.call_id, str(row.direction))
        result = Text(row.result.replace("_", " "), style=_LOG_STYLE[row.result])
        table.add_row(*map(Text, told), person(row.with_), Text(group), result, talked)
    return table


def blocked_table(rows: list[Blocked], now: float) -> Table:
    """Who is blocked, one a line."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for column in ("who", "at", "for another", "ban no.", "failures", "tried"):
        table.add_column(column)
    for row in rows:
        left = seconds(max(0.0, row.block_expire_time - now))
        told = (row.ip or f"user {row.user}", f"{row.service} {row.reason}", left, str(row.times), str(row.failures))
        table.add_row(*map(Text, told), Text(", ".join(row.tried)))
    return table


def mailbox_table(rows: list[MailboxRow]) -> Table:
    """The mailboxes, one a line."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for column in ("number", "name", "new", "old"):
        table.add_column(column, justify="right" if column in {"new", "old"} else "left")
    for row in rows:
        table.add_row(Text(row.number), Text(row.name), Text(str(row.count.new)), Text(str(row.count.old)))
    return table


def _when(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().strftime("%m-%d %H:%M:%S")


def _ending(row: CallRow) -> Text:
    if row.duration is not None and row.talk_duration is not None:
        return ending(row.disposition, row.answered_by, row.duration - row.talk_duration, row.talk_duration)
    return ending(row.disposition, row.answered_by, message=row.message_duration)


class SimulationChart:
    """Who would ring from when to when, who would not and why, and where the call goes that nobody answers."""

    def __init__(self, number: str, name: str, simulation: Simulation) -> None:
        self._title = Text.assemble("If somebody dialled ", (f"{number} {name}", "bold"), " now:")
        self._simulation = simulation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._title
        width = bar_width(options)
        windows = self._simulation.windows
        scale = Scale(max((w.stop for w in windows), default=0), width)
        table = bar_table(width)
        if windows:
            table.add_row("", scale.ruler(), "")
        for member in dict.fromkeys(w.member.number for w in windows):
            own = [w for w in windows if w.member.number == member]
            spans: list[Span] = [(w.start, w.stop, TO_RING) for w in own]
            said = ", ".join(f"{w.start:g} to {seconds(w.stop)}" for w in own)
            table.add_row(person(own[0].member), scale.bar(spans, "cyan"), said)
        for skipped in self._simulation.skipped:
            table.add_row(person(skipped.member), "", Text(f"skipped: {skipped.reason}", style="dim"))
        yield table
        if not windows:
            yield Text("Nobody would ring.", style="yellow")
        then = self._simulation.onward
        when = "If nobody answers: " if windows else "The call goes on: "
        yield Text.assemble(when, onward(then.kind, then.number, then.name))
