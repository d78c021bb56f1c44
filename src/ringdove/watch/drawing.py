"""Draws the SIP messages of a call as a ladder of plain text: who, Ringdove in the middle, arrows from top to bottom.

Where there are more phones than fit side by side they share one column, and what several of them say or are told at
about the same time is one arrow with their numbers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ringdove.model.ladder import Ladder, LadderMessage

CALLER: Final = "caller"
US: Final = "Ringdove"
AGAIN: Final = "↻"
SDP: Final = "SDP"
NARROWEST: Final = 64
"""Columns below which the drawing does not shrink any more."""

_TIME = 9
_MARGIN = 4
"""Columns between the times and the caller's line, for half of its number."""
_GAP = 18
"""Between the caller's line and ours, and ours and the first phone's, at least; the labels stand there."""
_WIDEST_GAP = 30
_LANE = 8
"""From one phone's line to the next."""
_NUMBERS = 20
"""For the numbers at an arrow of several phones, at least."""
_MOMENT = 0.1
"""Seconds within which what phones say is told together."""


def draw(ladder: Ladder, width: int) -> list[str]:
    """The lines of the drawing, at most `width` columns wide where that is enough for it."""
    if not ladder.messages:
        return ["No messages."]
    width = max(width, NARROWEST)
    phones = [leg.leg for leg in ladder.legs if leg.leg != CALLER]
    numbers = {leg.leg: leg.party.number for leg in ladder.legs}
    layout = _lanes(phones, numbers, width) or _Layout.shared(len(phones), width)
    rows = _single(ladder.messages) if layout.lanes else _together(ladder.messages)
    lines = [layout.heads(numbers)]
    lines += [layout.arrow(row, [numbers[leg] for leg in row.legs], width) for row in rows]
    return [*lines, *_notes(ladder, rows), *(_call_ids(ladder) if layout.lanes else ())]


