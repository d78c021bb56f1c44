"""The soak itself, for a few seconds: that what it promises can be kept, and that it is still told when it is not.

No timeout is waited for here (`--hurried`), so transactions, timers and tasks are judged by `make soak` only.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


def test_a_few_seconds_of_life_leave_nothing_behind(tmp_path: Path) -> None:
    kept = tmp_path / "report.md"
    flags = {"--seconds": 6, "--rate": 5, "--people": 12, "--seed": 1, "--keep": kept}
    command = [sys.executable, "-m", "soak", "--hurried", *(str(word) for flag in flags.items() for word in flag)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every call is accounted for by both sides" in kept.read_text()
