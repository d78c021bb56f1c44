"""Where the demo plays: a server on free ports with its data in a temporary folder, and a phone for everybody."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ringdove.app import Node
from ringdove.client import Client
from ringdove.model.simulation import Simulation
from ringdove.model.story import Story
from ringdove.model.voicemail import Mailbox, MailboxKind
from ringdove.settings import HostPort, Settings

from .data import PEOPLE, add_sample_data, number_of
from .hearing import Ear, Passage
from .incoming import Behaviour, IncomingLine, LetRing
from .line import Line
from .mailbox import Mail, logged, message_of
from .outgoing import OutgoingLine
from .phone import Account, Phone
from .repertoire import TONE, greetings, repertoire
from .scenes import SCENES, Scene

_ANY_PORT = HostPort("127.0.0.1", 0)
_PATIENCE = 32.0
"""Seconds after which a call that nobody has answered is given up."""
_LAST_WORDS = 5.0
"""Seconds after hanging up within which a call is over and on record."""
_POST = 10.0
"""Seconds after that within which a message is in its mailbox, and its owner was told."""
_LOOK_AGAIN = 0.05
"""Seconds between two looks at whether the record of a call is complete, or the tone has begun."""
_BREATH = 0.6
"""Seconds from the beginning of the tone until whoever hears it speaks; it lasts 0.3."""
_PITCHES = range(300, 1000, 50)
"""Hz: everybody has a voice of their own."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of a scene: the caller's call, the calls that it made ring in the order they came, the record.

    `heard` is what came out of each of these phones. `mail`: where the call could go on to a mailbox.
    """

    scene: Scene
    call: OutgoingLine
    rings: list[IncomingLine]
    story: Story
    heard: Mapping[Line, Sequence[Passage]]
    mail: Mail | None = None

    def ring_of(self, number: str) -> IncomingLine | None:
        """The call that rang this phone; None where it did not ring."""
        return next((ring for ring in self.rings if ring.phone.account.number == number), None)


class StageFailure(Exception):
    """The demo cannot go on; the text says why."""


class Stage:
    """A running server, its interface, the phones by number, and an ear for what they hear."""

    def __init__(self, node: Node, api: Client, phones: Mapping[str, Phone], ear: Ear) -> None:
        self.node = node
        self.api = api
        self.phones = phones
        self._ear = ear
        for phone in phones.values():
            phone.behave = _behaviour

    async def create(self, request: Mapping[str, Any]) -> int:
        """Make a ring group; returns its id."""
        return int((await self.api.post("ringgroup/create", dict(request)))["id"])

    async def greet(self, extension_id: int, greeting: Path) -> None:
        """Have callers of this mailbox hear that file before the tone."""
        number = number_of(extension_id)
        content = await asyncio.to_thread(greeting.read_bytes)
        await self.api.upload("vm_greeting/upload", greeting.name, content, owner=number)
        await self.api.post("extension/update", {"id": extension_id, "vm_greeting": greeting.name})
        for sound in await greetings(self.node, Mailbox(MailboxKind.EXTENSION, extension_id)):
            self._ear.learn(sound)

    async def simulate(self, group_id: int) -> Simulation:
        """What the server says that a call to the group would do now."""
        return Simulation.model_validate((await self.api.get("ringgroup/simulate", id=group_id))["data"])

    async def play(self, scene: Scene) -> Performance:
        """Dial, talk if somebody answers, hang up; returns when the call is over and on record.

        A call that nobody answers in time is given up, and the checks will say what was missing. Raises StageFailure
        where it leaves no record.
        """
        call = self.phones[scene.caller].dial(scene.number)
        if scene.mailbox is not None:
            call.audio.hush()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                if await call.settled():
                    await self._talk(scene, call)
        call.hang_up()
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await call.over()
                story = await self._story(scene)
        except TimeoutError:
            raise StageFailure(f"{scene.number} was called, and left no finished record") from None
        rings = self._rings(scene)
        heard = {line: self._ear.recognise(line.audio.heard) for line in (call, *rings)}
        mail = None if scene.mailbox is None else await self._mail(story.id, scene.mailbox, call)
        return Performance(scene, call, rings, story, heard, mail)

    async def _talk(self, scene: Scene, call: OutgoingLine) -> None:
        if scene.mailbox is not None:
            while not self._hears_tone(call):  # noqa: ASYNC110 - packets arrive at a socket, not at an event
                await asyncio.sleep(_LOOK_AGAIN)
            await asyncio.sleep(_BREATH)
            call.audio.speak()
        await asyncio.sleep(scene.talk / 2)
        if scene.hold:
            callee = next(ring for ring in self._rings(scene) if ring.answered_at is not None)
            callee.hold()
            await asyncio.sleep(scene.hold)
            callee.resume()
        await asyncio.sleep(scene.talk / 2)

    def _hears_tone(self, call: OutgoingLine) -> bool:
        return any(passage.sound.name == TONE for passage in self._ear.recognise(call.audio.heard))

    async def _mail(self, call_id: str, extension_id: int, call: OutgoingLine) -> Mail:
        """What the owner of the mailbox has of a call; what is not there in time is missing."""
        owner, mail = self.phones[number_of(extension_id)], Mail()
        with suppress(TimeoutError):
            async with asyncio.timeout(_POST):
                while not mail.complete:
                    await asyncio.sleep(_LOOK_AGAIN)
                    message = await message_of(call_id, extension_id, self.api, self._ear, call.phone.voice)
                    mail = Mail(message, owner.lamp, await logged(call_id, extension_id, self.api))
        return mail

    async def _story(self, scene: Scene) -> Story:
        while True:
            found = (await self.api.get("calls/list", dialled=scene.number))["data"]
            if found and not found[0]["live"]:
                return Story.from_data((await self.api.get("calls/get", id=found[0]["id"]))["data"])
            await asyncio.sleep(_LOOK_AGAIN)

    def _rings(self, scene: Scene) -> list[IncomingLine]:
        lines = (line for phone in self.phones.values() for line in phone.lines)
        return sorted(
            (line for line in lines if isinstance(line, IncomingLine) and scene_of(line) is scene),
            key=lambda line: line.began_at,
        )


def scene_of(line: IncomingLine) -> Scene | None:
    """The scene that a ringing phone takes part in; a call that a group has sent on has no ringtone any more."""
    number = line.phone.account.number
    return next((s for s in SCENES if number in s.cast and line.ringtone in (s.ringtone, "")), None)


@asynccontextmanager
async def set_up() -> AsyncIterator[Stage]:
    """Start the server and the phones; everything is gone at the end."""
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-demo-")))
        # Built without reading the environment: the demo must never touch the data of a real server.
        node = Node(Settings.model_construct(data=folder, http=_ANY_PORT, sip=_ANY_PORT))
        await node.start()
        parts.push_async_callback(node.stop)
        await add_sample_data(node.store, node.audio)
        made = node.new_application
        assert made is not None  # noqa: S101 - the folder was empty
        api = await parts.enter_async_context(Client(node.http, made.client_id, made.client_secret))
        made_ready = [await _phone(api, node.sip, i, pitch) for i, pitch in zip(PEOPLE, _PITCHES, strict=False)]
        phones = {phone.account.number: phone for phone in made_ready}
        for phone in phones.values():
            await phone.start()
            parts.push_async_callback(phone.close)
        await asyncio.gather(*(phone.register() for phone in phones.values()))
        yield Stage(node, api, phones, Ear(await repertoire(node, phones.values())))


async def _phone(api: Client, server: HostPort, extension_id: int, pitch: int) -> Phone:
    extension = (await api.get("extension/get", id=extension_id))["data"]
    login = (await api.get("extension/getpassword", id=extension_id))["data"]
    account = Account(extension["number"], extension["caller_id_name"], login["reg_name"], login["reg_password"])
    return Phone(account, server, pitch=pitch)


def _behaviour(line: IncomingLine) -> Behaviour:
    scene = scene_of(line)
    return scene.cast[line.phone.account.number] if scene is not None else LetRing()
