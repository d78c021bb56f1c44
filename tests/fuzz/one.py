"""Fuzzes one target: `python -m fuzz.one TARGET FINDINGS [--stretch] [libFuzzer options] [CORPUS …]`.

A process of its own, because libFuzzer ends the process that it runs in.
"""

import sys
from pathlib import Path
from time import process_time

import atheris

with atheris.instrument_imports(include=["ringdove", "fuzz.targets"]):
    from .targets import load

    TARGET = load(sys.argv[1])

from .oracle import LARGEST, Findings

STRETCHING = 0.1
"""Share of the time that goes to long inputs, which say little about branches and much about costs."""


class Stretcher:
    """Makes long inputs out of short ones, as many as the time allows that they may take."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._taken = 0.0
        self._seen = 0

    def consider(self, data: bytes) -> None:
        """Run a piece of this input repeated until it is as long as inputs get, if it is time for one."""
        self._seen += 1
        if not data or self._taken > STRETCHING * process_time():
            return
        begun = process_time()
        at = self._seen * 7919 % len(data)
        piece = data[at : at + 1 + self._seen % 31]
        self._findings.judge(data[:at] + piece * ((LARGEST - len(data)) // len(piece)) + data[at:])
        self._taken += process_time() - begun


def main() -> None:
    """Fuzz until libFuzzer says that it is enough."""
    name, folder, *options = sys.argv[1:]
    findings = Findings(Path(folder), TARGET.check)
    stretcher = Stretcher(findings) if "--stretch" in options else None

    def run(data: bytes) -> None:
        findings.judge(data)
        if stretcher is not None:
            stretcher.consider(data)

    atheris.Setup([name, *(option for option in options if option != "--stretch")], run)
    atheris.Fuzz()


main()
