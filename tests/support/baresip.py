"""A real phone for tests: Debian's baresip without screen or sound card, driven over its control connection.

    async with Baresip.open(tmp_path / "alice", alice, house.sip, tone=440) as phone:
        await phone.registered()
        await phone.dial("6300")
        await phone.expect("CALL_ESTABLISHED")
        await phone.hears(1000)

It sends a sine tone and writes down what it receives. In the end it prints its log, SIP messages included, which pytest
shows of tests that fail.
"""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .hearing import Span, melody
from .house import Person
from .peer import bracketed
from .ports import free_port
from .tone import Sound, strength

PROGRAM = shutil.which("baresip")
needs_baresip = [pytest.mark.baresip, pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed")]
"""Marks of a test that runs baresip."""

CODECS = {"PCMU": "pcmu/8000/1", "PCMA": "pcma/8000/1", "G722": "g722/16000/1"}

_STARTUP = 10.0
_LIFETIME = 60
"""Seconds after which it ends by itself, should the test run have been killed."""
_GLANCE = 0.2
"""Seconds of sound that are judged at a time."""
_STEADY = 10
"""Packets (of 20 ms) that are more than what was still on its way."""
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_WAV_HEADER = 44


class Baresip:
    """One running baresip with one account. Made by `open`."""

    def __init__(
        self, person: Person, folder: Path, server: tuple[str, int], process: asyncio.subprocess.Process
    ) -> None:
        self.person = person
        self.events: list[dict[str, Any]] = []
        """Everything that the phone reported, oldest first: `type` such as CALL_ESTABLISHED, `param`, `direction`."""
        self._folder = folder
        self._server = server
        self._process = process
        self._log: list[str] = []
        self._unseen: list[dict[str, Any]] = []
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self._control: asyncio.StreamWriter | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        folder: Path,
        person: Person,
        server: tuple[str, int],
        *,
        tone: int,
        codecs: Sequence[str] = ("PCMU",),
        transport: str = "udp",
        answermode: str = "manual",
        watches_mailbox: bool = False,
        trusted: Path | None = None,
    ) -> AsyncIterator["Baresip"]:
        """Start a phone that registers as `person` at `server` and sends a sine of `tone` Hz.

        It knows `codecs` and no others, and likes the first one best.
        `answermode` is manual, early (183 with a description at once, then as manual) or auto; only manual reports
        CALL_INCOMING. One that `watches_mailbox` subscribes to its mailbox once it is registered. `trusted` is the
        certificate that it wants from the server (TLS).
        """
        assert PROGRAM is not None, "baresip is not installed"
        port = free_port()
        _write_config(folder, port, tone, server[0], trusted)
        # Line by line: what it printed last must not be lost in a buffer when it is killed.
        version = "-6" if ":" in server[0] else "-4"
        command = ["stdbuf", "-oL", PROGRAM, version, "-s", "-v", "-t", str(_LIFETIME), "-f", str(folder)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        phone = cls(person, folder, server, process)
        readers = [asyncio.create_task(phone._read_log())]
        try:
            await phone._until(lambda: "baresip is ready." in phone._log, _STARTUP, "its start")
            reader, phone._control = await asyncio.open_connection("127.0.0.1", port)
            readers.append(asyncio.create_task(phone._read_control(reader)))
            address = f"<sip:{person.number}@{bracketed(server[0])}:{server[1]};transport={transport}>"
            login = f"auth_user={person.reg_name};auth_pass={person.reg_password}"
            voice = ",".join(CODECS[codec] for codec in codecs)
            habits = f"audio_codecs={voice};answermode={answermode};regint=600"
            habits += f";mwi={'yes' if watches_mailbox else 'no'}"
            await phone.command("uanew", f"{address};{login};{habits}")
            yield phone
        finally:
            await phone._stop()
            await asyncio.wait(readers)
            print(f"--- baresip {person.number} ---\n{phone.log}")

    # What a person does with a phone

    async def command(self, name: str, params: str = "") -> str:
        """Do what a command of baresip's menu does; returns what it prints. Fails when the command does."""
        assert self._control is not None
        token = str(len(self._answers))
        self._answers[token] = asyncio.get_running_loop().create_future()
        self._control.write(_netstring(json.dumps({"command": name, "params": params, "token": token})))
        answer = await asyncio.wait_for(self._answers[token], 5)
        assert answer["ok"], f"{name} {params}: {answer['data']}"
        return str(answer["data"])

    async def dial(self, number: str) -> None:
        """Call a number."""
        await self.command("dial", number)

    async def accept(self) -> None:
        """Answer the call that rings."""
        await self.command("accept")

    async def hang_up(self) -> None:
        """End the call, or decline it."""
        await self.command("hangup")

    async def hold(self) -> None:
        """Put the other side on hold."""
        await self.command("hold")

    async def resume(self) -> None:
        """Talk again."""
        await self.command("resume")

    async def press(self, keys: str) -> None:
        """Press keys in a call, each for 180 ms (RFC 4733); returns when the first one is down."""
        await self.command("sndcode", keys)

    # What it reports

    async def registered(self) -> None:
        """Wait until the server has taken its registration."""
        await self.expect("REGISTER_OK", within=5)

    async def expect(self, kind: str, *, within: float = 3.0) -> dict[str, Any]:
        """The next event of this kind that nobody waited for before."""

        def find() -> dict[str, Any] | None:
            return next((event for event in self._unseen if event["type"] == kind), None)

        await self._until(lambda: find() is not None, within, kind)
        event = find()
        assert event is not None
        self._unseen.remove(event)
        return event

    async def says(self, text: str, *, within: float = 3.0) -> None:
        """Wait until its log has a line with this text."""
        await self._until(lambda: any(text in line for line in self._log), within, repr(text))

    async def request(self, method: str, number: int = 1, *, within: float = 3.0) -> str:
        """Wait for the first (second …) of `received`."""
        await self._until(lambda: len(self.received(method)) >= number, within, f"{method} {number}")
        return self.received(method)[number - 1]

    def received(self, method: str) -> list[str]:
        """The requests of this method that came from where the server listens, as text.

        The first line says how they came ("UDP 127.0.0.1:5060 -> 127.0.0.1:46237").
        """
        return self._messages(rf"{method} sip:")

    def responses(self, method: str) -> list[str]:
        """The responses to its requests of this method, as text that begins as that of `received`."""
        return [text for text in self._messages("SIP/2.0 ") if re.search(rf"^CSeq: \d+ {method}$", text, re.MULTILINE)]

    def _messages(self, start: str) -> list[str]:
        host, port = self._server
        pattern = rf"^\w+ {re.escape(host)}:{port} -> .+\n{start}(?:.+\n)+\n(?:[a-z]=.*\n)*\n"
        return re.findall(pattern, self.log, re.MULTILINE)

    @property
    def log(self) -> str:
        """What it printed so far: its SIP messages both ways, and its own words."""
        return "".join(f"{line}\n" for line in self._log)

    # What it hears

    @property
    def heard(self) -> Sound:
        """All sound that has arrived by RTP so far, decoded; packets that never came leave no gap.

        baresip 1.0.0 writes down nothing more of a call once it has put that on hold or changed its codec: it takes the
        recorder out of the way of what it receives, and only of that, and does not put it back. `hears_something` still
        knows. To be held by the other side changes nothing, as no re-INVITE comes of it.
        """
        recordings = [path.read_bytes() for path in sorted(self._folder.glob("dump-*-dec.wav"))]
        recordings = [recording for recording in recordings if len(recording) > _WAV_HEADER]
        if not recordings:
            return Sound(8000, np.zeros(0, np.float32))
        rate = int.from_bytes(recordings[0][24:28], "little")
        parts = [
            np.frombuffer(recording, "<i2", (len(recording) - _WAV_HEADER) // 2, _WAV_HEADER)
            for recording in recordings
        ]
        return Sound(rate, np.concatenate(parts).astype(np.float32) / np.float32(32768))

    def melody(self, tones: Iterable[float]) -> list[Span]:
        """Which of these tones it has heard, in order, at which second of `heard`."""
        return melody(self.heard, tones)

    async def sources(self) -> set[str]:
        """The SSRCs of all RTP received in this call, in hexadecimal digits."""
        return set(re.findall(r" member 0x([0-9a-f]+)", await self.command("audio_debug")))

    @property
    def got_audio(self) -> bool:
        """Whether any RTP has arrived, call answered or not."""
        return any(event["type"] == "CALL_RTPESTAB" for event in self.events)

    async def hears(self, tone: int, *, within: float = 3.0) -> None:
        """Wait until what arrives from now on is this tone and nothing else."""
        start = self.heard.seconds + _GLANCE

        async def holds() -> bool:
            return strength(self.heard.after(start).last(_GLANCE), tone) > 0.9

        await self._look(holds, within, f"a tone of {tone} Hz")

    async def hears_something(self, *, within: float = 3.0) -> None:
        """Wait until RTP arrives steadily from now on. In a call."""
        start = await self._packets()

        async def holds() -> bool:
            return await self._packets() >= start + _STEADY

        await self._look(holds, within, "RTP")

    async def falls_silent(self, *, within: float = 3.0) -> None:
        """Wait until RTP arrives no more. In a call."""

        async def holds() -> bool:
            before = await self._packets()
            await asyncio.sleep(_GLANCE)
            return await self._packets() == before

        await self._look(holds, within, "silence")

    async def _packets(self) -> int:
        """RTP packets received in this call."""
        return sum(map(int, re.findall(r" rcvd=(\d+)", await self.command("audio_debug"))))

    async def _look(self, holds: Callable[[], Awaitable[bool]], within: float, what: str) -> None:
        try:
            async with asyncio.timeout(within):
                while True:
                    if await holds():
                        return
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"waited {within} s for {what}; in all it heard {self.heard}") from None

    # The program

    async def _until(self, holds: Callable[[], bool], within: float, what: str) -> None:
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(holds)
        except TimeoutError:
            reported = [f"{event['type']} {event.get('param', '')}".strip() for event in self.events]
            raise AssertionError(f"waited {within} s for {what}; it reported {reported}") from None

    async def _read_log(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._log.append(_COLOUR.sub("", line.decode(errors="replace")).rstrip())
            async with self._news:
                self._news.notify_all()

    async def _read_control(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads((await reader.readexactly(length + 1))[:-1])
                if message.get("response"):
                    self._answers[message["token"]].set_result(message)
                else:
                    self.events.append(message)
                    self._unseen.append(message)
                    async with self._news:
                        self._news.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            self._log.append("(its control connection is closed)")

    async def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            await self._control.wait_closed()
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 2)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


def _write_config(folder: Path, control_port: int, tone: int, host: str, trusted: Path | None) -> None:
    modules = [f"module {name}.so" for name in ("g711", "g722", "ausine", "sndfile")]
    applications = [f"module_app {name}.so" for name in ("menu", "ctrl_tcp", "mwi")]
    settings = [
        f"net_interface {host}",
        f"sip_listen {bracketed(host)}:0",
        f"ctrl_tcp_listen 127.0.0.1:{control_port}",
        f"audio_source ausine,{tone}",
        "ausrc_srate 48000",  # ausine knows nothing else
        "ausrc_channels 2",
        f"snd_path {folder}",
        "ringback_disabled yes",
        "menu_bell no",
        "statmode_default off",
        f"module_path {_modules()}",
    ]
    if trusted is not None:
        settings += [f"sip_cafile {trusted}", "sip_verify_server yes"]
    folder.mkdir()
    (folder / "config").write_text("\n".join([*settings, *modules, *applications, ""]))


def _modules() -> Path:
    """Where the package has put its modules."""
    library = Path("/usr/lib")
    return next(path for path in (library / "baresip/modules", *library.glob("*/baresip/modules")) if path.is_dir())


def _netstring(text: str) -> bytes:
    return b"%d:%s," % (len(text.encode()), text.encode())
