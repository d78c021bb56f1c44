"""What comes from a server, for a terminal: it obeys control characters, and phones wrote some of the text."""

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from ringdove.watch.drawing import visible


class Plain:
    """A drawing in whose text nothing is left that a terminal would obey."""

    def __init__(self, drawing: RenderableType) -> None:
        self._drawing = drawing

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._drawing, options):
            yield Segment(visible(segment.text), segment.style)
