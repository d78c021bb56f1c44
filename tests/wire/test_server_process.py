"""`ringdove serve` as a process: what an operator sees of it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = [str(Path(sys.executable).with_name("ringdove"))]
PATIENCE = 30.0


@contextmanager
def serving(data: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on free ports; the process and its ready line."""
    command = [*COMMAND, "serve", "--data", str(data), "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", *flags]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield server, _ready_line(server)
    finally:
        server.kill()
        server.communicate()


def _ready_line(server: "subprocess.Popen[str]") -> str:
    assert server.stdout
    for line in server.stdout:
        if "ready" in line:
            return line
    assert server.stderr
    raise AssertionError(server.stderr.read())


def http_of(line: str) -> str:
    match = re.search(r"http://[\d.]+:\d+", line)
    assert match
    return match[0]


def resident(process_id: int) -> int:
    """Resident memory in bytes."""
    status = Path(f"/proc/{process_id}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match
    return int(match[1]) * 1024


def children(process_id: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]


def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_one_line_says_that_it_is_ready_and_where(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, line):
        assert re.fullmatch(
            r"Ringdove is ready\. API and /docs: http://127\.0\.0\.1:\d+  SIP, UDP and TCP: 127\.0\.0\.1:\d+\n", line
        )
        assert httpx.get(f"{http_of(line)}/healthz").json() == {"status": "ready"}


def test_an_idle_server_stays_under_120_mb_both_processes_together(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _):
        media = children(server.pid)
        assert len(media) == 1, "one process for media"
        used = sum(resident(process) for process in (server.pid, *media))
        assert used < 120 * 1024**2, f"{used / 1024**2:.0f} MB"


def test_sigterm_ends_it_and_its_media_process(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _):
        media = children(server.pid)
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
        deadline = time.monotonic() + PATIENCE
        while any(Path(f"/proc/{process}").exists() for process in media):
            assert time.monotonic() < deadline, "the media process is still there"
        assert not (tmp_path / "running").exists()


def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as (_, line):
        sip = line.split()[-1]
        second = ask("serve", "--data", str(tmp_path / "two"), "--http", "127.0.0.1:0", "--sip", sip)
    assert second.returncode == 1
    assert second.stderr == f"ringdove: SIP cannot listen on {sip}, udp: Address already in use\n"


@pytest.mark.parametrize(
    ("flag", "value", "said"), [("--sip", "nowhere", "--sip: "), ("--rtp-ports", "9-1", "--rtp-ports: ")]
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, flag: str, value: str, said: str) -> None:
    refused = ask("serve", "--data", str(tmp_path), flag, value)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_command_line_asks_the_running_server(tmp_path: Path) -> None:
    with serving(tmp_path, "--sample-data"):
        assert "No calls yet" in ask("calls", "--data", str(tmp_path)).stdout
        unknown = ask("simulate", "6300", "--data", str(tmp_path))
        assert unknown.returncode == 1
        assert unknown.stderr == "ringdove: there is no ring group 6300\n"
    nobody = ask("calls", "--data", str(tmp_path / "elsewhere"))
    assert nobody.returncode == 1
    assert "no server runs with the data folder" in nobody.stderr
