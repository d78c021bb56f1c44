"""A call drawn as bars over time: who was to ring, who rang, how each ended; and what the server played to whom."""

from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.story import (
    Disposition,
    Heard,
    HeardKind,
    Hop,
    HopOutcome,
    LegResult,
    LegStory,
    NotYet,
    Party,
    Story,
)

from .scale import INVITED, PLAYED, RINGING, TO_RING, Scale, Span, seconds

LABEL_WIDTH = 22
RESULT_WIDTH = 28
_AT_ONCE = 0.1
"""Seconds below which nobody waits."""

RESULT_STYLE: dict[LegResult | NotYet, str] = {
    "": "cyan",
    LegResult.ANSWERED: "bold green",
    LegResult.ANSWERED_ELSEWHERE: "green",
    LegResult.NO_ANSWER: "yellow",
    LegResult.CALLER_GONE: "yellow",
    LegResult.DIVERTED: "yellow",
    LegResult.DIVERTED_ELSEWHERE: "yellow",
}
"""Anything else is a failure, in red."""

DISPOSITION_STYLE = {
    Disposition.ANSWERED: "green",
    Disposition.VOICEMAIL: "green",
    Disposition.NO_ANSWER: "yellow",
    Disposition.ABANDONED: "yellow",
    Disposition.BUSY: "red",
    Disposition.FAILED: "red",
}

_KINDS = {
    HeardKind.JOIN_PROMPT: "join prompt",
    HeardKind.WELCOME_PROMPT: "welcome prompt",
    HeardKind.GREETING: "greeting",
    HeardKind.RINGBACK: "ringback",
    HeardKind.MOH: "on hold",
}
_NOT_NAMES = {FOLLOW_SYSTEM: "the system's"}
_UNNAMED = {HeardKind.RINGBACK: "tone", HeardKind.MOH: "no music"}


class Timeline:
    """One story as a drawing that fits the terminal.

    `now` is the end of the scale while the call runs; `dated` whether to say when the call came.
    """

    def __init__(self, story: Story, *, now: float | None = None, dated: bool = True) -> None:
        self._story = story
        self._now = now
        self._dated = dated

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield headline(self._story, dated=self._dated)
        for hop in self._story.hops:
            yield _hop_title(hop)
            if hop.attempts:
                yield self._bars(hop, bar_width(options))
        if any(hop.attempts for hop in self._story.hops):
            yield legend()
        if self._story.heard or self._story.message:
            yield self._heard(bar_width(options))

    def _bars(self, hop: Hop, width: int) -> Table:
        origin = hop.ringing_from if hop.ringing_from is not None else hop.entered_at
        until = self._now if self._now is not None else hop.entered_at
        ends = [leg.ended_at or until for attempt in hop.attempts for leg in attempt.legs]
        if hop.outcome is not HopOutcome.ANSWERED:  # the talk is not part of the ringing
            ends.append(hop.left_at or until)
        scale = Scale(max(ends, default=origin) - origin, width)
        table = bar_table(width)
        table.add_row("", scale.ruler(), "")
        for attempt in hop.attempts:
            windows: list[Span] = [(w.start, w.stop, TO_RING) for w in attempt.windows]
            if not attempt.legs:
                why = f"skipped: {attempt.skipped}" if attempt.skipped else "not rung"
                table.add_row(person(attempt.member), scale.bar(windows, "dim"), Text(why, style="dim"))
            for leg in attempt.legs:
                label = person(attempt.member) if leg is attempt.legs[0] else Text("")
                bar = scale.bar(windows + _ringing(leg, origin, until), _style(leg))
                table.add_row(label, bar, _result(leg))
        return table

    def _heard(self, width: int) -> Table:
        """Who was played what, as bars over the seconds since the call came; and the message that the caller left."""
        heard, message = self._story.heard, self._story.message
        ends = [self._until(one) for one in heard]
        if message is not None:
            ends.append(message.began_at + message.seconds)
        scale = Scale(max(ends), width)
        table = bar_table(width)
        for number, party in {one.party.number: one.party for one in heard}.items():
            table.add_row(_listener(party), scale.ruler(), "")
            for one in heard:
                if one.party.number == number:
                    until = self._until(one)
                    bar = scale.bar([(one.began_at, until, PLAYED)], "magenta")
                    table.add_row(f"  {_KINDS[one.kind]}", bar, _what(one, until))
        if message is not None:
            bar = scale.bar([(message.began_at, message.began_at + message.seconds, PLAYED)], "green")
            table.add_row("✉ message", bar, Text.assemble("recorded", (f" {seconds(message.seconds)}", "dim")))
        return table

    def _until(self, heard: Heard) -> float:
        if heard.ended_at is not None:
            return heard.ended_at
        return self._now if self._now is not None else heard.began_at


