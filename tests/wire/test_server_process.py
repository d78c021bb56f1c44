"""`ringdove serve` as a process: what an operator sees of it."""

import asyncio
import json
import os
import re
import resource
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.model.story import Party, Story
from ringdove.settings import Settings
from ringdove.store import Store
from ringdove.store.calls import Entry
from support.processes import children

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


def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_one_line_says_that_it_is_ready_and_where(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, line):
        assert re.fullmatch(
            r"Ringdove is ready\. API and /docs: http://127\.0\.0\.1:\d+  SIP, UDP and TCP: 127\.0\.0\.1:\d+\n", line
        )
        assert httpx.get(f"{http_of(line)}/healthz").json() == {"status": "ready"}


def test_it_opens_as_many_files_as_it_may(tmp_path: Path) -> None:
    """1024 is what many systems start with, and fewer than the connections that strangers can hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        with serving(tmp_path) as (server, _):
            assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_ready_line_names_the_tls_address_too(tmp_path: Path) -> None:
    with serving(tmp_path, "--sip-tls", "127.0.0.1:0") as (_, line):
        match = re.search(r"  TLS: 127\.0\.0\.1:(\d+)\n", line)
        assert match
        shown = ssl.get_server_certificate(("127.0.0.1", int(match[1])))
        assert shown in (tmp_path / "keys" / "sip-tls.crt").read_text()


def test_a_server_that_was_used_stays_under_120_mb_both_processes_together(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, line):
        secret = json.loads((tmp_path / "keys" / "cli.json").read_text())
        login = {"username": secret["client_id"], "password": secret["client_secret"]}
        with httpx.Client(base_url=http_of(line)) as http:
            for _ in range(3):
                assert http.post("/openapi/v1.0/get_token", json=login).json()["errcode"] == 0
            for page in ("/docs", "/openapi.json"):
                assert http.get(page).status_code == 200
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


def seed(data: Path) -> None:
    """Leave in a data folder a call that runs on its node, and a binding that is reached over a connection."""
    node = data / "node"
    if not node.exists():
        data.mkdir()
        node.write_text("a-node\n")

    async def write() -> None:
        store = await Store.open(Settings(data=data).database_url)
        alice = await store.extensions.create(Extension(number="1999"))
        story = Story(id="a", started_at=1.0, caller=Party(id=alice.id, number="1999"), dialled="6300")
        await store.calls.save([Entry(story, node.read_text().strip())])
        await store.bindings.put(
            StoredBinding(
                extension_id=alice.id,
                key="k",
                contact="sip:1999@127.0.0.1:40000;transport=tcp",
                call_id="c",
                cseq=1,
                transport="tcp",
                local_host="127.0.0.1",
                local_port=5060,
                remote_host="127.0.0.1",
                remote_port=50000,
                expires_at=4e9,
                registered_at=1.0,
            )
        )
        await store.close()

    asyncio.run(write())


def dump(data: Path) -> list[str]:
    """The whole database as SQL."""
    with closing(sqlite3.connect(data / "ringdove.db")) as db:
        return list(db.iterdump())


def test_an_address_that_is_taken_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    two = tmp_path / "two"
    seed(two)
    before = dump(two)
    with serving(tmp_path / "one") as (_, line):
        http, sip = http_of(line).removeprefix("http://"), line.split()[-1]
        for flags, said in (
            (("--http", "127.0.0.1:0", "--sip", sip), f"SIP cannot listen on {sip}, udp"),
            (("--http", http, "--sip", "127.0.0.1:0"), f"the API cannot listen on {http}"),
        ):
            second = ask("serve", "--data", str(two), *flags)
            assert second.returncode == 1
            assert second.stderr == f"ringdove: {said}: Address already in use\n"
            assert dump(two) == before


def test_a_second_server_on_a_data_folder_is_refused_and_leaves_the_first_alone(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, line):
        seed(tmp_path)
        before, running = dump(tmp_path), (tmp_path / "running").read_text()
        second = ask("serve", "--data", str(tmp_path), "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0")
        assert second.returncode == 1
        assert second.stderr == f"ringdove: a server already runs with the data folder {tmp_path}\n"
        assert dump(tmp_path) == before
        assert (tmp_path / "running").read_text() == running
        assert httpx.get(f"{http_of(line)}/healthz").json() == {"status": "ready"}
        server.kill()
        server.wait(PATIENCE)
        with serving(tmp_path):
            assert dump(tmp_path) != before, "the next server closes what the killed one left open"


def test_nobody_else_can_read_what_the_server_keeps(tmp_path: Path) -> None:
    data = tmp_path / "data"
    mask = os.umask(0)
    try:
        with serving(data):
            modes = {name: (data / name).stat().st_mode & 0o777 for name in (".", "keys", "keys/cli.json")}
            files = {file.name: file.stat().st_mode & 0o777 for file in data.glob("ringdove.db*")}
    finally:
        os.umask(mask)
    assert modes == {".": 0o700, "keys": 0o700, "keys/cli.json": 0o600}
    assert files == {"ringdove.db": 0o600, "ringdove.db-wal": 0o600, "ringdove.db-shm": 0o600}


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--sip", "nowhere", "--sip: "),
        ("--rtp-ports", "9-1", "--rtp-ports: "),
        ("--database", "foo", "--database: wants an SQLAlchemy URL"),
    ],
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
