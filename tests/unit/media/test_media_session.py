"""What the parent's side of a session decides, without a child: offers, answers and the streams to be relayed."""

import pytest

from ringdove.media.codecs import DEFAULT_OFFER
from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.engine import (
    NoUsableAudio,
    PartyId,
    SessionClosed,
    SessionId,
)
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Connection, Direction, Origin, SessionDescription
from support.media import (
    EVENT,
    EVENT_48000,
    G722,
    INACTIVE,
    OPUS,
    PCMA,
    PCMU,
    RECVONLY,
    SENDONLY,
    SENDRECV,
    A,
    B,
    C,
    Ports,
    body,
    connected,
)


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def session(ports: Ports) -> EmbeddedSession:
    return EmbeddedSession(SessionId("s"), ports)


async def test_members_are_offered_what_the_caller_offered_and_we_carry(session: EmbeddedSession) -> None:
    gsm = Codec(3, "GSM", 8000)
    opus = Codec(114, "opus", 48000, 2, "useinbandfec=1")
    session.offered(A, body(4000, opus, gsm, G722, PCMA, EVENT, ptime=30))
    media = await session.invite(B, A)
    assert media.codecs == (opus, G722, PCMA, PCMU, EVENT)
    assert media.ptime == 30
    assert media.address == "198.51.100.1"


async def test_members_are_offered_our_own_list_when_the_caller_has_said_nothing(session: EmbeddedSession) -> None:
    assert (await session.invite(B, A)).codecs == DEFAULT_OFFER
    assert (await session.invite(C)).codecs == DEFAULT_OFFER


async def test_members_are_offered_first_what_is_agreed_with_the_caller(session: EmbeddedSession) -> None:
    offer = body(4000, G722, PCMU, PCMA)
    session.offered(A, offer)
    await session.invite(B, A)
    await session.bridge(A, B, body(5000, PCMA))
    await session.accept(A, offer, prefer=B)
    assert (await session.invite(C, A)).codecs == (PCMA, G722, PCMU)


async def test_the_caller_gets_the_codecs_of_the_winner_in_its_order(session: EmbeddedSession) -> None:
    offer = body(4000, G722, PCMU, PCMA, EVENT)
    session.offered(A, offer)
    await session.invite(B, A)
    assert await session.bridge(A, B, body(5000, PCMA, PCMU, EVENT, ptime=40)) == []
    answer = await session.accept(A, offer, prefer=B)
    assert answer.codecs == (PCMA, PCMU, EVENT)
    assert answer.ptime == 40


async def test_the_answer_in_200_is_that_of_183(session: EmbeddedSession) -> None:
    offer = body(4000, PCMU, PCMA)
    early = await session.accept(A, offer)
    await session.invite(B, A)
    await session.bridge(A, B, body(5000, PCMU))
    assert await session.accept(A, offer, prefer=B) == early


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ((OPUS, G722, PCMU, EVENT, EVENT_48000), (G722, EVENT)),
        ((PCMA, PCMU), (PCMA,)),
        ((OPUS, EVENT, EVENT_48000), (OPUS, EVENT, EVENT_48000)),
    ],
)
async def test_before_it_is_known_who_answers_one_codec_that_sounds_are_kept_in_is_agreed(
    session: EmbeddedSession, offered: tuple[Codec, ...], answered: tuple[Codec, ...]
) -> None:
    assert (await session.accept(A, body(4000, *offered))).codecs == answered


async def test_members_are_offered_the_codec_of_an_early_answer_first(session: EmbeddedSession) -> None:
    await session.accept(A, body(4000, OPUS, PCMA, G722, EVENT))
    assert (await session.invite(B, A)).codecs == (PCMA, OPUS, G722, PCMU, EVENT)


async def test_who_cannot_be_matched_is_named_for_a_reinvite(session: EmbeddedSession) -> None:
    offer = body(4000, PCMU, G722)
    session.offered(A, offer)
    await session.invite(B, A)
    await session.accept(A, offer)
    assert await session.bridge(A, B, body(5000, G722)) == [A]
    assert (await session.remake(A)).codecs[0] == G722
    assert await session.answered(A, body(4000, G722)) == []


# The two laws of G.711


@pytest.mark.parametrize(("one", "other", "law"), [(PCMU, PCMA, "a"), (PCMA, PCMU, "u")])
async def test_the_two_laws_meet_each_other(
    ports: Ports, session: EmbeddedSession, one: Codec, other: Codec, law: str
) -> None:
    offer = body(4000, one, EVENT)
    session.offered(A, offer)
    to_b = await session.invite(B, A)
    assert to_b.codecs == (one, other, EVENT)
    assert await session.bridge(A, B, body(5000, other, EVENT)) == []
    to_a = await session.accept(A, offer)
    assert to_a.codecs == (one, EVENT)
    assert (one.payload, other.payload, law) in ports.streams[to_a.port].numbers
    back = "u" if law == "a" else "a"
    assert (other.payload, one.payload, back) in ports.streams[to_b.port].numbers
    assert (EVENT.payload, EVENT.payload, "") in ports.streams[to_a.port].numbers


