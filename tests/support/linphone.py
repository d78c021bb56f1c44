"""Another real phone for tests: Debian's linphonec without a sound card, driven by what it reads and prints.

    async with Linphone.open(tmp_path / "alice", alice, house.sip) as phone:
        await phone.registered()
        await phone.dial("6300")
        await phone.says("connected")

It plays and records WAV files instead of a microphone and a loudspeaker. It looks at its messages now and then only: up
to a second passes between one and what comes of it.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import soundfile

from .house import Person
from .ports import free_port
from .tone import Sound

PROGRAM = shutil.which("linphonec")
needs_linphone = [
    pytest.mark.linphone,
    pytest.mark.skipif(PROGRAM is None, reason="linphonec is not installed: apt-get install linphone-cli"),
]
"""Marks of a test that runs linphonec."""

_LIFETIME = 60
"""Seconds after which it ends by itself, should the test run have been killed."""


class Linphone:
    """One running linphonec with one account. Made by `open`."""

    def __init__(self, person: Person, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.person = person
        self._folder = folder
        self._process = process
        self._said = ""
        self._read_up_to = 0
        self._news = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path, person: Person, server: tuple[str, int], *, transport: str = "udp"
    ) -> AsyncIterator["Linphone"]:
        """Start a phone that registers as `person` at `server`."""
        assert PROGRAM is not None, "linphonec is not installed"
        _write_config(folder, transport)
        # Line by line: what it printed last must not be lost in a buffer when it is killed.
        command = ["timeout", str(_LIFETIME), "stdbuf", "-oL", PROGRAM, "-c", str(folder / "rc")]
        process = await asyncio.create_subprocess_exec(
            *(*command, "-d", "6", "-l", str(folder / "log")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "TERM": "dumb"},
        )
        phone = cls(person, folder, process)
        reader = asyncio.create_task(phone._read())
        try:
            await phone.does("soundcard use files")
            await phone.says("Using wav files", within=10)
            where = f"{server[0]}:{server[1]}"
            proxy = f"sip:{where};transport={transport}"
            await phone.does(f"register sip:{person.number}@{where} {proxy} {person.reg_password}")
            yield phone
        finally:
            await phone._stop()
            await reader
            print(f"--- linphonec {person.number} ---\n{phone._said}")

    # What a person does with a phone

    async def does(self, command: str) -> None:
        """Type a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def dial(self, number: str) -> None:
        """Call a number."""
        await self.does(f"call {number}")

    async def accept(self) -> None:
        """Answer the call that rings."""
        await self.does("answer")

    async def hang_up(self) -> None:
        """End the call."""
        await self.does("terminate")

    async def hold(self) -> None:
        """Put the other side on hold."""
        await self.does("pause")

    async def resume(self, call: int = 1) -> None:
        """Talk again."""
        await self.does(f"resume {call}")

    async def speaks(self, sound: Path) -> None:
        """Say what is in a WAV file."""
        await self.does(f"play {sound}")

    async def records(self) -> None:
        """Write down what it hears from now on."""
        await self.does(f"record {self._recording}")

    # What it says

    async def registered(self) -> None:
        """Wait until the server has taken its registration."""
        async with asyncio.timeout(8):
            while True:
                await self.does("status register")
                with suppress(AssertionError):
                    await self.says("registered, identity", within=0.5)
                    return

    async def says(self, pattern: str, *, within: float = 5.0) -> None:
        """Wait until it says something like this; what it said before is not looked at again."""

        def heard() -> bool:
            found = re.search(pattern, self._said[self._read_up_to :])
            if found:
                self._read_up_to += found.end()
            return found is not None

        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(heard)
        except TimeoutError:
            raise AssertionError(f"{self.person.number} does not say {pattern!r} in {within} s") from None

    @property
    def heard(self) -> Sound:
        """What it has written down."""
        samples, rate = soundfile.read(self._recording, dtype="float32")
        return Sound(rate, samples)

    @property
    def messages(self) -> str:
        """Its log, SIP messages included."""
        return (self._folder / "log").read_text(errors="replace")

    @property
    def _recording(self) -> Path:
        return self._folder / "heard.wav"

    # The program

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(4096):
            self._said += chunk.decode(errors="replace")
            async with self._news:
                self._news.notify_all()

    async def _stop(self) -> None:
        with suppress(ConnectionError):
            await self.does("quit")
        try:
            await asyncio.wait_for(self._process.wait(), 3)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _write_config(folder: Path, transport: str) -> None:
    ports = {"udp": "sip_port", "tcp": "sip_tcp_port", "tls": "sip_tls_port"}
    (folder / ".local/share/linphone").mkdir(parents=True)
    lines = [
        "[sip]",
        *(f"{name}={free_port() if kind == transport else 0}" for kind, name in ports.items()),
        "verify_server_certs=0",  # the server's certificate is its own
        "verify_server_cn=0",
        "use_ipv6=0",
        "guess_hostname=0",
        "contact=sip:phone@127.0.0.1",
        "[rtp]",
        "audio_rtp_port=-1",  # any free one
        "[net]",
        "mtu=0",
    ]
    (folder / "rc").write_text("\n".join([*lines, ""]))
