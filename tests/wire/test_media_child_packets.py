"""What the media process does with packets, on real sockets: passed on, counted, reported, recorded, heard as keys."""

import asyncio
import socket
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from ringdove.media.embedded.wire import Alive, Bind, Digit, Free, Freed, Play, Quiet, Record, Recorded
from ringdove.media.g711 import ULAW_TO_ALAW
from ringdove.media.tape import reels
from wire.media_child import (
    CLOCK,
    DEADLINE,
    ONE,
    OTHER,
    Media,
    arrived,
    check_one_stream,
    heard,
    send,
    track,
)
from wire.media_phone import Phone


async def test_what_is_put_between_header_and_payload_is_not_passed_on(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    send(one, 1, 160, b"CSRC" + b"\xbe\xde\x00\x01ext." + b"voice" + b"\x00\x02", flags=0xB1)
    (packet,) = await heard(other, lambda got: len(got) == 1)
    assert (packet.flags, packet.body) == (0x80, b"voice")
    assert packet.ssrc != 0x1234


async def test_loss_and_order_are_passed_on_and_counted(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    for number in (65_534, 65_535, 3, 2, 4):
        send(one, number, 160 * number)
    got = await heard(other, lambda got: len(got) == 5)
    assert [(packet.sequence - got[0].sequence) % 65536 for packet in got] == [0, 1, 5, 4, 6]
    bridged.tell(Free([ONE]))
    assert (await bridged.report(Freed)).lost_in == 2


async def test_a_new_source_of_the_peer_goes_on_where_the_last_one_was(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    send(one, 1, 160)
    send(one, 7000, 99, ssrc=5)
    send(one, 7001, 259, ssrc=5)
    send(one, 40_000, 1, ssrc=5)  # astray
    send(one, 7002, 419, ssrc=5)
    send(one, 20_000, 1, ssrc=5)  # begins anew, with the next one
    send(one, 20_001, 161, ssrc=5)
    send(one, 20_002, 321, ssrc=5)
    got = await heard(other, lambda got: len(got) == 6)
    check_one_stream(got)
    assert [packet.mark >> 7 for packet in got] == [1, 1, 0, 0, 1, 0]


async def test_another_clock_rate_is_another_source(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    send(one, 1, 160)
    send(one, 2, 960, mark=111)
    send(one, 3, 1920, mark=111)
    got = await heard(other, lambda got: len(got) == 3)
    assert got[0].ssrc != got[1].ssrc == got[2].ssrc
    assert got[1].mark == 0x80 | 111


async def test_law_is_converted(bridged: Media, pair: list[Phone]) -> None:
    every = bytes(range(256))
    bridged.stream(ONE, pair[0], peer=OTHER, numbers=[(0, 8, "a")])
    await bridged.obeyed()
    send(pair[0], 1, 160, every)
    (packet,) = await heard(pair[1], lambda got: len(got) == 1)
    assert (packet.mark & 0x7F, packet.body) == (8, every.translate(ULAW_TO_ALAW))


async def test_each_key_is_told_once_and_passed_on_as_it_came(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    sequence = 0
    for digit, lost in ((1, False), (11, True)):
        sent = [(0, 160), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)]
        for flags, duration in sent[: 2 if lost else 5]:
            sequence += 1
            send(one, sequence, 8000 * digit, struct.pack("!BBH", digit, flags, duration), mark=101)
    first = await bridged.report(Digit)
    assert first == Digit(ONE, "1", 0.06, first.at)
    second = await bridged.report(Digit)
    assert second == Digit(ONE, "#", 0.04, second.at)
    assert second.at - first.at > 0.3
    got = arrived(other)
    assert len(got) == 7
    assert [(packet.timestamp - got[0].timestamp) % (1 << 32) for packet in got] == [0] * 5 + [80_000] * 2
    await bridged.report(Alive)
    assert sum(isinstance(report, Digit) for report in bridged.reports) == 2


async def test_a_key_is_heard_while_a_player_plays_and_without_a_peer(
    media: Media, pair: list[Phone], tmp_path: Path
) -> None:
    media.stream(ONE, pair[0], numbers=())
    media.play(7, ("music", [track(tmp_path, "music", 5)], 0))
    await media.obeyed()
    send(pair[0], 1, 160, struct.pack("!BBH", 5, 0x80, 800), mark=101)
    assert (await media.report(Digit)).digit == "5"


async def test_a_recording_holds_what_each_party_said(bridged: Media, pair: list[Phone], tmp_path: Path) -> None:
    one, other = pair
    tape = tmp_path / "x.tape"
    bridged.tell(Record(str(tape), [OTHER, ONE, 0]))
    await bridged.obeyed()
    send(one, 1, 160, b"from one")
    send(one, 2, 320, struct.pack("!BBH", 5, 0x80, 800), mark=101)
    send(one, 3, 480, b"again", mark=8)
    other.rtp.sendto(struct.pack("!BBHII", 0x80, 111, 1, 960, 77) + b"opus", ("127.0.0.1", OTHER))
    await heard(one, lambda got: len(got) == 1)
    await heard(other, lambda got: len(got) == 3)
    bridged.tell(Record(str(tape), []))
    assert (await bridged.report(Recorded)).tape == str(tape)
    send(one, 4, 640, b"late")
    await heard(other, lambda got: len(got) == 1)
    whole = tape.read_bytes()
    ((channels, packets),) = reels(whole)
    kept = {(p.channel, p.codec, p.timestamp, whole[p.start : p.start + p.size]) for p in packets}
    assert channels == 3
    assert kept == {(1, "pcmu", 160, b"from one"), (1, "pcma", 480, b"again"), (0, "opus", 960, b"opus")}


@pytest.mark.parametrize("says", [b"\xff" * 160, b""], ids=["noise", "nothing"])
async def test_silence_on_a_tape_is_told_once_until_somebody_speaks(
    bridged: Media, pair: list[Phone], tmp_path: Path, says: bytes
) -> None:
    tape = str(tmp_path / "x.tape")
    began = asyncio.get_running_loop().time()
    bridged.tell(Record(tape, [OTHER, ONE], 0.5))
    await bridged.obeyed()
    for number in range(10 if says else 0):
        send(pair[0], number, 160 * number, says)
    first = await bridged.report(Quiet)
    assert first.tape == tape
    assert first.seconds == pytest.approx(0.5, abs=0.1)
    assert first.at == pytest.approx(began + 0.5, abs=0.1)
    await bridged.report(Alive)
    await bridged.report(Alive)
    for number in range(10, 15):
        send(pair[0], number, 160 * number, b"\x00" * 160)
    spoke = asyncio.get_running_loop().time()
    second = await bridged.report(Quiet)
    assert second.at == pytest.approx(spoke + 0.5, abs=0.1)
    assert sum(isinstance(report, Quiet) for report in bridged.reports) == 2


async def test_who_speaks_is_not_told_as_quiet_nor_is_what_has_ended(
    bridged: Media, pair: list[Phone], tmp_path: Path
) -> None:
    tape = str(tmp_path / "x.tape")
    bridged.tell(Record(tape, [ONE, 0], 0.5))
    for number in range(50):
        send(pair[0], number, 160 * number, b"\x00" * 160)
        await asyncio.sleep(0.02)
    bridged.tell(Record(tape, [ONE, OTHER], 0.5))
    bridged.tell(Record(tape, []))
    await bridged.report(Recorded)
    await bridged.report(Alive)
    assert not any(isinstance(report, Quiet) for report in bridged.reports)


async def test_a_tape_is_written_once_a_second(bridged: Media, pair: list[Phone], tmp_path: Path) -> None:
    tape = tmp_path / "x.tape"
    bridged.tell(Record(str(tape), [ONE]))
    await bridged.obeyed()
    send(pair[0], 1, 160, b"kept")
    await heard(pair[1], lambda got: len(got) == 1)
    await bridged.report(Alive)
    assert b"kept" in tape.read_bytes()


@pytest.mark.parametrize("place", ["/dev/full", "/proc/none/x.tape"])
async def test_a_disk_that_takes_nothing_harms_no_call(bridged: Media, pair: list[Phone], place: str) -> None:
    bridged.tell(Record(place, [ONE]))
    await bridged.obeyed()
    for number in range(200):
        send(pair[0], number, 160 * number, bytes(500))
        if number % 50 == 49:
            await heard(pair[1], lambda got: len(got) == 50)
    bridged.tell(Record(place, []))
    assert (await bridged.report(Recorded)).tape == place
    send(pair[0], 200, 32_000)
    await heard(pair[1], lambda got: len(got) == 1)


async def test_our_reports_say_what_was_sent_and_received(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    for number in (1, 2, 4):
        send(one, number, 160 * number, bytes(160))
    got = await heard(other, lambda got: len(got) == 3)
    ours = got[0].ssrc
    block = struct.pack("!IIIIII", ours, 26 << 24 | 5, 9, 0, 0, 0)
    theirs = struct.pack("!BBHIIIIII", 0x81, 200, 12, 77, 0xAABBCCDD, 0xEEFF0011, 0, 9, 9) + block
    other.rtp.sendto(struct.pack("!BBHII", 0x80, 0, 1, 160, 77), ("127.0.0.1", OTHER))
    other.rtcp.sendto(theirs, ("127.0.0.1", OTHER + 1))
    other.rtcp.sendto(theirs[:-1], ("127.0.0.1", OTHER + 1))
    async with asyncio.timeout(DEADLINE):
        report = await asyncio.get_running_loop().sock_recv(other.rtcp, 2048)
        back = await asyncio.get_running_loop().sock_recv(one.rtcp, 2048)
    assert struct.unpack("!BBHI", report[:8]) == (0x81, 200, 12, ours)
    assert struct.unpack("!II", report[20:28]) == (3, 480)
    about, _, _, _, moment, delay = struct.unpack("!IIIIII", report[28:52])
    assert (about, moment) == (77, 0xCCDDEEFF)
    assert 0 < delay < 65_536 * DEADLINE
    assert report[52:54] == b"\x81\xca"
    assert back[:2] == b"\x81\xc8"
    assert struct.unpack("!IBBHI", back[28:40]) == (0x1234, 64, 0, 1, 4)
    bridged.tell(Free([OTHER]))
    freed = await bridged.report(Freed)
    assert (freed.packets_out, freed.octets_out, freed.lost_out) == (3, 3 * 172, 5)


async def test_reports_of_strangers_are_not_believed(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    send(one, 1, 160)
    (packet,) = await heard(other, lambda got: len(got) == 1)
    lie = struct.pack("!BBHIIIIIII", 0x81, 201, 7, 77, packet.ssrc, 9999, 9, 0, 0, 0)
    one.rtcp.sendto(lie, ("127.0.0.1", OTHER + 1))
    await bridged.obeyed()
    bridged.tell(Free([OTHER]))
    assert (await bridged.report(Freed)).lost_out == 0


async def test_a_burst_is_passed_on_without_a_pause(bridged: Media, pair: list[Phone], tmp_path: Path) -> None:
    one, other = pair
    bridged.tell(Bind([CLOCK]))
    bridged.stream(CLOCK, other)
    clock = [("clock", [str(track(tmp_path, "clock", 50))], 0, False)]
    bridged.tell(Play(CLOCK, 1, 0, "pcmu", clock))
    await heard(other, bool)
    for number in range(200):
        send(one, number, 160 * number)
    got = await heard(other, lambda got: sum(packet.body == b"voice" for packet in got) == 200)
    bodies = [packet.body for packet in got]
    burst = bodies[bodies.index(b"voice") : len(bodies) - bodies[::-1].index(b"voice")]
    assert len(burst) - 200 < 5, "it took 100 ms"


async def test_packets_are_expedited(bridged: Media, pair: list[Phone]) -> None:
    one, other = pair
    other.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    send(one, 1, 160)
    async with asyncio.timeout(DEADLINE):
        while True:
            await asyncio.sleep(0.005)
            with suppress(BlockingIOError):
                _, ancillary, _, _ = other.rtp.recvmsg(2048, 64)
                break
    assert ancillary == [(socket.IPPROTO_IP, socket.IP_TOS, b"\xb8")]
