"""The embedded engine over real sockets: who hears whom."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.engine import MediaSilent, NoUsableAudio, SessionId
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Direction
from support.ports import audio_ports
from wire.media_phone import EVENT, G722, PCMA, PCMU, A, B, C, call, hear_each_other, phones, rtcp, rtp, talk, until


@pytest.fixture
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine("127.0.0.1", audio_ports(100), ready=8, grace=0.2, silence=0.5)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def session(engine: EmbeddedEngine) -> EmbeddedSession:
    return await engine.open(SessionId("s"))


async def obeyed(engine: EmbeddedEngine) -> None:
    """Return when the child has done all it was told, and read all packets that were sent before."""
    barrier = await engine.open(SessionId("barrier"))
    with phones(2) as (a, b):
        await call(barrier, a, b)
        await barrier.close()


async def test_audio_flows_both_ways_after_the_bridge(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        await talk(session, a, b)
        assert {payload for payload, _ in a.got + b.got} == {0}


async def test_payload_numbers_are_those_that_each_side_asked_for(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        offer = a.describes(PCMU, EVENT._replace(payload=97))
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        assert [codec.payload for codec in to_b.codecs] == [0, 8, 97]
        await session.bridge(A, B, b.describes(PCMU, EVENT._replace(payload=110)))
        to_a = await session.accept(A, offer, prefer=B)
        assert [codec.payload for codec in to_a.codecs] == [0, 97]
        await until(lambda: (110, b"5") in b.hear(), lambda: a.say(to_a, b"5", 97))
        await until(lambda: (97, b"6") in a.hear(), lambda: b.say(to_b, b"6", 97))
        await until(lambda: (97, b"7") in a.hear(), lambda: b.say(to_b, b"7", 110))


async def test_opus_passes_through_with_its_parameters(session: EmbeddedSession) -> None:
    opus = Codec(96, "opus", 48000, 2, fmtp="useinbandfec=1")
    with phones(2) as (a, b):
        offer = a.describes(opus, PCMU)
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        assert to_b.codecs[0] == opus
        await session.bridge(A, B, b.describes(opus._replace(fmtp="stereo=0")))
        to_a = await session.accept(A, offer, prefer=B)
        assert to_a.codecs == (opus._replace(fmtp="stereo=0"),)
        await until(lambda: (96, b"music") in b.hear(), lambda: a.say(to_a, b"music", 96))


async def test_a_format_that_was_not_agreed_reaches_nobody(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        a.say(to_a, b"other", 8)
        await hear_each_other((a, to_a), (b, to_b))
        assert not b.heard(b"other")


async def test_nothing_is_heard_before_the_bridge_nor_late(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        offer = a.describes()
        to_a = await session.accept(A, offer)
        to_b = await session.invite(B, A)
        a.say(to_a, b"early")
        b.say(to_b, b"early")
        await session.bridge(A, B, b.describes())
        await hear_each_other((a, to_a), (b, to_b))
        assert not a.heard(b"early")
        assert not b.heard(b"early")


async def test_a_losing_leg_is_heard_by_nobody(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    with phones(3) as (a, b, c):
        offer = a.describes()
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        to_c = await session.invite(C, A)
        c.say(to_c, b"loser")
        await session.bridge(A, B, b.describes())
        to_a = await session.accept(A, offer, prefer=B)
        c.say(to_c, b"loser")
        await obeyed(engine)
        await session.drop(C)
        c.say(to_c, b"loser")
        await hear_each_other((a, to_a), (b, to_b))
        assert not a.heard(b"loser")
        assert not b.heard(b"loser")


async def test_an_offerless_caller_gets_our_offer_and_its_answer_counts(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_b = await session.invite(B, A)
        await session.bridge(A, B, b.describes(PCMA))
        to_a = await session.invite(A, B)
        assert [codec.name for codec in to_a.codecs] == ["PCMA", "PCMU"]
        assert await session.answered(A, a.describes(PCMA)) == []
        await until(lambda: b.heard(b"x"), lambda: a.say(to_a, b"x", 8))
        await until(lambda: a.heard(b"y"), lambda: b.say(to_b, b"y", 8))


async def test_a_stranger_is_heard_by_nobody_and_hears_nothing(session: EmbeddedSession) -> None:
    with phones(3) as (a, b, stranger):
        to_a, to_b = await talk(session, a, b)
        for _ in range(20):
            stranger.say(to_a, b"stranger")
            await asyncio.sleep(0.01)
        await hear_each_other((a, to_a), (b, to_b))
        assert not b.heard(b"stranger")
        assert not stranger.hear()
        assert (await session.close()).flows[A].packets_in == len(b.hear())


async def test_a_phone_behind_nat_is_learned_after_the_grace(session: EmbeddedSession) -> None:
    with phones(3) as (inside, outside, b):
        offer = inside.describes()
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        await session.bridge(A, B, b.describes())
        to_a = await session.accept(A, offer, prefer=B)
        await hear_each_other((outside, to_a), (b, to_b))


async def test_strangers_are_counted_while_the_party_is_not_where_it_said(session: EmbeddedSession) -> None:
    with phones(4) as (inside, outside, b, stranger):
        offer = inside.describes()
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        await session.bridge(A, B, b.describes())
        to_a = await session.accept(A, offer, prefer=B)
        await hear_each_other((outside, to_a), (b, to_b))
        for _ in range(5):
            stranger.say(to_a, b"stranger")
        await hear_each_other((outside, to_a), (b, to_b))
        flow = (await session.close()).flows[A]
        assert flow.packets_in == len(b.hear())
        unread = outside.sent + 5 - flow.packets_in - flow.dropped
        assert 0 <= unread <= 1, "what was said last may be on its way when the session closes"


async def test_the_signalled_address_wins_over_an_intruder_who_was_first(session: EmbeddedSession) -> None:
    with phones(3) as (a, b, intruder):
        offer = a.describes()
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        await session.bridge(A, B, b.describes())
        to_a = await session.accept(A, offer, prefer=B)
        await until(lambda: b.heard(b"intruder"), lambda: intruder.say(to_a, b"intruder"))
        await hear_each_other((a, to_a), (b, to_b))
        intruder.say(to_a, b"again")
        await hear_each_other((a, to_a), (b, to_b))
        assert not b.heard(b"again")


async def test_junk_is_dropped(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        for junk in (b"", b"x", b"\x80", b"GET / HTTP/1.0\r\n\r\n", b"\x8f" + rtp(0, 1)[1:20], b"\x00" * 2000):
            a.rtp.sendto(junk, ("127.0.0.1", to_a.port))
        before = len(b.hear())
        await hear_each_other((a, to_a), (b, to_b))
        assert all(body.startswith(b"a") for _, body in b.got[before:])
        assert (await session.close()).flows[A].dropped == 6


async def test_reports_of_one_party_are_not_passed_on_but_ours_end_with_goodbye(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, _ = await talk(session, a, b)
        a.rtcp.sendto(rtcp(), ("127.0.0.1", to_a.rtcp_port))
        await session.close()
        report = b.rtcp.recv(2000)
        assert report[1] == 200
        assert report[-8:-4] == b"\x81\xcb\x00\x01"
        assert report[-4:] == report[4:8]
        with pytest.raises(BlockingIOError):
            b.rtcp.recv(2000)


async def test_hold_and_resume_are_answered_here(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        assert (await session.reoffer(A, a.describes(direction=Direction.SENDONLY))).direction is Direction.RECVONLY
        await until(lambda: b.heard(b"music"), lambda: a.say(to_a, b"music"))
        b.say(to_b, b"aside")
        await obeyed(engine)
        assert (await session.reoffer(A, a.describes())).direction is Direction.SENDRECV
        await hear_each_other((a, to_a), (b, to_b))
        assert not a.heard(b"aside")


async def test_hold_by_zero_address_is_hold(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        answer = await session.reoffer(A, a.describes(address="0.0.0.0"))
        assert answer.direction is Direction.RECVONLY
        await obeyed(engine)
        b.say(to_b, b"aside")
        await obeyed(engine)
        assert (await session.reoffer(A, a.describes())).direction is Direction.SENDRECV
        await hear_each_other((a, to_a), (b, to_b))
        assert not a.heard(b"aside")


async def test_a_new_address_in_a_reoffer_is_learned_and_the_old_one_is_a_stranger(session: EmbeddedSession) -> None:
    with phones(3) as (a, b, moved):
        to_a, to_b = await talk(session, a, b)
        assert (await session.reoffer(A, moved.describes())).port == to_a.port
        await hear_each_other((moved, to_a), (b, to_b))
        a.say(to_a, b"old place")
        await hear_each_other((moved, to_a), (b, to_b))
        assert not b.heard(b"old place")


async def test_the_same_description_again_keeps_the_learned_source(session: EmbeddedSession) -> None:
    with phones(3) as (a, b, stranger):
        to_a, to_b = await talk(session, a, b)
        await session.reoffer(A, a.describes())
        for _ in range(40):
            stranger.say(to_a, b"stranger")
            await asyncio.sleep(0.01)
        await hear_each_other((a, to_a), (b, to_b))
        assert not b.heard(b"stranger")


async def test_codecs_change_by_a_reoffer_that_is_passed_on(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        offer = a.describes(G722)
        with pytest.raises(NoUsableAudio):
            await session.reoffer(A, offer)
        await hear_each_other((a, to_a), (b, to_b))
        session.offered(A, offer)
        assert [codec.name for codec in (await session.remake(B)).codecs] == ["G722"]
        assert await session.answered(B, b.describes(G722)) == []
        await session.reoffer(A, offer)
        await until(lambda: b.heard(b"wide"), lambda: a.say(to_a, b"wide", 9))
        await until(lambda: a.heard(b"band"), lambda: b.say(to_b, b"band", 9))


async def test_part_is_silence_and_bridge_ends_it(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        await session.part(A, B)
        await obeyed(engine)
        a.say(to_a, b"apart")
        await obeyed(engine)
        await session.bridge(B, A)
        await hear_each_other((a, to_a), (b, to_b))
        assert not b.heard(b"apart")


async def test_a_third_party_can_take_over(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    with phones(3) as (a, b, c):
        to_a, to_b = await talk(session, a, b)
        to_c = await session.invite(C, A)
        assert await session.bridge(A, C, c.describes()) == []
        await obeyed(engine)
        b.say(to_b, b"left out")
        await hear_each_other((a, to_a), (c, to_c))
        assert not a.heard(b"left out")


async def test_a_bridged_party_that_falls_silent_is_told_once(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    events = engine.events()
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)

        async def a_keeps_talking() -> None:
            while True:
                a.say(to_a, b"still here")
                await asyncio.sleep(0.05)

        talking = asyncio.create_task(a_keeps_talking())
        try:
            async with asyncio.timeout(5):
                event = await anext(events)
                assert isinstance(event, MediaSilent)
                assert (event.session, event.party) == ("s", B)
                assert 0.5 < event.seconds < 1.5
                await hear_each_other((a, to_a), (b, to_b))
                again = await anext(events)
                assert isinstance(again, MediaSilent)
                assert again.party == B
        finally:
            talking.cancel()


async def test_a_held_party_may_be_silent(engine: EmbeddedEngine, session: EmbeddedSession) -> None:
    events = engine.events()
    with phones(2) as (a, b):
        await talk(session, a, b)
        await session.reoffer(A, a.describes(direction=Direction.SENDONLY))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.2):
                await anext(events)
