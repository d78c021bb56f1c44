"""Calls as pictures: what a call costs by the number of phones that ring, and how many a server bears."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import TYPE_CHECKING

from .calls_report import TITLES
from .plots import COLOURS, picture
from .rows import Row

if TYPE_CHECKING:
    from .calls import Outcomes

FOLDER = Path(__file__).with_name("results")
COST, RATE = "calls-cpu.svg", "calls-rate.svg"


def draw(outcomes: Outcomes, rows: Sequence[Row], folder: Path = FOLDER) -> list[tuple[str, str]]:
    """Draw both; what is seen on each, and the name of its file."""
    _cost(outcomes, [row for row in rows if row.strategy == "ring_all" and not row.music], folder / COST)
    _rate(outcomes, rows, folder / RATE)
    return [("CPU of a call by members", COST), ("Highest rates", RATE)]


def _servers(outcomes: Outcomes) -> list[str]:
    return [name for name in TITLES if any(server == name for server, _ in outcomes)]


def _cost(outcomes: Outcomes, rows: Sequence[Row], path: Path) -> None:
    with picture(path, "CPU of a ring_all call", "members that ring", "CPU of a call, ms") as axes:
        for name in _servers(outcomes):
            those = [row for row in rows if (name, row.name) in outcomes]
            costs = [[1000 * run.cpu for run in outcomes[name, row.name].runs] for row in those]
            middle = [median(cost) for cost in costs]
            below = [one - min(cost) for one, cost in zip(middle, costs, strict=True)]
            above = [max(cost) - one for one, cost in zip(middle, costs, strict=True)]
            axes.errorbar(
                [row.members for row in those],
                middle,
                yerr=[below, above],
                marker="o",
                capsize=3,
                color=COLOURS[TITLES[name]],
                label=TITLES[name],
            )
        axes.set(xscale="log", yscale="log")
        axes.set_xticks([row.members for row in rows], [str(row.members) for row in rows], minor=False)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()


def _rate(outcomes: Outcomes, rows: Sequence[Row], path: Path) -> None:
    with picture(path, "Highest rate on time, one core", "", "calls a second") as axes:
        servers = _servers(outcomes)
        width = 0.8 / max(1, len(servers))
        for place, name in enumerate(servers):
            borne = {
                at: outcomes[name, row.name].highest for at, row in enumerate(rows) if (name, row.name) in outcomes
            }
            places = [at + (place - (len(servers) - 1) / 2) * width for at in borne]
            heights = [median(rates) for rates in borne.values()]
            drawn = axes.bar(places, heights, width, color=COLOURS[TITLES[name]], label=TITLES[name])
            axes.bar_label(drawn, fmt="%.0f", fontsize=8)
        axes.set_xticks(range(len(rows)), [fill(row.title, 12) for row in rows], fontsize=8)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
