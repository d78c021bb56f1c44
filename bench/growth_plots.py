"""How things grow, as pictures: each curve a line."""

from pathlib import Path

from .growth_curves import CURVES
from .growth_report import Curves, Measure, cost, memory, ringing
from .plots import picture

FOLDER = Path(__file__).with_name("results")
COLOURS = ("#2f6f9f", "#d9782d", "#7a8f3c", "#9a4f96", "#8c6d46", "#4d9a93")
PICTURES: tuple[tuple[str, str, str, Measure], ...] = (
    ("growth-cpu.svg", "CPU of a call", "ms", cost),
    ("growth-ringing.svg", "INVITE to the first 18x, in the middle", "ms", ringing),
    ("growth-memory.svg", "Memory of all processes", "MB", memory),
)


def draw(found: Curves, folder: Path = FOLDER) -> list[tuple[str, str]]:
    """Draw them; what is seen on each, and the name of its file."""
    for file, title, unit, of in PICTURES:
        with picture(folder / file, title, "how many there are", f"{title}, {unit}") as axes:
            for curve, colour in zip(CURVES, COLOURS, strict=True):
                if points := found.get(curve.name):
                    sizes = [one.size for one in points]
                    axes.plot(sizes, list(map(of, points)), marker="o", color=colour, label=curve.title)
            axes.set_xscale("symlog", linthresh=1)
            axes.set_yscale("log")
            axes.set_xlim(left=0)
    return [(title, file) for file, title, _, _ in PICTURES]
