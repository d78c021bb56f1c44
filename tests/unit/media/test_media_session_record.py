"""What is recorded of the parties of a session, as the child is told it."""

from pathlib import Path

import pytest

from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.embedded.wire import Quiet
from ringdove.media.engine import QuietFor, RecordingFailed, RecordingId, SessionClosed, SessionId
from support.media import EVENT, PCMU, A, B, C, Ports, body, connected

R = RecordingId("r")
FILE = Path("/recordings/call.wav")
TAPE = "/recordings/call.wav.tape"


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def session(ports: Ports) -> EmbeddedSession:
    return EmbeddedSession(SessionId("s"), ports)


async def test_each_party_has_its_channel_in_the_order_asked_for(ports: Ports, session: EmbeddedSession) -> None:
    to_a, to_b = await connected(session)
    await session.record(R, FILE, B, A)
    assert ports.tapes == {TAPE: [to_b.port, to_a.port]}


async def test_a_party_without_a_peer_is_heard_by_the_recording(ports: Ports, session: EmbeddedSession) -> None:
    to_a = await session.accept(A, body(4000, PCMU, EVENT))
    assert not ports.streams
    await session.record(R, FILE, A)
    assert ports.streams.keys() == {to_a.port}
    assert ports.streams[to_a.port].formats == ((0, "pcmu", 8000), (101, "telephone-event", 8000))


async def test_who_was_offered_something_is_recorded_from_its_answer_on(ports: Ports, session: EmbeddedSession) -> None:
    """Before that the child knows nothing of it, and so could put nobody on the tape."""
    to_a = await session.invite(A)
    await session.record(R, FILE, A)
    assert ports.tapes == {TAPE: [0]}
    await session.answered(A, body(4000, PCMU, EVENT))
    assert ports.tapes == {TAPE: [to_a.port]}
    assert ports.streams.keys() == {to_a.port}


async def test_who_is_not_there_yet_or_has_left_keeps_its_channel(ports: Ports, session: EmbeddedSession) -> None:
    await session.record(R, FILE, A, B, C)
    assert ports.tapes == {TAPE: [0, 0, 0]}
    to_a, to_b = await connected(session)
    assert ports.tapes == {TAPE: [to_a.port, to_b.port, 0]}
    await session.drop(A)
    assert ports.tapes == {TAPE: [0, to_b.port, 0]}


async def test_a_new_child_goes_on_with_the_same_tape(ports: Ports, session: EmbeddedSession) -> None:
    await connected(session)
    await session.record(R, FILE, A, B)
    before = dict(ports.tapes)
    ports.tapes.clear()
    session.replay()
    assert ports.tapes == before


async def test_a_recording_ends_with_the_session_and_no_new_one_begins(ports: Ports, session: EmbeddedSession) -> None:
    await connected(session)
    await session.record(R, FILE, A, B)
    await session.close()
    assert not ports.tapes
    with pytest.raises(SessionClosed):
        await session.record(RecordingId("late"), FILE, A)


async def test_a_recording_has_an_id_and_a_file_of_its_own_and_somebody_to_record(session: EmbeddedSession) -> None:
    await session.record(R, FILE, A)
    other, elsewhere = RecordingId("other"), Path("/recordings/other.wav")
    for recording, file, parties in ((R, elsewhere, (B,)), (other, FILE, (B,)), (other, elsewhere, ())):
        with pytest.raises(ValueError, match="of its own"):
            await session.record(recording, file, *parties)
    with pytest.raises(KeyError):
        await session.stop_record(RecordingId("unknown"))


async def test_a_file_that_cannot_be_made_is_said_and_can_be_asked_for_again(
    ports: Ports, session: EmbeddedSession, tmp_path: Path
) -> None:
    await connected(session)
    await session.record(R, tmp_path / "no such folder" / "call.wav", A)
    for _ in range(2):
        with pytest.raises(RecordingFailed):
            await session.stop_record(R)
        assert not ports.tapes


async def test_the_child_listens_for_silence_where_that_is_asked_for(ports: Ports, session: EmbeddedSession) -> None:
    await connected(session)
    await session.record(R, FILE, A, quiet=4)
    await session.record(RecordingId("other"), Path("/recordings/other.wav"), B)
    assert ports.quiet == {TAPE: 4.0, "/recordings/other.wav.tape": 0.0}
    with pytest.raises(ValueError, match="takes some time"):
        await session.record(RecordingId("never"), Path("/recordings/never.wav"), B, quiet=0)


async def test_silence_is_told_of_a_recording_that_runs(session: EmbeddedSession) -> None:
    await session.record(R, FILE, A, quiet=4)
    assert session.quiet(Quiet(TAPE, 4.0, 9.5)) == QuietFor(SessionId("s"), R, 4.0, 9.5)
    assert session.quiet(Quiet("/recordings/other.wav.tape", 4.0, 9.5)) is None
    await session.close()
    assert session.quiet(Quiet(TAPE, 4.0, 9.5)) is None
