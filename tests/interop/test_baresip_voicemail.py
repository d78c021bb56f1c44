"""A real phone (Debian's baresip) leaves messages in each codec, with its keys; they are what is downloaded."""

import asyncio
from pathlib import Path

import pytest

from support.baresip import needs_baresip
from support.office import Office
from support.voicemail import BEEP, messages, tones, wav_of

pytestmark = needs_baresip

ALICE = 440
"""What the caller sends all the time, in Hz."""


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_baresip_leaves_a_message(tmp_path: Path, codec: str) -> None:
    async with Office.open(tmp_path, vm_shortest=1) as office:
        alice = await office.phone("2001", ALICE, codecs=[codec])
        bob = await office.house.extension("2002", enb_vm=1)
        await alice.dial("2002")
        await alice.expect("CALL_ESTABLISHED")
        await alice.press("#")  # enough of the greeting
        await alice.hears(BEEP)
        await asyncio.sleep(2)
        await alice.press("#")
        await alice.press("1")
        await alice.expect("CALL_CLOSED", within=15)
        (message,) = await messages(office.house, count=1, ext_id=bob.id)
        assert message["caller"] == "2001"
        said = tones(await wav_of(office.house, message["id"]), ALICE)
        assert said[-1][0] == ALICE
        assert said[-1][1] == pytest.approx(message["duration"], abs=0.2)
