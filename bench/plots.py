"""Pictures of results, as SVG whose text is text. The same figures make the same file, so that only changes differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {"Ringdove": "#2f6f9f", "Asterisk": "#d9782d", "Kamailio": "#7a8f3c", "floor": "#8a8a8a"}
"""What is measured beside others looks the same in every picture."""
_STYLE: Any = {
    "svg.hashsalt": "ringdove",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
}


@contextmanager
def picture(path: Path, title: str, across: str, up: str) -> Iterator[Axes]:
    """Axes to draw on; saved when left. `across` and `up` say what the axes are, with their units."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        axes.set(title=title, xlabel=across, ylabel=up)
        axes.set_axisbelow(True)
        yield axes
        axes.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
