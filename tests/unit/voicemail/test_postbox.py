"""Letters on their way into mailboxes, with a real store, library and disk."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringdove.events.types import MailboxChanged, MailboxFull, MessageLeft
from ringdove.media.files import process
from ringdove.media.recordings import finish, tape_of
from ringdove.media.tape import TapeWriter
from ringdove.model.voicemail import NewVmNotify
from ringdove.voicemail import postbox as module
from ringdove.voicemail.pace import Pace
from ringdove.voicemail.postbox import NoRoom
from ringdove.voicemail.spool import Letter
from support.phones import until
from support.post_office import ANN, BEN, Office
from support.tone import sound_file


async def test_a_letter_becomes_a_message_and_leaves_the_spool(office: Office) -> None:
    letter = await office.letter()
    assert office.spooled == [".json", ".wav"]
    office.postbox.send(letter)
    await office.delivered(1)
    left, changed = office.told
    assert isinstance(left, MessageLeft)
    assert (left.message.caller_number, left.message.caller_name, left.message.call_id) == ("7", "Zoë", "c1")
    assert (left.message.time, left.message.seconds) == (letter.time, 3)
    assert changed == MailboxChanged(ANN)
    assert office.library.original(left.message.digest).suffix == ".wav"


async def test_a_letter_to_several_is_kept_once(office: Office) -> None:
    office.postbox.send(await office.letter(ANN, BEN))
    await office.delivered(1, BEN)
    messages = [told.message for told in office.told if isinstance(told, MessageLeft)]
    assert [message.mailbox for message in messages] == [ANN, BEN]
    assert len({message.digest for message in messages}) == 1


async def test_the_log_says_which_message_of_which_call_lies_where_and_that_one_lies_nowhere(office: Office) -> None:
    both = await office.letter(ANN, BEN)
    with capture_logs() as lines:
        office.postbox.send(both)
        await office.delivered(1)
        ann = await office.letter(ANN)
        await office.store.extensions.delete(ANN.id)
        office.postbox.send(ann)
        await office.delivered(0)
    told = [line for line in lines if line["event"] == "letter_delivered"]
    assert [(line["call"], line["seconds"], line["mailboxes"]) for line in told] == [
        (both.call_id, 3, ["extension 1", "extension 2"]),
        (ann.call_id, 3, []),
    ]


@pytest.mark.parametrize(
    ("office", "owed"), [({}, 0), ({"smtp": "127.0.0.1:25", "smtp_from": "pbx@example.com"}, 1)], indirect=["office"]
)
async def test_a_mail_is_owed_only_where_there_is_a_mail_server(office: Office, owed: int) -> None:
    wish = {"email_addr": "ann@example.com", "new_vm_notify": NewVmNotify.WITH_ATTACHMENT}
    await office.store.extensions.update(ANN.id, lambda ann: ann.model_copy(update=wish))
    office.postbox.send(await office.letter(ANN))
    await office.delivered(1)
    assert len(await office.store.mails.owed()) == owed


async def test_what_was_listened_to_and_not_wanted_leaves_the_library(office: Office) -> None:
    letter = await office.letter()
    (track,) = await office.postbox.listen(office.postbox.file(letter))
    assert track.is_dir()
    await office.postbox.discard(letter)
    assert not track.exists()
    assert office.spooled == []


@pytest.mark.parametrize("office", [{"vm_messages": 2}], indirect=True)
async def test_a_full_mailbox_takes_no_letter_and_those_under_way_count(office: Office) -> None:
    first, _second = await office.letter(), await office.letter()
    with pytest.raises(NoRoom) as full:
        await office.letter()
    assert full.value.mailbox == ANN
    assert office.told == [MailboxFull(ANN, "2 messages (vm_messages)")]
    assert (await office.letter(ANN, BEN)).mailboxes == (BEN,)
    await office.postbox.discard(first)
    await office.letter()


@pytest.mark.parametrize("office", [{"vm_messages": 1}], indirect=True)
async def test_all_full_mailboxes_of_a_group_are_one_line_of_the_log(office: Office) -> None:
    await office.letter(ANN, BEN)
    with capture_logs() as lines, pytest.raises(NoRoom) as full:
        await office.letter(ANN, BEN)
    assert full.value.mailbox == ANN
    (line,) = [line for line in lines if line["event"] == "mailbox_full"]
    assert line["mailboxes"] == ["extension 1", "extension 2"]
    assert office.told == [MailboxFull(box, "1 messages (vm_messages)") for box in (ANN, BEN)]


@pytest.mark.parametrize("office", [{"vm_messages": 2}], indirect=True)
async def test_of_two_who_come_at_once_one_gets_the_last_place(office: Office) -> None:
    office.postbox.send(await office.letter())
    await office.delivered(1)
    both = await asyncio.gather(office.letter(), office.letter(), return_exceptions=True)
    assert {type(one) for one in both} == {Letter, NoRoom}


@pytest.mark.parametrize("office", [{"vm_messages": 1}], indirect=True)
async def test_a_call_takes_one_place_however_many_letters_it_begins(office: Office) -> None:
    kept = await office.letter(call_id="c1")
    await office.postbox.discard(await office.letter(call_id="c1"))
    with pytest.raises(NoRoom):
        await office.letter(call_id="c2")
    await office.postbox.discard(kept)
    await office.letter(call_id="c2")


@pytest.mark.parametrize("office", [{"vm_storage": 1}], indirect=True)
async def test_there_is_a_limit_for_all_together(office: Office) -> None:
    office.postbox.send(await office.letter(seconds=30))  # 40 kB a second
    await office.delivered(1)
    with pytest.raises(NoRoom, match="vm_storage") as full:
        await office.letter(BEN)
    assert full.value.mailbox is None
    assert office.told[-1] == MailboxFull(None, "messages take 1 MiB (vm_storage)")


async def test_a_disk_that_is_nearly_full_takes_no_letter(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE", 1 << 62)
    with pytest.raises(NoRoom, match="disk"):
        await office.letter()


async def test_what_the_store_refuses_is_tried_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver, failures = office.store.messages.deliver, iter([OSError("gone"), RuntimeError("no")])

    async def fails_twice(*args: Any, **how: Any) -> Any:
        for failure in failures:
            raise failure
        return await deliver(*args, **how)

    monkeypatch.setattr(office.store.messages, "deliver", fails_twice)
    office.postbox.send(await office.letter())
    await office.delivered(1)
    assert len([told for told in office.told if isinstance(told, MessageLeft)]) == 1


async def test_who_is_told_of_a_message_is_told_although_its_files_cannot_go_yet(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, failures = office.postbox._spool.remove, iter([OSError("read-only")])

    def fails_once(letter: Letter) -> None:
        for failure in failures:
            raise failure
        remove(letter)

    monkeypatch.setattr(office.postbox._spool, "remove", fails_once)
    office.postbox.send(await office.letter())
    await office.delivered(1)
    assert [type(told) for told in office.told] == [MessageLeft, MailboxChanged]


async def test_a_process_that_dies_over_a_letter_does_not_lose_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await office.letter()
    with monkeypatch.context() as busy:
        busy.setitem(process.PATIENCE, "transcode", 0)
        office.postbox.send(letter)
        await asyncio.sleep(1)
    await office.delivered(1)


async def test_a_letter_that_waits_holds_up_no_other(office: Office) -> None:
    await office.restart(Pace(first=60, longest=60, limit=60))
    waits, next_one = await office.letter(), await office.letter()
    office.postbox.file(waits).unlink()
    office.postbox.file(waits).mkdir()
    office.postbox.send(waits)
    await asyncio.sleep(0.5)
    office.postbox.send(next_one)
    await until(lambda: len(office.told) == 2, "the second letter waits, too")
    office.postbox.file(waits).rmdir()


async def test_a_store_that_fails_keeps_nobody_from_leaving_a_message(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(office.store.messages, "usage_in_total", fails)
        patch.setattr(office.store.messages, "counts", fails)
        patch.setattr(office.store.sounds, "uses", fails)
        letter, unwanted = await office.letter(ANN, BEN), await office.letter()
        assert await office.postbox.listen(office.postbox.file(unwanted))
        await office.postbox.discard(unwanted)
    office.postbox.send(letter)
    await office.delivered(1, BEN)


async def test_nothing_stays_of_a_letter(office: Office) -> None:
    letter = await office.letter()
    file = office.postbox.file(letter)
    for more in (".tape", ".part"):
        file.with_name(file.name + more).write_bytes(b"")
    await office.postbox.discard(letter)
    assert office.spooled == []


async def test_what_was_not_sent_is_delivered_by_the_next_start(office: Office) -> None:
    await office.letter()
    await office.postbox.close()
    after = office.another()
    await after.start()
    await office.delivered(1)
    await after.close()


async def test_what_was_delivered_but_not_removed_is_there_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.postbox._spool, "remove", lambda _letter: None)
    office.postbox.send(await office.letter())
    await until(lambda: bool(office.told), "nobody is told", within=10)
    await office.postbox.close()
    assert office.spooled
    after = office.another()
    await after.start()
    await office.delivered(1)
    await after.close()


async def test_what_is_too_short_or_no_sound_is_no_message(office: Office) -> None:
    short, empty, nothing = await office.letter(seconds=0.5), await office.letter(), await office.letter()
    office.postbox.file(empty).write_bytes(b"")
    office.postbox.file(nothing).unlink()
    for letter in (short, empty, nothing):
        office.postbox.send(letter)
    await office.delivered(0)
    assert office.told == []


@pytest.mark.parametrize("office", [{"vm_shortest": shortest} for shortest in (0, 2)], indirect=True)
@pytest.mark.parametrize("kept_as", ["tape", "file"])
async def test_what_a_crash_left_is_judged_by_what_is_heard_in_it(office: Office, kept_as: str) -> None:
    silent, spoken = await office.letter(), await office.letter()
    for letter, octet in ((silent, b"\xff"), (spoken, b"\x00")):
        file = office.postbox.file(letter)
        file.unlink()
        writer = TapeWriter(tape_of(file))
        for number in range(200):
            said = octet if number < 150 else b"\xff"
            writer.put(0, "pcmu", number * 0.02, number * 160, said * 160)
        writer.close()
        if kept_as == "file":
            await finish(file)
    await office.postbox.close()
    after = office.another()
    await after.start()
    await office.delivered(1)
    (message,) = [told.message for told in office.told if isinstance(told, MessageLeft)]
    assert message.call_id == spoken.call_id
    assert message.seconds == (3.5 if kept_as == "tape" else 4), "silence at the end is cut off where a file is made"
    await after.close()


async def test_a_note_that_is_torn_is_set_aside_with_what_was_said_and_stops_nothing(office: Office) -> None:
    spool = office.settings.data / "voicemail"
    (spool / "torn.json").write_text('{"id": "torn"')
    (spool / "torn.wav.tape").write_text("tape")
    (spool / "half.new").write_text("")
    await office.letter()
    with capture_logs() as lines:
        await office.restart()
    assert [line["letter"] for line in lines if line["event"] == "letter_set_aside"] == ["torn"]
    await until(lambda: [path.name for path in spool.iterdir()] == ["aside"], "a letter is under way", within=10)
    assert {path.name for path in (spool / "aside").iterdir()} == {"torn.json", "torn.wav.tape"}
    assert (await office.store.messages.count(ANN)).new == 1


async def test_a_message_for_who_is_gone_is_gone(office: Office) -> None:
    letter = await office.letter()
    await office.store.extensions.delete(1)
    office.postbox.send(letter)
    await office.delivered(0)
    assert office.told == []
    assert await office.store.sounds.digests() == set()
    assert [path.name for path in office.library._folder.iterdir()] == ["incoming"]


# Recordings that are no messages


async def test_a_draft_that_is_not_kept_leaves_nothing(office: Office) -> None:
    async with office.postbox.draft() as draft:
        sound_file(draft, [(440, 1)], rate=8000)
        (track,) = await office.postbox.listen(draft)
    assert office.spooled == []
    assert not track.exists()


async def test_a_draft_that_a_crash_left_is_cleared_away(office: Office) -> None:
    async with office.postbox.draft() as draft:
        sound_file(draft, [(440, 1)], rate=8000)
        tape_of(draft).write_bytes(b"half")
        another = office.another()
        await another.start()
        await another.close()
        assert office.spooled == []


async def test_no_greeting_is_recorded_to_a_full_disk(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE", 1 << 60)
    with pytest.raises(NoRoom):
        async with office.postbox.draft():
            pass
