"""The embedded engine's child: its ports, its death, its end."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop
from structlog.testing import capture_logs

from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.media.embedded.wire import Stream
from ringdove.media.engine import (
    EngineDown,
    EngineUnavailable,
    EngineUp,
    NoPortsLeft,
    PartyId,
    Recording,
    RecordingFailed,
    RecordingId,
    SessionClosed,
    SessionId,
    SessionLost,
)
from support.ports import audio_ports
from wire.media_phone import PCMU, A, B, audio, describe, ended, hear_each_other, phones, talk, until


@pytest.fixture
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine("127.0.0.1", audio_ports(20), ready=4, grace=0.2, rest=0.2)
    await engine.start()
    yield engine
    await engine.stop()


def kill(engine: EmbeddedEngine, how: signal.Signals = signal.SIGKILL) -> int:
    assert engine.pid is not None
    pid = engine.pid
    os.kill(pid, how)
    return pid


def steal(thief: socket.socket, port: int) -> None:
    """Bind a port as soon as it can be had, without giving the loop a turn."""
    while True:
        with suppress(OSError):
            return thief.bind(("127.0.0.1", port))


def free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


async def test_a_killed_child_is_replaced_and_the_call_goes_on_with_the_same_ports(engine: EmbeddedEngine) -> None:
    events = engine.events()
    session = await engine.open(SessionId("s"))
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        pid = kill(engine)
        async with asyncio.timeout(5):
            assert isinstance(await anext(events), EngineDown)
            assert isinstance(await anext(events), EngineUp)
        assert engine.pid != pid
        assert await engine.recover({session.id, SessionId("unknown")}) == {session.id}
        await hear_each_other((a, to_a), (b, to_b))


async def test_what_happens_while_the_child_is_down_counts_when_it_is_back(engine: EmbeddedEngine) -> None:
    events = engine.events()
    session = await engine.open(SessionId("s"))
    with phones(3) as (a, b, c):
        to_a, _ = await talk(session, a, b)
        kill(engine)
        async with asyncio.timeout(5):
            assert isinstance(await anext(events), EngineDown)
        third = PartyId("c")
        to_c = await session.invite(third, A)
        await session.bridge(A, third, c.describes())
        await session.drop(B)
        await hear_each_other((a, to_a), (c, to_c))
        stats = await session.close()
        assert stats.flows.keys() == {A, B, third}


async def test_a_session_whose_port_was_taken_meanwhile_is_lost_and_others_are_not(engine: EmbeddedEngine) -> None:
    events = engine.events()
    unlucky, lucky = await engine.open(SessionId("unlucky")), await engine.open(SessionId("lucky"))
    media = await unlucky.invite(A)
    await lucky.invite(A)
    kill(engine, signal.SIGSTOP)  # so that the port can be had between death and restart
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        kill(engine)
        steal(thief, media.port)
        async with asyncio.timeout(5):
            assert isinstance(await anext(events), EngineDown)
            assert [type(await anext(events)) for _ in range(2)] == [SessionLost, EngineUp]
        assert await engine.recover({unlucky.id, lucky.id}) == {lucky.id}
        with pytest.raises(SessionClosed):
            await unlucky.invite(B)
        await lucky.invite(B)


async def test_a_child_that_hangs_is_replaced_and_the_log_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringdove.media.embedded.child.HANGS", 1.5)
    engine = EmbeddedEngine("127.0.0.1", audio_ports(5))
    await engine.start()
    events = engine.events()
    pid = kill(engine, signal.SIGSTOP)
    with capture_logs() as logs:
        async with asyncio.timeout(5):
            assert isinstance(await anext(events), EngineDown)
            assert isinstance(await anext(events), EngineUp)
    await engine.stop()
    assert [line["pid"] for line in logs if line["event"] == "media_process_silent"] == [pid]


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_child_lives_on_when_it_was_its_parent_that_stood_still(
    monkeypatch: pytest.MonkeyPatch, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    monkeypatch.setattr("ringdove.media.embedded.child.HANGS", 1.2)

    async def stand_still() -> None:
        engine = EmbeddedEngine("127.0.0.1", audio_ports(5))
        await engine.start()
        session = await engine.open(SessionId("s"))
        with phones(2) as (a, b):
            to_a, to_b = await talk(session, a, b)
            pid = engine.pid
            time.sleep(1.4)  # noqa: ASYNC251
            await hear_each_other((a, to_a), (b, to_b))
            assert (await session.close()).flows[A].packets_in
            assert engine.pid == pid
        await engine.stop()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(stand_still())


async def test_what_fails_at_a_report_is_logged_and_a_new_child_carries_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringdove.media.embedded.child.LONGEST_REPORT", 64)  # counts of two parties are longer
    engine = EmbeddedEngine("127.0.0.1", audio_ports(5))
    await engine.start()
    events = engine.events()
    session = await engine.open(SessionId("s"))
    with capture_logs() as logs, phones(2) as (a, b):
        await talk(session, a, b)
        await session.close()
        async with asyncio.timeout(5):
            assert isinstance(await anext(events), EngineDown)
            assert isinstance(await anext(events), EngineUp)
    assert [entry["event"] for entry in logs] == ["media_process_failed"]
    await (await engine.open(SessionId("t"))).invite(A)
    await engine.stop()


async def test_two_recordings_of_one_file_end_and_harm_nobody_else(engine: EmbeddedEngine, tmp_path: Path) -> None:
    pid = engine.pid
    recording = RecordingId("r")
    sessions = [await engine.open(SessionId(sid)) for sid in "st"]
    for session in sessions:
        await session.record(recording, tmp_path / "same.wav", A)
    async with asyncio.timeout(5):
        ended = await asyncio.gather(*(s.stop_record(recording) for s in sessions), return_exceptions=True)
    assert all(isinstance(end, Recording | RecordingFailed) for end in ended)
    await sessions[0].invite(A)
    assert (await sessions[0].close()).flows.keys() == {A}
    assert engine.pid == pid


async def test_ports_come_in_even_odd_pairs_and_fifty_legs_take_no_time() -> None:
    given = audio_ports(200)
    engine = EmbeddedEngine("127.0.0.1", range(given.start + 1, given.stop - 1), ready=64)
    await engine.start()
    session = await engine.open(SessionId("s"))
    ports = [(await session.invite(PartyId(str(leg)))).port for leg in range(60)]
    assert len(set(ports)) == 60
    assert all(port % 2 == 0 and port in given[2:-2] for port in ports)
    await engine.stop()


async def test_no_ports_left_is_said_and_a_freed_port_is_used_again_after_its_rest(engine: EmbeddedEngine) -> None:
    session = await engine.open(SessionId("s"))
    for leg in range(20):
        await session.invite(PartyId(str(leg)))
    with pytest.raises(NoPortsLeft):
        await session.invite(PartyId("one too many"))
    await session.drop(PartyId("7"))
    with pytest.raises(NoPortsLeft):
        await session.invite(PartyId("too soon"))
    async with asyncio.timeout(5):
        while True:
            with suppress(NoPortsLeft):
                await session.invite(PartyId("later"))
                break
            await asyncio.sleep(0.02)


async def test_ports_are_free_when_the_session_is_closed(engine: EmbeddedEngine) -> None:
    session = await engine.open(SessionId("s"))
    with phones(2) as (a, b):
        await talk(session, a, b)
        stats = await session.close()
        assert stats.flows[A].packets_in == len(b.hear())
        assert stats.flows[B].packets_out == len(b.hear())
        assert stats.flows[A].octets_in == sum(12 + len(body) for _, body in b.got)
        assert await session.close() == stats
        assert engine.ports_held == 0
    with pytest.raises(SessionClosed):
        await session.invite(A)
    assert await engine.open(SessionId("s")) is not session


def test_it_lives_on_uvloop_too() -> None:
    async def kill_and_recover() -> None:
        engine = EmbeddedEngine("127.0.0.1", audio_ports(5))
        await engine.start()
        events = engine.events()
        session = await engine.open(SessionId("s"))
        with phones(2) as (a, b):
            to_a, to_b = await talk(session, a, b)
            kill(engine)
            async with asyncio.timeout(5):
                assert isinstance(await anext(events), EngineDown)
                assert isinstance(await anext(events), EngineUp)
            await hear_each_other((a, to_a), (b, to_b))
        await engine.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(kill_and_recover())


async def test_the_same_id_opens_the_same_session(engine: EmbeddedEngine) -> None:
    assert await engine.open(SessionId("s")) is await engine.open(SessionId("s"))


async def test_stop_ends_the_child_the_sessions_and_the_events() -> None:
    engine = EmbeddedEngine("127.0.0.1", audio_ports(5))
    await engine.start()
    events = engine.events()
    session = await engine.open(SessionId("s"))
    port = (await session.invite(A)).port
    pid = engine.pid
    await engine.stop()
    assert pid is not None
    assert ended(pid)
    assert free(port)
    assert [type(event) async for event in events] == [EngineDown]
    with pytest.raises(EngineUnavailable):
        await engine.open(SessionId("t"))


@pytest.fixture
async def stuck(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmbeddedEngine]:
    """An engine whose child stands still and has much to read."""
    monkeypatch.setattr("ringdove.media.embedded.child.PATIENCE", 0.2)
    ports = audio_ports(5)
    engine = EmbeddedEngine("127.0.0.1", ports)
    await engine.start()
    pid = kill(engine, signal.SIGSTOP)
    for epoch in range(6000):
        engine.tell(Stream(ports.start, "127.0.0.1", 4000, 4001, epoch, [], True, None, [], False))
    yield engine
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def test_a_stuck_child_that_did_not_read_everything_is_ended_too(stuck: EmbeddedEngine) -> None:
    pid = stuck.pid
    assert pid is not None
    async with asyncio.timeout(5):
        await stuck.stop()
    assert ended(pid)


async def test_stop_can_be_cancelled_and_called_again(stuck: EmbeddedEngine) -> None:
    pid, events = stuck.pid, stuck.events()
    assert pid is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await stuck.stop()
    async with asyncio.timeout(5):
        await stuck.stop()
        assert [type(event) async for event in events] == [EngineDown]
    await until(lambda: ended(pid))


async def test_an_address_that_is_not_ours_is_said_at_the_start() -> None:
    engine = EmbeddedEngine("192.0.2.1", audio_ports(5))
    with pytest.raises(EngineUnavailable, match=r"192\.0\.2\.1"):
        await engine.start()


async def test_ipv6() -> None:
    engine = EmbeddedEngine("::1", audio_ports(10))
    await engine.start()
    session = await engine.open(SessionId("s"))
    assert (await session.invite(A)).address == "::1"
    await engine.stop()


async def test_everywhere_each_party_is_told_the_address_of_its_version() -> None:
    with pytest.raises(ValueError, match="wildcard"):
        EmbeddedEngine("::", audio_ports(10))
    engine = EmbeddedEngine("::", audio_ports(10), advertise=["127.0.0.1", "::1"])
    await engine.start()
    session = await engine.open(SessionId("s"))
    assert (await session.accept(A, describe(audio(4000, PCMU), address="192.0.2.1"))).address == "127.0.0.1"
    assert (await session.reoffer(A, describe(audio(4000, PCMU), address="0.0.0.0"))).address == "127.0.0.1"
    assert (await session.invite(B, toward=A, at="2001:db8::1")).address == "::1"
    assert (await session.remake(B)).address == "::1"
    assert (await session.invite(PartyId("c"))).address == "127.0.0.1"
    await engine.stop()


async def test_the_child_is_small(engine: EmbeddedEngine) -> None:
    assert engine.pid is not None
    assert resident(engine.pid) < 25_000


async def test_the_child_ends_when_its_parent_is_killed() -> None:
    script = """
import asyncio, sys
from ringdove.media.embedded.engine import EmbeddedEngine

async def main():
    engine = EmbeddedEngine("127.0.0.1", range(int(sys.argv[1]), int(sys.argv[2])))
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    ports = audio_ports(5)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(ports.start), str(ports.stop), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await until(lambda: ended(child))
    await parent.wait()


def resident(pid: int) -> int:
    """Kilobytes of memory in use."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
