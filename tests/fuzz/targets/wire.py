"""What the two processes tell each other: whatever text gets into a message, it is one line and says the same."""

import typing
from collections.abc import Sequence
from typing import Any

from ringdove.media.embedded import wire

from ..choices import Choices

KINDS = (*typing.get_args(wire.Command), *typing.get_args(wire.Report))
SEEDS: Sequence[bytes] = tuple(bytes((number,)) + bytes(range(32, 96)) for number in range(len(KINDS)))
WORDS: Sequence[bytes] = (b"\n", b'"', b"\\", b"\x00", "\u2028".encode(), b"\xed\xa0\x80", b"is")


def check(data: bytes) -> None:
    """A message of some kind, out of choices."""
    choices = Choices(data)
    kind = choices.pick(KINDS)
    hints = typing.get_type_hints(kind)
    message = kind(**{name: _value(hints[name], choices) for name in kind._fields})
    line = wire.encode([message])
    assert line.count(b"\n") == 1
    assert line.isascii()
    read = wire.read_commands if kind in typing.get_args(wire.Command) else wire.read_reports
    again = read(line)
    assert [type(message) for message in again] == [kind]
    assert wire.encode(again) == line


def _value(hint: Any, choices: Choices) -> Any:
    kinds = typing.get_args(hint)
    match typing.get_origin(hint) or hint:
        case kind if kind is bool:
            return choices.flag()
        case kind if kind is int:
            return choices.number(4)
        case kind if kind is float:
            return choices.number(4) / 1000
        case kind if kind is str:
            return choices.text()
        case kind if kind is tuple:
            return tuple(_value(part, choices) for part in kinds)
        case kind if kind is Sequence:
            return [_value(kinds[0], choices) for _ in range(choices.number() % 4)]
        case _:
            return _value(kinds[0], choices) if choices.flag() else None
