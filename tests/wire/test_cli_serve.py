"""`ringdove serve` that cannot start: one line says why."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("ringdove")
PATIENCE = 30.0


def refused(*flags: str, **settings: str) -> str:
    """What is said on standard error by a start with these flags, and settings in the environment, that must fail."""
    command: list[str | Path] = [COMMAND, "serve", "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", *flags]
    environment = os.environ | {f"RINGDOVE_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_data_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert refused("--data", "/proc/nope") == "ringdove: /proc/nope: No such file or directory\n"
    assert refused("--data", str(file)) == f"ringdove: {file}: File exists\n"


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    said = refused("--data", str(tmp_path), "--database", f"sqlite:///{tmp_path}")
    assert said == "ringdove: the database cannot be opened: unable to open database file\n"


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pbx.crt"
    flags = ["--data", str(tmp_path), "--sip-tls", "127.0.0.1:0"]
    said = refused(*flags, tls_certificate=str(file), tls_key=str(file))
    assert said == f"ringdove: no certificate for TLS: {file}: No such file or directory\n"
