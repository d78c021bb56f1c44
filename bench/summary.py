"""All parts in one place, from the files that they keep: what is wanted, met or not; and what the README quotes.

`python -m bench summary` puts it together anew; every part that keeps its results does so at its end.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .report import Row, Sheet, table

RESULTS = Path(__file__).with_name("results")
README = Path(__file__).parents[1] / "README.md"
PARTS = ("calls", "media", "held", "registrations", "growth")
"""In the order in which they run."""
FILE = "summary.md"
BEGIN, END = "<!-- what `python -m bench summary` writes -->", "<!-- until here -->"
"""Between which lines the README quotes it."""
_QUOTED = {"CPU of a call at the same rate, ms": "CPU of a call, ms", "Highest rate on time": "calls a second at most"}
"""Tables of the calls by the beginning of their titles, and what is said of them."""
_SERVERS = ("Ringdove", "Asterisk", "Kamailio")
_MET = {"yes": "yes", "holds": "yes", "no": "no", "does not hold": "no"}
_MIDDLE = re.compile(r" \(.*\)$")


class Goal(NamedTuple):
    """Something that is wanted; `met` is yes or no, or – where it could not be said."""

    part: str
    wanted: str
    found: str
    met: str


def write(results: Path = RESULTS, readme: Path = README) -> Sheet:
    """Put the file together, and what the README quotes of it; returns what is wanted."""
    kept = {part: read(file.read_text()) for part in PARTS if (file := results / f"{part}.md").exists()}
    goals = [goal for part, sheets in kept.items() for goal in wanted(part, sheets)]
    quoted = _quoted(kept, goals)
    runs = Sheet("The runs", ("part", "date", "commit", "machine", "load before"), list(_runs(kept)))
    shown = Sheet("What is wanted", ("part", *Goal._fields[1:]), [tuple(goal) for goal in goals])
    preface = "Put together from the latest run of each part of `make bench`. [How to read it](../README.md)"
    parts = [f"# How fast Ringdove is\n\n{preface}\n\n{quoted}"]
    parts += [f"## {sheet.title}\n\n{table(sheet)}" for sheet in (shown, runs)]
    (results / FILE).write_text("\n".join(parts))
    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if end:
        readme.write_text(f"{before}{begin}\n\n{quoted}\n{end}{after}")
    return shown


def read(text: str) -> list[Sheet]:
    """The tables of a file that `report.write` made."""
    sheets = []
    for part in text.split("\n## ")[1:]:
        title, _, rest = part.partition("\n")
        lines = [_cells(line) for line in rest.splitlines() if line.startswith("|")]
        if lines:
            sheets.append(Sheet(title, lines[0], lines[2:]))
    return sheets


def wanted(part: str, sheets: list[Sheet]) -> Iterator[Goal]:
    """What is wanted of a part: a table of it, or a column of tables that say more."""
    for sheet in sheets:
        if "wanted" not in sheet.columns:
            continue
        for row in sheet.rows:
            cells = dict(zip(sheet.columns, row, strict=True))
            if "found" in cells:
                yield Goal(part, cells["wanted"], cells["found"], _MET.get(cells["holds"], "–"))
                continue
            found = cells[next(name for name in sheet.columns if " / " in name)]
            pairs = zip(cells["wanted"].split("; "), cells["met"].split("; "), strict=False)
            for goal, met in pairs:
                if goal:
                    what = f"{sheet.title.partition(',')[0]}, {row[0]}: {goal}"
                    told = cells["Ringdove"] if goal.startswith("below") else f"{found} times Asterisk's"
                    yield Goal(part, what, told, _MET.get(met, "–"))


def _quoted(kept: dict[str, list[Sheet]], goals: list[Goal]) -> str:
    """The table for the README, and a line about how many goals are met."""
    text = ""
    if calls := kept.get("calls"):
        of = [sheet for begin in _QUOTED for sheet in calls if sheet.title.startswith(begin)]
        columns = ["rung", *(f"{what}: {name}" for what in _QUOTED.values() for name in _SERVERS)]
        rows: list[Row] = []
        for turn, row in enumerate(of[0].rows):
            cells = [dict(zip(sheet.columns, sheet.rows[turn], strict=True)) for sheet in of]
            rows.append([row[0], *(_MIDDLE.sub("", cell.get(name, "–")) for cell in cells for name in _SERVERS)])
        text += table(Sheet("", columns, rows)) + "\n"
    runs = list(_runs(kept))
    known = [goal for goal in goals if goal.met != "–"]
    met = sum(goal.met == "yes" for goal in known)
    dates, machines = (sorted({run[cell] for run in runs}) for cell in (1, 3))
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "never"
    return f"{text}{met} of {len(known)} goals are met; measured {', '.join((when, *machines))}.\n"


def _runs(kept: dict[str, list[Sheet]]) -> Iterator[Row]:
    for part, sheets in kept.items():
        around = {row[0]: row[1] for row in sheets[-1].rows}
        yield part, *(around.get(what, "–") for what in ("date", "commit", "machine", "load before"))


def _cells(line: str) -> Row:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
