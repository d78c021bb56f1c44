"""Draws docs/demo.svg, the README's picture: runs the demo and keeps its last part."""

import io
import re
import sys
from pathlib import Path

import uvloop
from rich.console import Console
from rich.segment import Segment

from ringdove.demo.show import show

FROM = "6301: "
WIDTH = 100

console = Console(width=WIDTH, record=True, file=io.StringIO())
status = uvloop.run(show(console))
lines = list(Segment.split_lines(console._record_buffer))
start = next(i for i, line in enumerate(lines) if "─ " + FROM in "".join(segment.text for segment in line))
console._record_buffer = [segment for line in lines[start:] for segment in (*line, Segment.line())]
picture = Path(__file__).parent.parent / "docs" / "demo.svg"
svg = console.export_svg(title="make demo")
picture.write_text(re.sub(r",\s*url\(\"https:[^)]*\) format\([^)]*\)", "", svg))  # no fonts from elsewhere
sys.exit(status)
