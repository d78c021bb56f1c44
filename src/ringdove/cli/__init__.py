"""The `ringdove` command: one file per group of commands. It draws and asks; the work is done elsewhere."""

from .main import main

__all__ = ["main"]
