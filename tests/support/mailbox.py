"""Mailboxes for tests: messages that lie in them, and somebody who dials in.

await leave(house, mailbox_of(alice), 700)
line = await enter(alice)
await press(line, "1")
await told(alice, "first_message")
await leave_by_key(line)
"""

import time
from typing import Any

from ringdove.media.library import Kept
from ringdove.model.voicemail import Mailbox, MailboxKind, Message, NewMessage
from ringdove.store.listing import Listing

from .house import House, Person
from .phones import Line, Phone
from .spoken import said, told
from .tone import sound_file
from .voicemail import press

BRIEF: dict[str, Any] = {"enb_vm_play_datetime": 0, "enb_vm_play_caller_id": 0}
"""The settings of somebody who wants to hear messages at once."""
TONES = A, B, C = 700, 1300, 1900
"""What the messages say, in Hz."""
CALLER = "2999"
"""Who has left the messages."""


def heard(phone: Phone) -> list[str]:
    """What somebody was told, and the tones of the messages, in order."""
    return said(phone.audio.packets, tones=TONES)


def mailbox_of(who: Person | Phone) -> Mailbox:
    """Somebody's own mailbox."""
    person = who.person if isinstance(who, Phone) else who
    return Mailbox(MailboxKind.EXTENSION, person.id)


async def leave(house: House, mailbox: Mailbox, *tones: float, read: bool = False) -> list[int]:
    """Have messages of 0.6 s in a mailbox, the oldest first; returns their ids."""
    ids = []
    for hz in tones:
        file = sound_file(house.node.settings.data / f"{hz}.wav", [(hz, 0.6)], rate=8000)

        async def save(kept: Kept) -> tuple[int, None]:
            now = time.time()
            new = NewMessage(
                caller_number=CALLER, time=now - 5, seconds=kept.seconds, digest=kept.digest, size=kept.size
            )
            (message,) = await house.node.store.messages.deliver(f"recording {now}", [mailbox], new)
            return message.id, None

        ids.append(await house.node.shelf.keep(file, file.name, save))
    if read:
        for message_id in ids:
            await house.node.store.messages.mark(message_id, True)
    return ids


async def message(house: House, message_id: int) -> Message:
    """A message that is there."""
    found = await house.node.store.messages.get(message_id)
    assert found is not None
    return found


async def inside(house: House, mailbox: Mailbox) -> dict[int, bool]:
    """The messages of a mailbox, and whether they are read."""
    _, found = await house.node.store.messages.page(mailbox, Listing())
    return {message.id: message.read for message in found}


async def leftovers(house: House) -> list[str]:
    """Recordings that lie about and are in no mailbox, and content that nothing names."""
    data = house.node.settings.data
    named = {*await house.node.store.sounds.digests(), "incoming"}
    content = [path.name for path in (data / "audio").iterdir() if path.name not in named]
    return [*(path.name for path in (data / "voicemail").iterdir()), *content]


async def dial(phone: Phone, code: str = "*2") -> Line:
    """Dial what the server itself answers."""
    return await phone.answered(await phone.dial(code))


async def enter(phone: Phone, code: str = "*2") -> Line:
    """Dial into a mailbox that asks for nothing, and hear how many messages there are."""
    line = await dial(phone, code)
    await told(phone, "you_have")
    return line


async def key_in(line: Line, *numbers: str) -> None:
    """Key in what is asked for, each with `#`."""
    for number in numbers:
        await press(line, *number, "#")


async def leave_by_key(line: Line) -> None:
    """Press `#` in a menu."""
    await press(line, "#")
    await told(line.phone, "goodbye")
    await line.phone.hung_up()