def visible(text: str) -> str:
    """What strangers wrote, for a terminal, which takes orders by control characters; lines and tabs stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


@dataclass(slots=True)
class _Row:
    """One arrow: the same label, one way, at about the same time."""

    time: float
    label: str
    outbound: bool
    legs: list[str]

    @property
    def is_callers(self) -> bool:
        return self.legs[0] == CALLER


@dataclass(slots=True)
class _Layout:
    """In which column each line stands. Without `lanes`, `phones` share one."""

    caller: int
    us: int
    first: int
    phones: int
    lanes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def shared(cls, phones: int, width: int) -> "_Layout":
        """All phones in one column, with room for their numbers beside it."""
        start = _TIME + _MARGIN
        gap = max(_GAP, min(_WIDEST_GAP, (width - start - _NUMBERS - 3) // 2))
        return cls(start, start + gap + 1, start + 2 * (gap + 1), phones)

    def heads(self, numbers: dict[str, str]) -> str:
        heads = {self.caller: numbers.get(CALLER, CALLER), self.us: US}
        if self.lanes:
            heads |= {column: numbers[leg][: _LANE - 1] for leg, column in self.lanes.items()}
        elif self.phones:
            heads[self.first] = f"{self.phones} phones"
        line = " " * _TIME
        for column, text in heads.items():
            start = max(len(line), column - (len(text) - 1) // 2)
            line = line.ljust(start) + text + " "
        return line.rstrip()

    def arrow(self, row: _Row, numbers: list[str], width: int) -> str:
        cells = list(f"{round(row.time, 3) + 0.0:8.3f}".ljust(self._last + 1))  # + 0.0: no -0.000
        for column in self._columns:
            cells[column] = "│"
        left, right = (self.caller, self.us) if row.is_callers else (self.us, self.lanes.get(row.legs[0], self.first))
        for column in range(left + 1, right):
            cells[column] = "┼" if cells[column] == "│" else "─"
        points_right = row.outbound != row.is_callers
        cells[right - 1 if points_right else left + 1] = "►" if points_right else "◄"
        room = min(right, self.us if row.is_callers else self.first) - left - 1
        label = f" {_cut(row.label, room - 5)} "
        start = left + 1 + (room - len(label)) // 2
        cells[start : start + len(label)] = label
        line = "".join(cells)
        if self.lanes or row.is_callers:
            return line
        return f"{line} {_named(numbers, self.phones, width - len(line) - 1)}"

    @property
    def _columns(self) -> list[int]:
        phones = self.lanes.values() if self.lanes else [self.first] if self.phones else []
        return [self.caller, self.us, *phones]

    @property
    def _last(self) -> int:
        return max(self._columns)


def _lanes(phones: Sequence[str], numbers: dict[str, str], width: int) -> _Layout | None:
    """A column for each phone; None where they do not fit side by side."""
    start = _TIME + _MARGIN
    beside = max(0, len(phones) - 1) * _LANE
    gap = (width - start - beside - _MARGIN - 2) // 2
    if gap < _GAP and phones:
        return None
    gap = min(gap, _WIDEST_GAP)
    us = start + gap + 1
    first = us + gap + 1
    return _Layout(start, us, first, len(phones), {leg: first + i * _LANE for i, leg in enumerate(phones)})


def _single(messages: Iterable[LadderMessage]) -> list[_Row]:
    return [_Row(m.time, _label(m), m.direction == "out", [m.leg]) for m in messages]


def _together(messages: Iterable[LadderMessage]) -> list[_Row]:
    """Rows in which several phones say, or are told, the same within a moment."""
    rows: list[_Row] = []
    recent: dict[tuple[str, bool], _Row] = {}
    for row in _single(messages):
        alike = recent.get((row.label, row.outbound))
        if row.is_callers:
            recent.clear()
        elif alike is not None and row.time - alike.time <= _MOMENT:
            alike.legs += row.legs
            continue
        else:
            recent[row.label, row.outbound] = row
        rows.append(row)
    return rows


def _label(message: LadderMessage) -> str:
    """What the message is, in few words."""
    if message.start_line.startswith("SIP/"):
        label = message.start_line.partition(" ")[2]
        if message.method != "INVITE":
            label += f" ({message.method})"
    else:
        label = message.method
    if "\r\n\r\nv=0" in message.text:
        label += f" {SDP}"
    label = visible(label).expandtabs(1)
    return f"{AGAIN} {label}" if message.repeated else label


def _named(numbers: Sequence[str], phones: int, room: int) -> str:
    """The numbers of several phones in one line: neighbours as a range, and how many more where they do not fit."""
    if len(numbers) == phones > 1:
        return f"all {phones}"
    parts = list(_ranges(sorted(set(numbers), key=lambda number: (len(number), number))))
    text = ", ".join(part for part, _ in parts)
    while len(text) > room and len(parts) > 1:
        parts.pop()
        rest = len(set(numbers)) - sum(count for _, count in parts)
        text = f"{', '.join(part for part, _ in parts)} +{rest}"
    return text


def _ranges(numbers: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Three or more numbers that follow each other as one; with how many each stands for."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end < len(numbers) and _follows(numbers[end - 1], numbers[end]):
            continue
        run = numbers[start:end]
        if len(run) > 2:
            yield f"{run[0]}–{run[-1]}", len(run)
        else:
            yield from ((number, 1) for number in run)
        start = end


def _follows(before: str, number: str) -> bool:
    return before.isdecimal() and number.isdecimal() and len(before) == len(number) and int(number) == int(before) + 1


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _notes(ladder: Ladder, rows: Iterable[_Row]) -> Iterator[str]:
    labels = [row.label for row in rows]
    signs = [f"{AGAIN} sent again"] if any(label.startswith(AGAIN) for label in labels) else []
    if any(label.endswith(SDP) for label in labels):
        signs.append(f"{SDP}: carries a session description")
    if signs:
        yield "  ".join(signs)
    if ladder.left_out:
        yield f"{ladder.left_out} more messages were not kept."


def _call_ids(ladder: Ladder) -> Iterator[str]:
    """What each phone's own log calls the call."""
    for leg in ladder.legs:
        yield f"{leg.party.number:>{_TIME - 1}} {leg.leg}: Call-ID {leg.sip_call_id}"
