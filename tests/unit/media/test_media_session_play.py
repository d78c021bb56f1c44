"""What is played to the parties of a session, as the child is told it."""

import asyncio
from pathlib import Path

import pytest

from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.embedded.wire import Play, Played, encode, read_commands
from ringdove.media.engine import Item, ItemId, NoUsableAudio, PlayEnded, PlayEnding, SessionId, Sound
from ringdove.sip.codec import Codec
from support.media import EVENT, G722, OPUS, PCMA, PCMU, SENDONLY, A, B, Ports, body, connected

JOIN = Item(ItemId("join"), Sound((Path("/audio/join"),)))
WELCOME = Item(ItemId("welcome"), Sound((Path("/audio/one"), Path("/audio/two")), shuffled=True), times=None)


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def session(ports: Ports) -> EmbeddedSession:
    return EmbeddedSession(SessionId("s"), ports)


def now() -> float:
    return asyncio.get_running_loop().time()


def ended(play: Play, item: Item, at: float = 0.0, *, broken: bool = False) -> Played:
    return Played(play.port, play.number, item.id, broken, at)


async def test_a_caller_without_a_peer_hears_what_is_played_in_its_own_codec(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a = await session.accept(A, body(4000, Codec(99, "pcma", 8000), EVENT))
    await session.play(A, JOIN, WELCOME)
    stream, play = ports.streams[to_a.port], ports.plays[to_a.port]
    assert (stream.peer, stream.listens, stream.host, stream.rtp) == (None, True, "192.0.2.1", 4000)
    assert play[2:] == (
        99,
        "pcma",
        [("join", ["/audio/join"], 1, False), ("welcome", ["/audio/one", "/audio/two"], 0, True)],
        0.0,
    )
    assert encode(read_commands(encode([play]))) == encode([play])


async def test_who_can_be_played_to(session: EmbeddedSession) -> None:
    assert not session.can_play(A)
    session.offered(A, body(4000, OPUS))
    assert not session.can_play(A)
    session.offered(A, body(4000, OPUS, G722))
    assert session.can_play(A)
    with pytest.raises(NoUsableAudio):
        await session.play(A, JOIN)
    await session.accept(A, body(4000, OPUS))
    assert not session.can_play(A)
    with pytest.raises(NoUsableAudio):
        await session.play(A, JOIN)


async def test_an_item_that_ends_is_told_once_and_the_next_one_goes_on_by_itself(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, JOIN, WELCOME)
    told = ports.told
    report = ended(ports.plays[to_a.port], JOIN, 5.0)
    assert session.played(A, report) == PlayEnded(SessionId("s"), A, JOIN.id, PlayEnding.FINISHED, 5.0)
    assert session.played(A, report) is None
    await session.part(A, B)
    assert ports.told == told


async def test_a_broken_item_is_told_as_such(ports: Ports, session: EmbeddedSession) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, JOIN)
    event = session.played(A, ended(ports.plays[to_a.port], JOIN, broken=True))
    assert event is not None
    assert event.how is PlayEnding.BROKEN


async def test_what_was_replaced_or_stopped_is_not_told(ports: Ports, session: EmbeddedSession) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, JOIN)
    first = ports.plays[to_a.port]
    await session.play(A, JOIN)
    second = ports.plays[to_a.port]
    assert first.number != second.number
    assert session.played(A, ended(first, JOIN)) is None
    await session.stop(A)
    assert ports.plays[to_a.port].items == ()
    assert session.played(A, ended(second, JOIN)) is None
    assert session.played(B, ended(second, JOIN)) is None


async def test_a_new_child_goes_on_where_it_would_be(ports: Ports, session: EmbeddedSession) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, JOIN, WELCOME)
    before = ports.plays[to_a.port]
    session.played(A, ended(before, JOIN, now() - 7.0))
    ports.plays.clear()
    session.replay()
    again = ports.plays[to_a.port]
    assert (again.number, [item for item, *_ in again.items]) == (before.number, ["welcome"])
    assert again.skip == pytest.approx(7.0, abs=1.0)


async def test_what_was_over_is_not_told_to_a_new_child(ports: Ports, session: EmbeddedSession) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, JOIN)
    session.played(A, ended(ports.plays[to_a.port], JOIN))
    ports.plays.clear()
    session.replay()
    assert not ports.plays


async def test_a_bridge_ends_what_is_played_to_both(ports: Ports, session: EmbeddedSession) -> None:
    to_a, to_b = await connected(session)
    await session.play(A, JOIN)
    await session.play(B, JOIN)
    await session.bridge(A, B)
    assert [ports.plays[media.port].items for media in (to_a, to_b)] == [(), ()]


async def test_a_part_leaves_players_alone_and_a_drop_ends_its_own(ports: Ports, session: EmbeddedSession) -> None:
    to_a, to_b = await connected(session)
    await session.play(A, WELCOME)
    await session.play(B, WELCOME)
    before = dict(ports.plays)
    await session.part(A, B)
    assert ports.plays == before
    await session.drop(B)
    assert ports.plays == {to_a.port: before[to_a.port]}
    assert to_b.port in ports.ports


async def test_another_codec_while_playing_is_the_same_player_in_another_file(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, WELCOME)
    before = ports.plays[to_a.port]
    await session.reoffer(A, body(4000, PCMA, EVENT))
    after = ports.plays[to_a.port]
    assert (after.payload, after.file) == (8, "pcma")
    assert (after.number, after.items) == (before.number, before.items)


async def test_a_codec_that_sounds_are_not_kept_in_lets_them_go_on_unheard(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a = await session.accept(A, body(4000, PCMU))
    await session.play(A, WELCOME)
    before = ports.plays[to_a.port]
    await session.reoffer(A, body(4000, OPUS))
    assert not ports.streams[to_a.port].listens
    assert ports.plays[to_a.port] == before
    await session.stop(A)
    assert ports.streams[to_a.port].listens


async def test_a_held_party_does_not_listen_and_has_put_the_other_on_hold(
    ports: Ports, session: EmbeddedSession
) -> None:
    to_a, _ = await connected(session)
    assert not session.on_hold(A)
    await session.reoffer(A, body(4000, PCMU, EVENT, direction=SENDONLY))
    assert session.on_hold(A)
    assert not session.on_hold(B)
    assert not ports.streams[to_a.port].listens


async def test_a_closed_session_plays_nothing(ports: Ports, session: EmbeddedSession) -> None:
    await session.accept(A, body(4000, PCMU))
    await session.play(A, WELCOME)
    await session.close()
    await session.stop(A)
    assert not ports.plays
