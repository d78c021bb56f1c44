"""What holds of a session under any order of calls."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.engine import (
    Item,
    ItemId,
    MediaError,
    PartyId,
    RecordingId,
    SessionId,
    Sound,
)
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Connection, Direction, SessionDescription, parse
from ringdove.sip.sdp_exchange import Author, Media
from support.media import (
    EVENT,
    G722,
    PCMA,
    PCMU,
    A,
    B,
    C,
    Ports,
    body,
)

_parties = st.sampled_from([A, B, C])
_bodies = st.builds(
    body,
    st.integers(1024, 65000),
    st.sampled_from([PCMU, PCMA, Codec(97, "opus", 48000, 2)]),
    st.sampled_from([EVENT, G722]),
    direction=st.sampled_from(Direction),
    address=st.sampled_from(["192.0.2.1", "192.0.2.2", "0.0.0.0"]),
)
_steps = st.one_of(
    st.tuples(st.just("offered"), _parties, _bodies),
    st.tuples(st.just("accept"), _parties, _bodies),
    st.tuples(st.just("invite"), _parties, _parties),
    st.tuples(st.just("bridge"), _parties, _parties),
    st.tuples(st.just("answered"), _parties, _bodies),
    st.tuples(st.just("reoffer"), _parties, _bodies),
    st.tuples(st.just("remake"), _parties),
    st.tuples(st.just("play"), _parties, st.just(Item(ItemId("x"), Sound((Path("/audio/x"),))))),
    st.tuples(st.just("stop"), _parties),
    st.tuples(
        st.just("record"), st.sampled_from(["r", "t"]).map(RecordingId), st.just(Path("/x.wav")), _parties, _parties
    ),
    st.tuples(st.just("part"), _parties, _parties),
    st.tuples(st.just("drop"), _parties),
)


@given(st.lists(_steps, max_size=25))
def test_laws_under_any_order_of_calls(steps: list[tuple[str, *tuple[object, ...]]]) -> None:
    asyncio.run(play(steps))


async def play(steps: list[tuple[str, *tuple[object, ...]]]) -> None:
    ports = Ports()
    session = EmbeddedSession(SessionId("s"), ports)
    authors = {party: Author(1) for party in (A, B, C)}
    for name, *arguments in steps:
        try:
            result = getattr(session, name)(*arguments)
            if asyncio.iscoroutine(result):
                result = await result
        except (MediaError, ValueError):
            continue
        if isinstance(result, Media):
            _is_a_sound_description(name, arguments, result, authors)
        _streams_come_in_pairs_or_are_silent(ports)
        _only_known_parties_are_played_to_and_recorded(ports)
    await session.close()
    assert len(ports.ports) == 50
    assert not {*ports.streams, *ports.plays, *ports.tapes}


def _is_a_sound_description(name: str, arguments: list[object], media: Media, authors: dict[PartyId, Author]) -> None:
    numbers = [codec.payload for codec in media.codecs]
    assert numbers
    assert len(set(numbers)) == len(numbers)
    if name in ("accept", "reoffer"):
        offer = arguments[1]
        assert isinstance(offer, SessionDescription)
        assert {(c.payload, c.key) for c in media.codecs} <= {(c.payload, c.key) for c in offer.media[0].codecs}
        theirs = offer.direction_of(offer.media[0])
        assert not (media.direction.sends and not theirs.receives)
        assert not (media.direction.receives and not theirs.sends)
        if offer.connection == Connection("0.0.0.0"):
            assert not media.direction.sends
    party = arguments[0]
    assert isinstance(party, str)
    assert parse(authors[PartyId(party)].offer(media)).media[0].port == media.port


def _streams_come_in_pairs_or_are_silent(ports: Ports) -> None:
    for stream in ports.streams.values():
        if stream.peer is None:
            assert not stream.numbers
            assert not stream.watch
        else:
            assert ports.streams[stream.peer].peer == stream.port
        received = [number for number, _, _ in stream.numbers]
        assert len(set(received)) == len(received)
        names = {number: name for number, name, _ in stream.formats}
        assert all({names[number], *law} in ({"pcmu", "a"}, {"pcma", "u"}) for number, _, law in stream.numbers if law)


def _only_known_parties_are_played_to_and_recorded(ports: Ports) -> None:
    assert {port for port, play in ports.plays.items() if play.items} <= ports.streams.keys()
    assert not {port for tape in ports.tapes.values() for port in tape} & set(ports.ports)
