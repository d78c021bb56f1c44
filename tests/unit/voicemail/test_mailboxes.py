"""What is done with messages and greetings in mailboxes, with a real store, library and disk."""

import pytest

from ringdove.events.types import MailboxChanged
from ringdove.model.voicemail import RECORDED_GREETING
from ringdove.store.listing import Listing
from support.post_office import ANN, BEN, Office
from support.tone import sound_file


async def test_messages_are_read_and_deleted_once(office: Office) -> None:
    office.postbox.send(await office.letter(ANN, BEN))
    await office.delivered(1)
    _, (message,) = await office.store.messages.page(ANN, Listing())
    office.told.clear()
    assert await office.mailboxes.mark(message.id, read=True) == message.model_copy(update={"read": True})
    assert await office.store.messages.count(ANN) == (0, 1)
    assert office.told == [MailboxChanged(ANN)]
    for _ in range(2):
        await office.mailboxes.delete({message.id})
    assert await office.mailboxes.mark(message.id, read=True) is None
    assert office.told == [MailboxChanged(ANN)] * 2
    assert office.library.original(message.digest).exists(), "it is in another mailbox, too"
    _, (copy,) = await office.store.messages.page(BEN, Listing())
    await office.mailboxes.delete({copy.id})
    with pytest.raises(FileNotFoundError):
        office.library.original(message.digest)


async def test_a_greeting_is_kept_and_replaced_and_chosen(office: Office) -> None:
    for hz in (440, 880):
        async with office.postbox.draft() as draft:
            sound_file(draft, [(hz, 1)], rate=8000)
            (track,) = await office.postbox.listen(draft)
            await office.mailboxes.save_greeting(ANN, RECORDED_GREETING, draft)
        assert office.spooled == []
        (greeting,) = await office.store.greetings.of(ANN)
        assert office.library.track(greeting.digest) == track
    assert await office.store.sounds.digests() == {track.name}
    assert {path.name for path in track.parent.iterdir()} == {track.name, "incoming"}
    await office.mailboxes.choose_greeting(ANN, RECORDED_GREETING)
    owner = await office.store.extensions.get(ANN.id)
    assert owner is not None
    assert owner.vm_greeting == RECORDED_GREETING