def headline(story: Story, *, dated: bool = True) -> Text:
    """One line: when (if `dated`), who called what, how it ended."""
    when = datetime.fromtimestamp(story.started_at).astimezone().strftime("%Y-%m-%d %H:%M:%S  ")
    text = Text.assemble(
        (when if dated else "", "dim"),
        (f"{story.caller.number} {story.caller.name}".strip() or "somebody", "bold"),
        " dialled ",
        (story.dialled, "bold"),
        "  ",
    )
    answered, ended = story.answered_at, story.ended_at
    talked = None if answered is None or ended is None else ended - answered
    message = None if story.message is None else story.message.seconds
    text.append_text(ending(story.disposition, story.answered_by, answered, talked, story.final_status, message))
    return text.append(f"  {story.reason}", style="dim") if story.reason else text


def ending(
    disposition: Disposition | None,
    by: Party | None,
    after: float | None = None,
    talked: float | None = None,
    status: int | None = None,
    message: float | None = None,
) -> Text:
    """How the call ended, or that it runs (no disposition); who answered after how long, how many seconds the message
    has that was left, or else the SIP status.

    What was answered by nobody, the server answered itself.
    """
    plain = "not bold default"
    answered = by is not None or after is not None
    if disposition is None:
        text = Text("running", style="bold cyan").append(", answered" if answered else "", style=plain)
    else:
        text = Text(disposition, style=f"bold {DISPOSITION_STYLE[disposition]}")
    if answered:
        who = "the server" if by is None else f"{by.number} {by.name}".rstrip()
        text.append(f" by {who}", style=plain)
        text.append(f" after {seconds(after)}" if after is not None else "", style=plain)
        text.append(f", talked {seconds(talked)}" if talked is not None else "", style=plain)
    elif disposition is Disposition.VOICEMAIL:
        text.append(f", message of {seconds(message)}" if message is not None else ", no message", style=plain)
    elif disposition is not None and status is not None:
        text.append(f" ({status})", style=plain)
    return text


def bar_width(options: ConsoleOptions) -> int:
    """The columns that are left for bars."""
    return max(20, options.max_width - LABEL_WIDTH - RESULT_WIDTH - 4)


def bar_table(width: int) -> Table:
    """A grid of label, bar and result."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=LABEL_WIDTH, no_wrap=True)
    table.add_column(width=width, no_wrap=True)
    table.add_column(width=RESULT_WIDTH, no_wrap=True)
    return table


def person(party: Party) -> Text:
    """Number and name, cut to the label column."""
    label = Text.assemble((party.number, "bold"), f" {party.name}" if party.name != party.number else "")
    label.truncate(LABEL_WIDTH, overflow="ellipsis")
    return label


def legend() -> Text:
    """What the marks of a bar mean."""
    return Text(f"{TO_RING} to ring  {INVITED} invited  {RINGING} ringing", style="dim")


def _listener(party: Party) -> Text:
    """Above the bars of what somebody heard."""
    label = Text.assemble(("♪ ", "magenta"), person(party))
    label.truncate(LABEL_WIDTH, overflow="ellipsis")
    return label


def _what(heard: Heard, until: float) -> Text:
    """What it was called, and for how long it was heard."""
    length = f" {seconds(until - heard.began_at)}"
    name = Text(_NOT_NAMES.get(heard.name, heard.name) or _UNNAMED.get(heard.kind, ""))
    name.truncate(RESULT_WIDTH - len(length), overflow="ellipsis")
    return name.append(length, style="dim")


def _waited(hop: Hop) -> bool:
    """Whether ringing began later than the hop, after a prompt."""
    return hop.ringing_from is not None and hop.ringing_from - hop.entered_at >= _AT_ONCE


def onward(kind: str, number: str, name: str) -> Text:
    """Where a call goes."""
    return Text.assemble(
        ("→ ", "dim"),
        (kind, "bold cyan"),
        (f" {number}" if number else "", "bold"),
        f" {name}" if name and name != number else "",
    )


def _hop_title(hop: Hop) -> Text:
    return Text.assemble(
        onward(hop.kind, hop.number, hop.name),
        (f"  {hop.strategy}" if hop.strategy else "", "magenta"),
        (f"  at {seconds(hop.entered_at)}", "dim"),
        (f", rang from {seconds(hop.ringing_from or 0)}", "dim") if _waited(hop) else "",
        (f"  {hop.outcome.replace('_', ' ')}" if hop.outcome else "", "dim"),
    )


def _ringing(leg: LegStory, origin: float, until: float) -> list[Span]:
    ended = leg.ended_at or until
    spans = [(leg.invited_at - origin, ended - origin, INVITED)]
    if leg.ringing_at is not None:
        spans.append((leg.ringing_at - origin, ended - origin, RINGING))
    return spans


def _result(leg: LegStory) -> Text:
    result = Text(leg.result or "ringing", style=_style(leg))
    if leg.ended_at is not None:
        result.append(f" {seconds(leg.ended_at - leg.invited_at)}", style="dim")
    return result


def _style(leg: LegStory) -> str:
    return RESULT_STYLE.get(leg.result, "red")
