"""Letters that cannot be delivered, and several of one call; the rest is in `test_postbox.py`."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DataError, OperationalError
from structlog.testing import capture_logs

from ringdove.events.types import MessageLeft
from ringdove.media.files import process
from ringdove.media.recordings import tape_of
from ringdove.media.tape import TapeWriter
from ringdove.model.voicemail import Undelivered
from ringdove.voicemail.pace import Pace
from ringdove.voicemail.spool import Letter
from support.phones import until
from support.post_office import ANN, Office
from support.tone import sound_file

QUICK = Pace(first=0.02, longest=0.1, limit=0.3)
SAID, SILENT = b"\x00", b"\xff"


def record(office: Office, letter: Letter, octet: bytes, seconds: float = 3) -> None:
    """Leave the tape of a take that a crash cut off."""
    file = office.postbox.file(letter)
    file.unlink(missing_ok=True)
    writer = TapeWriter(tape_of(file))
    for number in range(round(seconds / 0.02)):
        writer.put(0, "pcmu", number * 0.02, number * 160, octet * 160)
    writer.close()


def left(office: Office) -> list[float]:
    """The seconds of the messages that were told of."""
    return [told.message.seconds for told in office.told if isinstance(told, MessageLeft)]


# Several takes of a call


@pytest.mark.parametrize(
    ("octet", "seconds", "message"),
    [(SAID, 5, 5.0), (SAID, 0.5, 3.0), (SILENT, 5, 3.0), (None, 0, 3.0)],
    ids=["spoken", "one word", "silent", "nothing"],
)
async def test_of_two_takes_in_a_crash_the_second_counts_if_it_is_a_message(
    office: Office, octet: bytes | None, seconds: float, message: float
) -> None:
    await office.letter(call_id="c", seconds=3)
    second = await office.letter(call_id="c")
    office.postbox.file(second).unlink()
    if octet is not None:
        record(office, second, octet, seconds)
    await office.restart()
    await office.delivered(1)
    assert left(office) == [message]


async def test_takes_of_other_calls_are_messages_of_their_own(office: Office) -> None:
    for call_id in ("c", "d"):
        await office.letter(call_id=call_id)
    await office.restart()
    await office.delivered(2)


async def test_a_crash_while_takes_are_cleared_away_brings_back_none(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await office.letter(call_id="c", seconds=3), await office.letter(call_id="c", seconds=5)
    removed = list[str]()
    monkeypatch.setattr(office.postbox._spool, "remove", lambda letter: removed.append(letter.id))
    office.postbox.send(first, second)
    await until(lambda: len(removed) == 2, "they stay", within=10)
    assert removed == [first.id, second.id], "the one that counts goes last"
    await office.restart()
    await office.delivered(1)
    assert left(office) == [5.0]


# Several letters at once


async def test_a_letter_that_takes_long_holds_up_no_other(office: Office) -> None:
    long, *others = [await office.letter(seconds=seconds) for seconds in (3, 4, 5)]
    tape = tape_of(office.postbox.file(long))
    os.mkfifo(tape)  # a process waits for what is written there
    for letter in (long, *others):
        office.postbox.send(letter)
    await until(lambda: office.postbox.undelivered().waiting == 1, "they wait for the first", within=10)
    assert sorted(left(office)) == [4.0, 5.0]
    os.close(await asyncio.to_thread(os.open, tape, os.O_WRONLY))  # nothing was said
    await office.delivered(2)


# Letters that cannot be delivered


async def set_aside(office: Office, lines: list[Any]) -> Path:
    """Wait until one letter is set aside, and the log has said so; returns the folder."""
    await until(lambda: office.postbox.undelivered().waiting == 0, "it is still tried", within=10)
    (line,) = [line for line in lines if line["event"] == "letter_set_aside"]
    assert len([line for line in lines if line["event"] == "letter_waits"]) == 1, "why it waits is said once"
    return Path(line["folder"])


@pytest.mark.parametrize("office", [{"vm_messages": 1}], indirect=True)
async def test_what_is_broken_is_set_aside_takes_no_place_and_can_be_put_back(office: Office) -> None:
    await office.restart(QUICK)
    letter = await office.letter()
    file = office.postbox.file(letter)
    file.write_bytes(b"RIFF")
    with capture_logs() as lines:
        office.postbox.send(letter)
        folder = await set_aside(office, lines)
    assert {path.name for path in folder.iterdir()} == {f"{letter.id}.json", file.name}
    assert (folder / file.name).read_bytes() == b"RIFF"
    assert office.postbox.undelivered() == Undelivered(waiting=0, set_aside=1)
    await office.postbox.discard(await office.letter())
    for path in folder.iterdir():
        path.rename(file.parent / path.name)
    folder.rmdir()
    sound_file(file, [(440, 3)], rate=8000)
    await office.restart(QUICK)
    await office.delivered(1)
    assert office.postbox.undelivered() == Undelivered(waiting=0, set_aside=0)


async def test_where_the_last_take_is_set_aside_the_one_before_is_delivered(office: Office) -> None:
    await office.restart(QUICK)
    first, second = await office.letter(call_id="c"), await office.letter(call_id="c")
    office.postbox.file(second).write_bytes(b"RIFF")
    with capture_logs() as lines:
        office.postbox.send(first, second)
        folder = await set_aside(office, lines)
    assert (folder / f"{second.id}.json").exists()
    assert (await office.store.messages.count(ANN)).new == 1


async def test_a_tape_that_no_process_can_work_on_is_set_aside(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(process.PATIENCE, "render", 0)
    await office.restart(QUICK)
    letter = await office.letter()
    record(office, letter, SAID)
    with capture_logs() as lines:
        office.postbox.send(letter)
        folder = await set_aside(office, lines)
    assert (folder / tape_of(office.postbox.file(letter)).name).exists()


@pytest.mark.parametrize(
    ("failure", "passes"),
    [
        (OperationalError("INSERT", {}, Exception("database is locked")), True),
        (OSError(28, "No space left on device"), True),
        (process.ProcessFailed("a disk that is full"), True),
        (process.ProcessFault("a fault of ours"), False),
        (DataError("INSERT", {}, Exception("no such number")), False),
        (RuntimeError("a fault of ours"), False),
    ],
)
async def test_only_reasons_that_do_not_pass_set_a_letter_aside(
    office: Office, monkeypatch: pytest.MonkeyPatch, failure: Exception, passes: bool
) -> None:
    await office.restart(QUICK)

    async def fails(*_args: Any, **_how: Any) -> Any:
        raise failure

    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(office.store.messages, "deliver", fails)
        office.postbox.send(await office.letter())
        if passes:
            await asyncio.sleep(4 * QUICK.limit)
            assert office.postbox.undelivered() == Undelivered(waiting=1, set_aside=0)
        else:
            await set_aside(office, lines)
    if passes:
        await office.delivered(1)


@given(st.integers(1, 10_000))
def test_pauses_grow_up_to_the_longest(failures: int) -> None:
    pace = Pace(first=0.25, longest=300, limit=300)
    assert 0.25 <= pace.pause(failures) <= pace.pause(failures + 1) <= 300
    assert pace.pause(failures + 1) in (2 * pace.pause(failures), 300)
