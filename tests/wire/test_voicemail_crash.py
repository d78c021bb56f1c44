"""A server killed while somebody leaves a message: the next start has it, up to the last second."""

from pathlib import Path

import pytest

from support.phones import Phone
from support.tower import Tower
from support.voicemail import messages, press, press_for_tone, reach_tone, speak, tones, wav_of

TONE, OTHER = 700, 1300


async def test_what_was_recorded_before_a_crash_is_delivered_by_the_next_start(tmp_path: Path) -> None:
    async with Tower.open(tmp_path / "data", vm_shortest="1") as tower:
        caller = await tower.extension("2001")
        callee = await tower.extension("2002", enb_vm=1)
        alice = await Phone.of(tower, caller)
        await alice.register()
        line = await reach_tone(alice, await alice.dial("2002"))
        await speak(line, TONE, 4)
        await tower.kill()
        alice.audio.quiet()
        await tower.start()
        (message,) = await messages(tower, count=1, ext_id=callee.id)
        assert message["caller"] == "2001"
        said = tones(await wav_of(tower, message["id"]), TONE)
        assert said[0][0] == TONE
        assert 2.5 < said[0][1] < 4.2
        (call,) = (await tower.get("calls/list"))["data"]
        assert (call["id"], call["disposition"]) == (message["call_id"], "VOICEMAIL")
        assert list((tmp_path / "data" / "voicemail").iterdir()) == []
        await alice.close()


async def test_a_message_that_is_looked_back_at_in_a_crash_is_delivered_once(tmp_path: Path) -> None:
    async with Tower.open(tmp_path / "data", vm_shortest="1") as tower:
        caller = await tower.extension("2001")
        callee = await tower.extension("2002", enb_vm=1)
        alice = await Phone.of(tower, caller)
        await alice.register()
        line = await reach_tone(alice, await alice.dial("2002"))
        await speak(line, TONE, 2)
        await press(line, "#")
        alice.audio.packets.clear()
        await alice.audio.receives(10, within=5)
        await press(line, "2")
        await alice.audio.hears(TONE, within=5)
        for _ in range(2):  # and nothing changes with a second one
            await tower.kill()
            await tower.start()
            (message,) = await messages(tower, count=1, ext_id=callee.id)
        ((said, seconds),) = tones(await wav_of(tower, message["id"]), TONE)
        assert said == TONE
        assert seconds == pytest.approx(2, abs=0.3)
        await alice.close()


async def test_of_two_takes_of_a_call_in_a_crash_only_the_second_is_delivered(tmp_path: Path) -> None:
    async with Tower.open(tmp_path / "data", vm_shortest="1") as tower:
        caller = await tower.extension("2001")
        callee = await tower.extension("2002", enb_vm=1)
        alice = await Phone.of(tower, caller)
        await alice.register()
        line = await reach_tone(alice, await alice.dial("2002"))
        await speak(line, TONE, 2)
        await press_for_tone(line, "#", "3")
        await speak(line, OTHER, 4)
        await tower.kill()
        alice.audio.quiet()
        await tower.start()
        (message,) = await messages(tower, count=1, ext_id=callee.id)
        said = [hz for hz, _ in tones(await wav_of(tower, message["id"]), TONE, OTHER) if hz is not None]
        assert said == [OTHER]
        assert list((tmp_path / "data" / "voicemail").iterdir()) == []
        await alice.close()
