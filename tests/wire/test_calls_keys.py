"""Keys that a caller presses while the server itself plays to it: by RFC 4733 and by INFO."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from ringdove.calls.inbox import CallEvent, Inbox, Pressed
from ringdove.sip.dialog import Dialog
from support.house import House
from support.phones import Line, until
from support.scene import Scene, open_house
from support.sounds import upload_prompts

pytestmark = pytest.mark.asyncio(loop_scope="module")

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
WELCOME = 900


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("keys")) as house:
        await upload_prompts(house, {"welcome.wav": [(WELCOME, 0.5)]})
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that reach calls."""
    keys: list[str] = []
    put = Inbox.put

    def note(inbox: Inbox, event: CallEvent) -> None:
        if isinstance(event, Pressed):
            keys.append(event.digit)
        put(inbox, event)

    monkeypatch.setattr(Inbox, "put", note)
    return keys


@asynccontextmanager
async def hearing(scene: Scene) -> AsyncIterator[Line]:
    """The early line of a caller who hears a prompt while somebody's phone rings."""
    alice, bob = await scene.phones(2)
    invite = await alice.dial(await scene.group(bob, welcome_prompt="welcome.wav"))
    early = await alice.expect("183")
    at_bob = await bob.rings()
    await alice.audio.hears(WELCOME)
    yield Line(alice, Dialog.as_uac(invite, early), early, invite)
    alice.cancel(invite)
    await bob.cancelled(at_bob)
    assert (await alice.refused(invite)).status == 487


async def test_keys_told_by_INFO_are_pressed_while_something_is_played(scene: Scene, pressed: list[str]) -> None:
    async with hearing(scene) as line:
        for kind, body in ((RELAY, b"Signal=5\r\nDuration=160\r\n"), (PLAIN, b"#"), (RELAY, b"Signal=10")):
            assert (await line.settled(line.request("INFO", body=body, kind=kind))).status == 200
        assert pressed == ["5", "#", "*"]


async def test_a_key_that_cannot_be_read_is_refused_and_what_is_no_key_is_not(scene: Scene, pressed: list[str]) -> None:
    async with hearing(scene) as line:
        for kind, body, status in ((RELAY, b"Signal=", 400), (PLAIN, b"55", 400), ("text/plain", b"5", 200)):
            assert (await line.settled(line.request("INFO", body=body, kind=kind))).status == status
        assert (await line.settled(line.request("INFO"))).status == 200
        assert pressed == []


async def test_keys_in_the_audio_are_pressed_while_something_is_played(scene: Scene, pressed: list[str]) -> None:
    async with hearing(scene) as line:
        for digit in "0#":
            await line.phone.audio.press(line.media, digit)
        await until(lambda: pressed == ["0", "#"], "the keys are not heard")


async def test_in_a_talk_a_key_told_by_INFO_goes_to_the_other_side(scene: Scene, pressed: list[str]) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    info = ours.request("INFO", body=b"Signal=", kind=RELAY)
    at_bob = await bob.expect("INFO")
    assert (at_bob.content_type, at_bob.body) == (RELAY, b"Signal=")
    bob.reply(at_bob, 200, tag=theirs.dialog.id.local_tag)
    assert (await ours.settled(info)).status == 200
    assert pressed == []
    await scene.end(ours, theirs)
