"""Starting a fuzzer and reading what it says."""

import asyncio
import os
import re
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parents[1]
LONGEST = 4_096
"""Octets of the inputs that libFuzzer makes; longer ones are made by stretching these."""
_PULSE = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass
class Run:
    """One fuzzer, what it did so far, and how it ended."""

    name: str
    state: str = "waits"
    executions: int = 0
    coverage: int = 0
    features: int = 0
    inputs: int = 0
    findings: list[str] = field(default_factory=list)
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=30))
    exit_code: int = 0

    @property
    def failed(self) -> bool:
        """Whether it found something, or broke down."""
        return bool(self.findings or self.exit_code)

    def hear(self, line: str) -> None:
        """Take in a line that it said."""
        self.last_words.append(line)
        if pulse := _PULSE.match(line):
            self.executions, self.coverage, self.features, self.inputs = map(int, pulse.groups())
        elif line.startswith("FINDING "):
            self.findings.append(line.removeprefix("FINDING "))
        elif "Test unit written to " in line:  # a hang, a crash of the interpreter
            self.findings.append(line.partition("written to ")[2])

    async def go(self, findings: Path, options: Sequence[str], folders: Sequence[Path]) -> None:
        """Fuzz from start to end; new inputs go to the first of the folders, faults to `findings`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "fuzz.one", self.name, str(findings), f"-artifact_prefix={findings}/", f"-max_len={LONGEST}"),
            *("-timeout=30", "-rss_limit_mb=1024", *options, *map(str, folders)),
            env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": "0"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
        )
        assert process.stdout
        self.state = "runs"
        try:
            async for line in process.stdout:
                self.hear(line.decode("utf-8", "replace").rstrip())
            self.exit_code = await process.wait()
        finally:
            self.state = "ended"
            if process.returncode is None:
                process.kill()
                await process.wait()
