"""SIPp processes, and their message logs as data: what was on the wire when, told from outside our own process."""

import asyncio
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from .peer import bracketed
from .ports import free_port

needs_sipp = [
    pytest.mark.sipp,
    pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed: apt-get install sip-tester"),
]
"""Marks of a test that runs SIPp."""

LIFETIME = 50
"""Seconds after which SIPp ends by itself, whatever becomes of the test."""

_ENTRY = re.compile(
    r"^-{40,} (?P<at>[\d-]+ [\d:.]+)\n(?:UDP|TCP) message (?P<way>sent|received) [^\n]*\n\n"
    r"(?P<text>.*?)(?=^-{40,} |\Z)",
    re.MULTILINE | re.DOTALL,
)
_COMPLAINT = re.compile(r"unexpected|abort|retrans|cannot|unable|error", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """One message of SIPp's log. `at` is Unix time in seconds."""

    at: float
    sent: bool
    start: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, entry: re.Match[str]) -> "Message":
        """Read an entry of the log."""
        start, *lines = entry["text"].partition("\n\n")[0].splitlines()
        pairs = (line.partition(":") for line in lines)
        fields = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        return cls(datetime.fromisoformat(entry["at"]).timestamp(), entry["way"] == "sent", start, fields)

    @property
    def what(self) -> str:
        """The method of a request; status and method, such as "180 INVITE", of a response."""
        first, second, *_ = self.start.split()
        return f"{second} {self.get('CSeq').split()[-1]}" if first == "SIP/2.0" else first

    @property
    def is_final_to_invite(self) -> bool:
        """Whether it is a final response to an INVITE; a challenge does not count."""
        return re.match(r"(?!401)[2-6]\d\d INVITE", self.what) is not None

    def get(self, name: str) -> str:
        """The first value of a field, "" where there is none."""
        return next((value for field, value in self.fields if field == name.lower()), "")


class Sipp:
    """One SIPp process with its logs."""

    def __init__(self, name: str, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._folder = folder
        self._process = process

    @classmethod
    async def start(
        cls,
        name: str,
        folder: Path,
        server: tuple[str, int],
        *options: str,
        transport: str = "udp",
        port: int | None = None,
    ) -> "Sipp":
        """Start SIPp towards `server`, from `port` or a free one; `name` names it and its files in `folder`.

        With tls the server is the near end of a tunnel, as Debian's SIPp has only TCP.
        """
        host = bracketed(server[0])
        always = [
            *(f"{host}:{server[1]}", "-i", host, "-mi", host, "-p", str(port or free_port())),
            *("-t", {"udp": "u1", "tcp": "t1", "tls": "t1"}[transport], "-nostdin", "-timeout", f"{LIFETIME}s"),
            *("-trace_msg", "-message_file", str(folder / f"{name}.messages")),
            *("-trace_err", "-error_file", str(folder / f"{name}.errors")),
        ]
        with (folder / f"{name}.screen").open("wb") as screen:
            process = await asyncio.create_subprocess_exec(
                "sipp", *always, *options, cwd=folder, stdout=screen, stderr=asyncio.subprocess.STDOUT
            )
        return cls(name, folder, process)

    @property
    def messages(self) -> list[Message]:
        """Everything it sent and received so far."""
        return [Message.read(entry) for entry in _ENTRY.finditer(self._text("messages"))]

    @property
    def complaints(self) -> list[str]:
        """What went otherwise than its scenario says."""
        return [event for event in self._events() if _COMPLAINT.search(event)]

    async def logged(self, what: str, within: float = 5.0) -> Message:
        """Wait for a message, such as "INVITE" or "200 BYE"; returns the first one."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            found = next((message for message in self.messages if message.what == what), None)
            if found is not None:
                return found
            assert asyncio.get_running_loop().time() < deadline, f"no {what} in {self.story()}"
            await asyncio.sleep(0.02)

    async def ended(self, within: float = LIFETIME) -> int:
        """Wait for the process; returns its exit status, 0 where all went as its scenario says."""
        async with asyncio.timeout(within):
            return await self._process.wait()

    async def close(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def story(self) -> str:
        """What it said and heard, and what it complained of, for a test that fails."""
        lines = [
            f"{datetime.fromtimestamp(m.at):%H:%M:%S.%f} {'->' if m.sent else '<-'} {m.start}" for m in self.messages
        ]
        tail = self._events()[-5:] or self._text("screen").splitlines()[-5:]
        return "\n".join([f"SIPp {self.name}, exit status {self._process.returncode}", *lines[-25:], *tail])

    def _events(self) -> list[str]:
        """What SIPp found worth a line, good or bad; it writes no line ends between them."""
        return re.split(r"\n|(?=\d{4}-\d\d-\d\d\t)", self._text("errors"))

    def _text(self, kind: str) -> str:
        path = self._folder / f"{self.name}.{kind}"
        return path.read_text(errors="replace") if path.exists() else ""


def own_scenario(name: str) -> str:
    """A scenario that SIPp comes with, such as "uac"."""
    said = subprocess.run(["sipp", "-sd", name], capture_output=True, text=True, check=False).stdout
    return said[said.index("<?xml") :]
