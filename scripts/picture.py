"""Draws docs/demo.svg, the README's picture: runs the demo and keeps three of its calls."""

import io
import re
import sys
from pathlib import Path

import uvloop
from rich.console import Console
from rich.segment import Segment

from ringdove.demo.show import show

KEPT = ("6300: ", "6302: ", "6303: ")
"""How their titles begin."""
WIDTH = 100

console = Console(width=WIDTH, record=True, file=io.StringIO())
status = uvloop.run(show(console))
lines = list(Segment.split_lines(console._record_buffer))
kept, part = [], False
for line in lines:
    text = "".join(segment.text for segment in line)
    if text.startswith("─"):
        part = any(f"─ {title}" in text for title in KEPT)
    if part:
        kept += [*line, Segment.line()]
console._record_buffer = kept
picture = Path(__file__).parent.parent / "docs" / "demo.svg"
svg = console.export_svg(title="make demo")
picture.write_text(re.sub(r",\s*url\(\"https:[^)]*\) format\([^)]*\)", "", svg))  # no fonts from elsewhere
sys.exit(status)