async def test_another_law_in_a_reoffer_is_answered_here_under_any_number(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a, to_b = await connected(session, PCMU, EVENT)
    numbered = Codec(96, "pcma", 8000)
    assert (await session.reoffer(A, body(4000, numbered, EVENT))).codecs == (numbered, EVENT)
    assert (96, 0, "u") in ports.streams[to_a.port].numbers
    assert (0, 96, "a") in ports.streams[to_b.port].numbers
    assert (await session.reoffer(A, body(4000, numbered, PCMU, EVENT))).codecs == (PCMU, EVENT)
    assert (0, 0, "") in ports.streams[to_b.port].numbers


async def test_who_knows_one_law_only_is_not_asked_for_the_other(session: EmbeddedSession) -> None:
    offer = body(4000, PCMU)
    await session.accept(A, offer)
    await session.invite(B, A)
    assert await session.bridge(A, B, body(5000, PCMA)) == []
    assert await session.answered(B, body(5000, PCMA)) == []


async def test_other_formats_meet_only_themselves(session: EmbeddedSession) -> None:
    await connected(session, G722)
    for codec in (PCMU, PCMA, OPUS):
        with pytest.raises(NoUsableAudio):
            await session.reoffer(A, body(4000, codec))


# Parameters say what one wants to receive


async def test_parameters_of_the_peer_are_passed_on_and_none_where_it_has_none(session: EmbeddedSession) -> None:
    mono, flash = OPUS._replace(fmtp="stereo=0"), EVENT._replace(fmtp="0-16")
    offer = body(4000, OPUS._replace(fmtp="stereo=1"), flash)
    session.offered(A, offer)
    assert (await session.invite(B, A)).codecs == (OPUS._replace(fmtp="stereo=1"), flash)
    await session.bridge(A, B, body(5000, mono, EVENT._replace(fmtp="")))
    assert (await session.accept(A, offer)).codecs == (mono, EVENT._replace(fmtp=""))


async def test_before_it_is_known_who_answers_the_digits_that_we_hear_are_named(session: EmbeddedSession) -> None:
    answer = await session.accept(A, body(4000, PCMU, EVENT._replace(fmtp="0-11,66")))
    assert answer.codecs == (PCMU, EVENT._replace(fmtp="0-15"))


async def test_packet_times_are_passed_on_both_ways(session: EmbeddedSession) -> None:
    offer = body(4000, PCMU, ptime=30, maxptime=60)
    session.offered(A, offer)
    to_b = await session.invite(B, A)
    assert (to_b.ptime, to_b.maxptime) == (30, 60)
    await session.bridge(A, B, body(5000, PCMU, ptime=10, maxptime=40))
    to_a = await session.accept(A, offer)
    assert (to_a.ptime, to_a.maxptime) == (10, 40)


@pytest.mark.parametrize(
    "offer",
    [
        body(4000, Codec(18, "G729", 8000)),
        body(4000, EVENT),
        body(0, PCMU),
        body(4000, PCMU, proto="RTP/SAVP"),
        SessionDescription(Origin("-", "1", "1", Connection("h"))),
    ],
)
async def test_an_offer_without_usable_audio_is_refused_and_changes_nothing(
    ports: Ports, session: EmbeddedSession, offer: SessionDescription
) -> None:
    with pytest.raises(NoUsableAudio):
        session.offered(A, offer)
    with pytest.raises(NoUsableAudio):
        await session.accept(A, offer)
    with pytest.raises(NoUsableAudio):
        await session.reoffer(A, offer)
    assert len(ports.ports) == 50


async def test_an_answer_that_refuses_audio_bridges_nobody(ports: Ports, session: EmbeddedSession) -> None:
    session.offered(A, body(4000, PCMU))
    await session.invite(B, A)
    for answer in (body(0, PCMU), body(5000, G722)):
        with pytest.raises(NoUsableAudio):
            await session.bridge(A, B, answer)
    await session.accept(A, body(4000, PCMU))
    assert not ports.streams


async def test_an_answer_to_nothing_is_refused(session: EmbeddedSession) -> None:
    with pytest.raises(NoUsableAudio):
        await session.answered(A, body(4000, PCMU))


async def test_ringing_costs_the_child_nothing(ports: Ports, session: EmbeddedSession) -> None:
    session.offered(A, body(4000, PCMU))
    for leg in range(20):
        await session.invite(PartyId(str(leg)), A)
    for leg in range(20):
        await session.drop(PartyId(str(leg)))
    assert ports.told == 0
    assert len(ports.ports) == 50


async def test_saying_the_same_again_costs_the_child_nothing(ports: Ports, session: EmbeddedSession) -> None:
    to_a, _ = await connected(session)
    told = ports.told
    assert await session.reoffer(A, body(4000, PCMU, EVENT)) == to_a
    assert await session.bridge(B, A) == []
    assert ports.told == told


async def test_a_new_child_is_told_everything(ports: Ports, session: EmbeddedSession) -> None:
    await connected(session)
    before = dict(ports.streams)
    ports.streams.clear()
    session.replay()
    assert ports.streams == before
    assert len(before) == 2


@pytest.mark.parametrize("said", Direction)
@pytest.mark.parametrize("peers", Direction)
async def test_directions_end_here_and_both_decide_what_flows(
    ports: Ports, session: EmbeddedSession, said: Direction, peers: Direction
) -> None:
    to_a, to_b = await connected(session)
    assert (await session.reoffer(A, body(4000, PCMU, EVENT, direction=said))).direction is said.mirrored
    assert (await session.reoffer(B, body(5000, PCMU, EVENT, direction=peers))).direction is peers.mirrored
    assert bool(ports.streams[to_a.port].numbers) == (said.sends and peers.receives)
    assert bool(ports.streams[to_b.port].numbers) == (said.receives and peers.sends)
    assert ports.streams[to_a.port].listens == said.receives
    assert ports.streams[to_a.port].watch == (said == peers == SENDRECV)
    for party, direction in ((A, said), (B, peers)):
        assert session.on_hold(party) == (not direction.receives)
        assert (await session.remake(party)).direction is SENDRECV


async def test_hold_by_zero_address_is_answered_like_sendonly(ports: Ports, session: EmbeddedSession) -> None:
    to_a, to_b = await connected(session)
    held = await session.reoffer(A, body(4000, PCMU, EVENT, address="0.0.0.0"))
    assert held.direction is RECVONLY
    assert session.on_hold(A)
    assert (ports.streams[to_a.port].host, ports.streams[to_a.port].listens) == (None, False)
    assert not ports.streams[to_b.port].numbers


async def test_an_answer_never_allows_more_than_the_offer(session: EmbeddedSession) -> None:
    await connected(session)
    assert (await session.remake(B, direction=RECVONLY)).direction is RECVONLY
    await session.answered(B, body(5000, PCMU, EVENT))
    assert session.on_hold(B)


async def test_a_refused_offer_leaves_no_trace(ports: Ports, session: EmbeddedSession) -> None:
    await connected(session)
    before = dict(ports.streams)
    session.offered(A, body(4000, G722, direction=SENDONLY))
    assert (await session.remake(B)).codecs == (G722,)
    session.refused(A)
    session.refused(B)
    assert (await session.remake(B)).codecs == (PCMU, PCMA, EVENT)
    assert not session.on_hold(A)
    assert ports.streams == before


async def test_a_number_keeps_its_meaning_when_codecs_change(session: EmbeddedSession) -> None:
    await connected(session, PCMU, Codec(96, "telephone-event", 8000))
    session.offered(A, body(4000, Codec(96, "opus", 48000, 2)))
    media = await session.remake(B)
    assert [(codec.payload, codec.name) for codec in media.codecs] == [(97, "opus")]


async def test_only_a_change_of_place_or_a_resume_learns_the_source_anew(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a, _ = await connected(session)

    async def epoch(offer: SessionDescription) -> int:
        await session.reoffer(A, offer)
        return ports.streams[to_a.port].epoch

    first = ports.streams[to_a.port].epoch
    assert await epoch(body(4000, PCMU, EVENT)) == first
    assert await epoch(body(4002, PCMU, EVENT)) == first + 1
    assert await epoch(body(4002, PCMU, EVENT, direction=INACTIVE)) == first + 1
    assert await epoch(body(4002, PCMU, EVENT)) == first + 2
    assert await epoch(body(4002, PCMU, EVENT, address="192.0.2.9")) == first + 3


async def test_dropping_one_leg_leaves_the_others(ports: Ports, session: EmbeddedSession) -> None:
    to_a, to_b = await connected(session)
    to_c = await session.invite(C, A)
    before = dict(ports.streams)
    await session.drop(C)
    await session.drop(PartyId("never heard of"))
    assert ports.streams == before
    await session.drop(B)
    assert ports.streams.keys() == {to_a.port}
    assert ports.streams[to_a.port].peer is None
    assert {to_b.port, to_c.port} <= set(ports.ports)


async def test_a_closed_session_says_so_and_can_be_closed_again(ports: Ports, session: EmbeddedSession) -> None:
    await connected(session)
    stats = await session.close()
    assert {party: flow.packets_in for party, flow in stats.flows.items()} == {A: 1, B: 1}
    assert await session.close() == stats
    await session.drop(A)
    await session.part(A, B)
    session.refused(A)
    with pytest.raises(SessionClosed):
        await session.bridge(A, B)
    with pytest.raises(SessionClosed):
        session.offered(A, body(4000, PCMU))
    assert len(ports.ports) == 50


async def test_nobody_is_bridged_with_himself(session: EmbeddedSession) -> None:
    with pytest.raises(ValueError, match="itself"):
        await session.bridge(A, A)
