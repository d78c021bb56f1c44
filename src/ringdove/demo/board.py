"""What is seen while the calls run: a line for everything that happens, and below it every phone as a bar over time."""

import time
from collections.abc import Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ringdove.terminal.scale import INVITED, RINGING, TO_RING, Scale, Span, seconds
from ringdove.terminal.timeline import LABEL_WIDTH, bar_table, bar_width

from .incoming import IncomingLine
from .line import Ending, Line, State
from .phone import Phone
from .scenes import SCENES
from .stage import scene_of

_SPAN: Final = 28.0
"""Seconds on the scale from the start; it grows where the calls take longer."""

_ENVELOPE: Final = "✉"
"""A message waits."""

_NAMES = {scene.number: str(scene.request["name"]) for scene in SCENES}
_MAILBOXES = {scene.number for scene in SCENES if scene.mailbox is not None}


class Board:
    """Every phone and its calls since `began` (`time.monotonic()`)."""

    def __init__(self, phones: Iterable[Phone]) -> None:
        self.began = time.monotonic()
        self._phones = list(phones)
        self._news: list[Text] = []
        for phone in self._phones:
            phone.on_change = self._note
            phone.on_lamp = self._note_lamp

    def news(self) -> Text | None:
        """What has happened since this was last asked for, line by line; None for nothing."""
        news, self._news = self._news, []
        return Text("\n").join(news) if news else None

    def _note(self, line: Line) -> None:
        """Take down what has just happened to a call. It is printed later: drawing here would make phones slow."""
        told = _happening(line)
        if told is None:
            return
        words, style = told
        number = line.party
        if isinstance(line, IncomingLine):
            scene = scene_of(line)
            number = scene.number if scene is not None else ""
        self._add(line.phone, number, words, style)

    def _note_lamp(self, phone: Phone) -> None:
        """Take down what the server says of messages."""
        if phone.lamp is not None:
            self._add(phone, "", f"{_ENVELOPE} NOTIFY, {phone.lamp}", "yellow")

    def _add(self, phone: Phone, number: str, words: str, style: str) -> None:
        news = Text.assemble(
            (f"{time.monotonic() - self.began:6.2f} s  ", "dim"),
            (f"{number:<6}", "cyan"),
            (f"{phone.account.number} ", "bold"),
            f"{phone.account.name:<15}",
            (words, style),
        )
        self._news.append(news)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now = time.monotonic() - self.began
        width = bar_width(options)
        scale = Scale(max(_SPAN, now), width)
        table = bar_table(width)
        table.add_row("", scale.ruler(), "")
        for phone in self._phones:
            lit = phone.lamp is not None and phone.lamp.lit
            label = Text.assemble((phone.account.number, "bold"), f" {phone.account.name}")
            label.truncate(LABEL_WIDTH - 2 * lit, overflow="ellipsis")
            label.append(f" {_ENVELOPE}" if lit else "", style="bold yellow")
            bar = scale.bar([span for line in phone.lines for span in self._spans(line, now)], "yellow")
            bar.highlight_regex(f"{RINGING}+", "green")
            table.add_row(label, bar, _standing(phone))
        yield table
        yield Text(
            f"{INVITED} rings, or waits for an answer  {RINGING} talks  {TO_RING} holds  {_ENVELOPE} has a message",
            style="dim",
        )

    def _spans(self, line: Line, now: float) -> Iterable[Span]:
        end = now if line.over_at is None else line.over_at - self.began
        yield line.began_at - self.began, end, INVITED
        if line.answered_at is not None:
            yield line.answered_at - self.began, end, RINGING
        if line.held_at is not None:
            resumed = line.resumed_at - self.began if line.resumed_at is not None else end
            yield line.held_at - self.began, resumed, TO_RING


def _standing(phone: Phone) -> Text:
    """What a phone does at this moment."""
    line = next((line for line in phone.lines if line.state is not State.OVER), None)
    if line is None:
        return Text("")
    since = seconds(time.monotonic() - (line.answered_at or line.began_at))
    return Text(f"{line.state} {since}", style="green" if line.state is State.TALKING else "yellow")


def _happening(line: Line) -> tuple[str, str] | None:
    """What to say about the state that a call has just reached, and in which style; None for nothing new."""
    incoming = isinstance(line, IncomingLine)
    match line.state:
        case State.CALLING:
            return f"dials {line.party} {_NAMES.get(line.party, '')}", "bold"
        case State.HEARS_RINGBACK:
            return "hears it ring", "dim"
        case State.LISTENS:
            return "listens to what the server plays", "dim"
        case State.RINGING if isinstance(line, IncomingLine):
            tone = f", ringtone {line.ringtone}" if line.ringtone else ""
            return f"rings: {line.party} calls{tone}", "yellow"
        case State.HOLDING:
            return f"puts {line.party} on hold", "magenta"
        case State.TALKING if line.resumed_at is not None:
            return "goes on talking", "green"
        case State.TALKING if incoming:
            return "answers", "bold green"
        case State.TALKING if line.party in _MAILBOXES:
            return "is answered by voicemail", "dim"
        case State.OVER:
            return _farewell(line)
    return None


def _farewell(line: Line) -> tuple[str, str] | None:
    match line.ending:
        case Ending.CANCELLED:
            return f"CANCEL, {_because(line)}", "cyan"
        case Ending.REFUSED:
            return f"declines with {line.status}", "red"
        case Ending.REJECTED:
            return f"is turned down with {line.status}", "red"
        case Ending.GAVE_UP:
            return "gives up", "red"
        case Ending.HUNG_UP:
            return "hangs up", "bold"
        case Ending.LEFT if line.reason:
            return f"BYE, {_because(line)}", "cyan"
    return None


def _because(line: Line) -> str:
    return f"Reason: {line.reason}" if line.reason else "without a Reason"
