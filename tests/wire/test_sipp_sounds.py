"""What SIPp callers are told of what they hear, and hold in SIPp's own words."""

import pytest

from ringdove.model.story import HeardKind
from support.exchange import Exchange, answers, assert_rang
from support.sipp import needs_sipp

pytestmark = [*needs_sipp, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_200_repeats_what_the_183_described(exchange: Exchange, transport: str) -> None:
    await exchange.house.prompt(f"join-{transport}.wav")
    (member,) = await exchange.phones(answers(after=0.3))
    number = await exchange.ring_group([member], join_prompt=f"join-{transport}.wav")
    call = await exchange.call(number, scenario="hears.xml", transport=transport)
    assert_rang(call, {member: [(0, 0.3)]})
    assert call.status == 200
    assert [heard.kind for heard in call.story.heard] == [HeardKind.JOIN_PROMPT, HeardKind.RINGBACK]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_hold_and_resume_by_re_INVITE_and_by_UPDATE_are_answered_without_the_member(
    exchange: Exchange, transport: str
) -> None:
    await exchange.house.playlist(f"Music {transport}", "music.wav")
    (member,) = await exchange.phones(answers(after=0.1))
    number = await exchange.ring_group([member], moh=f"Music {transport}")
    call = await exchange.call(number, scenario="holds.xml", talk=0.3, transport=transport)
    assert call.status == 200
    heard = [(heard.party.number, heard.kind, heard.name) for heard in call.story.heard]
    assert heard == [(member.person.number, HeardKind.MOH, f"Music {transport}")] * 2
    for music in call.story.heard:
        assert music.ended_at == pytest.approx(music.began_at + 0.3, abs=0.15)
    got = [message.what for message in member.sipp.messages if not message.sent]
    assert [what for what in got if what in {"INVITE", "ACK", "UPDATE", "BYE"}] == ["INVITE", "ACK", "BYE"]
