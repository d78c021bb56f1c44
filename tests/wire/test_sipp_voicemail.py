"""A message that SIPp leaves, with audio of its own."""

import pytest

from ringdove.model.story import Disposition, HopOutcome
from support.exchange import Exchange
from support.sipp import needs_sipp
from support.tone import sine
from support.voice import PCMU, encoder_of
from support.voicemail import messages, tones, wav_of

pytestmark = [*needs_sipp, pytest.mark.asyncio(loop_scope="module")]

TONE = 700


async def test_what_sipp_says_is_in_the_mailbox(exchange: Exchange) -> None:
    rate, encode = encoder_of(PCMU)
    (exchange.folder / "message.ulaw").write_bytes(encode(sine(TONE, 2, rate)))
    person = await exchange.person(enb_vm=1)
    call = await exchange.call(person.number, scenario="speaks.xml", talk=2.5)
    assert (call.status, call.story.disposition) == (200, Disposition.VOICEMAIL)
    assert call.story.hops[-1].outcome is HopOutcome.MESSAGE_LEFT
    (message,) = await messages(exchange.house, count=1, ext_id=person.id)
    said = [seconds for hz, seconds in tones(await wav_of(exchange.house, message["id"]), TONE) if hz is not None]
    assert said == pytest.approx([2], abs=0.2)


async def test_sipp_that_says_nothing_leaves_no_message(exchange: Exchange) -> None:
    rate, encode = encoder_of(PCMU)
    (exchange.folder / "message.ulaw").write_bytes(encode(0 * sine(TONE, 2, rate)))
    person = await exchange.person(enb_vm=1)
    call = await exchange.call(person.number, scenario="speaks.xml", talk=2.5)
    assert call.story.hops[-1].outcome is HopOutcome.NO_MESSAGE
    assert await messages(exchange.house, count=0, ext_id=person.id) == []
