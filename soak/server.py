"""The server as a process: it is started, looked at from outside, killed and started again."""

import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from bench.process import Measured, running
from prometheus_client.parser import text_string_to_metric_families

from ringdove.client import Client
from ringdove.settings import HostPort

LOGIN = {"RINGDOVE_CLIENT_ID": "soak", "RINGDOVE_CLIENT_SECRET": "a-secret-of-the-soak"}
_SETTINGS = {"RINGDOVE_NEVER_BAN": "127.0.0.1/32"}
"""All phones have one address, and those of extensions that are disabled go on to register."""
_NO_PORT = "127.0.0.1:0"
_SAID = {"http": "http://", "tcp": "TCP: ", "tls": "TLS: "}
"""What stands before each address on the line that says that it is ready."""

_DATABASE = "open files, database"
BOUNDS = {_DATABASE: 12, "open files, media": 2 * 1024 + 20}
"""What is kept for the next time, with the most there may be of it: a writer and two readers, up to three files each,
and one more for the first look; the pairs of ports that stay open (ADR 0022), beside what the process needs.
"""

GAUGES = {
    "ringdove_registrations": "registrations",
    "ringdove_subscriptions": "subscriptions",
    "ringdove_transactions": "transactions",
    "ringdove_dialogs": "dialogs",
    "ringdove_legs": "legs",
    "ringdove_media_ports": "ports for audio",
    "ringdove_media_sessions": "media sessions",
    "ringdove_records_waiting": "records not yet written",
    "ringdove_tasks": "tasks",
    "ringdove_timers": "timers",
}
"""What the server says that it holds, and what that is called here."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds at a moment: by its own account, and in open files of both of its processes."""

    gauges: Mapping[str, int]
    files: Mapping[str, int]


class Server:
    """`ringdove serve` with this data folder. Addresses stay the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._starts = 0
        self._process: Measured
        self._media = 0
        self.http = HostPort.parse(_NO_PORT)
        self.sip = dict.fromkeys(("udp", "tcp", "tls"), self.http)
        """Where it listens, by transport."""

    def start(self) -> None:
        """Returns when it is ready; raises DidNotStart."""
        self._starts += 1
        command = [str(Path(sys.executable).with_name("ringdove")), "serve", "--sample-data"]
        command += ["--data", str(self._folder / "data"), "--http", str(self.http)]
        command += ["--sip", str(self.sip["udp"]), "--sip-tls", str(self.sip["tls"])]
        self._process = self._stack.enter_context(
            running(command, self._folder / f"log-{self._starts}", LOGIN | _SETTINGS)
        )
        told = {name: HostPort(*self._process.address(said)) for name, said in _SAID.items()}
        self.http, self.sip = told["http"], {"udp": told["tcp"], "tcp": told["tcp"], "tls": told["tls"]}
        self._media = next(
            pid for pid in self._process.children() if "ringdove.media" in Path(f"/proc/{pid}/cmdline").read_text()
        )

    def kill(self) -> None:
        """End it as a crash does."""
        os.kill(self._process.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it, if it runs."""
        self._stack.close()

    def api(self) -> Client:
        """Its interface."""
        return Client(self.http, *LOGIN.values())

    # What is seen from outside

    def memory(self) -> Mapping[str, float]:
        """Resident MB of each process."""
        return {name: _resident(pid) for name, pid in self._processes.items()}

    def waited(self) -> float:
        """Seconds for which the server so far wanted a core of the machine and got none (proc(5), schedstat)."""
        return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[1]) / 1e9

    async def held(self) -> Held:
        """What it holds."""
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            answer = await http.get(f"http://{self.http}/metrics")
        told: Counter[str] = Counter()
        for family in text_string_to_metric_families(answer.raise_for_status().text):
            for sample in family.samples:  # not by the name of the family, which counters have without their `_total`
                if sample.name in GAUGES:
                    told[GAUGES[sample.name]] += round(sample.value)
        files: Counter[str] = Counter()
        for name, pid in self._processes.items():
            for file in _open_files(pid):
                files[_DATABASE if ".db" in file else f"open files, {name}"] += 1
        return Held({name: told[name] for name in GAUGES.values()}, files)

    def log(self) -> Iterator[Mapping[str, str]]:
        """The lines of its log so far; a line that is none (a traceback, a warning of Python) is an error."""
        for number in range(1, self._starts + 1):
            for line in (self._folder / f"log-{number}").read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    entry = {"level": "error", "event": line}
                yield entry

    @property
    def _processes(self) -> Mapping[str, int]:
        return {"server": self._process.pid, "media": self._media}


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _open_files(pid: int) -> Iterator[str]:
    """What each open file of a process is: a path, or the like of `socket:[1234]`."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            yield os.readlink(file)
