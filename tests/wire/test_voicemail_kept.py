"""What lies in mailboxes is there, and can be heard, after the server was started anew."""

import time
from pathlib import Path

from ringdove.model.voicemail import Mailbox, MailboxKind, NewMessage
from support.house import House
from support.tone import sound_file


async def fetched(house: House, path: str, **query: object) -> bytes:
    """What a client gets that asks where to download something, and then does."""
    url = (await house.get(path, **query))["download_resource_url"]
    answer = await house.http.get(f"http://{house.node.http}{url}", params={"access_token": house.token})
    return answer.raise_for_status().content


async def test_messages_and_greetings_outlive_a_restart_and_what_nobody_names_does_not(tmp_path: Path) -> None:
    data = tmp_path / "data"
    said, greeting, stray = (
        sound_file(tmp_path / f"{name}.wav", [(hz, 0.2)])
        for name, hz in (("said", 440.0), ("greeting", 660.0), ("stray", 880.0))
    )
    async with House.open(data) as house:
        people = [await house.extension(number) for number in ("2001", "2002")]
        await house.upload("vm_greeting/upload", greeting, owner="2001")
        await house.post("extension/update", id=people[0].id, vm_greeting="greeting.wav")
        kept = await house.node.audio.add(said, "said")
        unnamed = await house.node.audio.add(stray, "stray")
        new = NewMessage(
            caller_number="2002", time=time.time(), seconds=kept.seconds, digest=kept.digest, size=kept.size
        )
        boxes = [Mailbox(MailboxKind.EXTENSION, person.id) for person in people]
        await house.node.store.messages.deliver("recording", boxes, new)
    async with House.open(data) as house:
        assert not house.node.audio.track(unnamed.digest).exists()
        mine, his = (row for row in (await house.get("vm/query", number="2001,2002"))["data"])
        assert mine["read"] == 0
        for row in (mine, his):
            assert await fetched(house, "vm/download", id=row["id"]) == said.read_bytes()
        (row,) = (await house.get("vm_greeting/list", extension="2001"))["data"]
        assert row["in_use"] == 1
        assert await fetched(house, "vm_greeting/download", id=row["id"]) == greeting.read_bytes()
        assert await house.node.store.messages.deliver("recording", boxes, new) == []
        await house.get("vm/delete", ids=f"{mine['id']},{his['id']}")
        assert not (data / "audio" / kept.digest).exists()
