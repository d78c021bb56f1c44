"""The SIP messages of a call on a terminal: as a ladder, or as they are."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ringdove.model.ladder import Ladder, LadderMessage
from ringdove.watch.drawing import draw, visible

_STYLES = {
    r"^ *-?\d+\.\d{3}": "dim",
    r"[│─┼]+": "dim",
    r" 1\d\d [A-Z][^─│…(]*": "cyan",
    r" 2\d\d [A-Z][^─│…(]*": "green",
    r" [3-6]\d\d [A-Z][^─│…(]*": "red",
    r"\b(INVITE|CANCEL|BYE)\b": "bold",
    r"↻": "bold yellow",
}


class LadderChart:
    """The drawing, as wide as the terminal allows."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads, *lines = draw(self._ladder, options.max_width)
        yield Text(heads, style="bold")
        for line in lines:
            text = Text(line, no_wrap=True, overflow="crop")
            for pattern, style in _STYLES.items():
                text.highlight_regex(pattern, style)
            yield text


class RawMessages:
    """Every message as a whole, with where it came from and went to."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        numbers = {leg.leg: leg.party.number for leg in self._ladder.legs}
        for message in self._ladder.messages:
            yield _heading(message, numbers[message.leg])
            yield Text(visible(message.text.replace("\r\n", "\n")))


def _heading(message: LadderMessage, number: str) -> Text:
    return Text.assemble(
        (f"── {message.time:.3f} s  ", "dim"),
        (f"{message.leg} {number}", "bold"),
        f"  {message.source} → {message.destination}",
        ("  sent again" if message.repeated else "", "yellow"),
    )
