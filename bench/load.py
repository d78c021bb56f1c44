"""What is aimed at server and floor: the same calls, the same datagrams, the same packets, in the same order."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from .floor import order
from .phones import Call, Login, Phones, wide_socket
from .process import Address, Measured

WARM_UP = 5
LASTING, FEWEST = 1.2, 8
"""Seconds that one batch of calls is to last, and how many it has at least."""
TICK = 0.001
PACKET_EVERY = 0.02
"""Seconds between two RTP packets of one party."""
_RTP = bytes((0x80, 0)) + bytes(10) + b"\xff" * 160  # 20 ms of PCMU

Tape = list[tuple[float, bytes, int]]
"""What the phones sent in one call: seconds from its first datagram, an order to the floor, how many it will send."""


@dataclass(frozen=True)
class Batch:
    """What calls or packets cost: CPU seconds for each, datagrams for each, how many, how many of them lost."""

    cpu: float
    datagrams: float
    count: int
    lost: int = 0


async def record(phones: Phones, caller: Login, number: str) -> Tape:
    """Make one call, and note what the phones sent and what the server sent after each of their datagrams."""
    phones.tape = []
    await phones.dial(caller, number)
    await asyncio.sleep(0.1)  # the last ACKs
    noted, phones.tape = phones.tape, None
    sent: list[tuple[float, int, list[int]]] = []
    for at, from_server, size in noted:
        if from_server:
            sent[-1][2].append(size)
        else:
            sent.append((at - noted[0][0], size, []))
    return [(at, order(size, replies), len(replies)) for at, size, replies in sent]


async def pace(server: Measured, phones: Phones, caller: Login, number: str) -> tuple[int, float]:
    """How many calls to make in a row, and how many seconds from one to the next, to use a third of a core."""
    cpu = await server.settled()
    for _ in range(WARM_UP):
        await phones.dial(caller, number)
    every = 3 * (await server.settled() - cpu) / WARM_UP
    return max(FEWEST, int(LASTING / every)), every


async def calls(
    server: Measured, phones: Phones, callers: Sequence[Login], number: str, count: int, every: float
) -> tuple[Batch, list[Call]]:
    """Load the server with calls to a number; never more at a time than there are callers."""
    free = asyncio.Queue[Login]()
    for caller in callers:
        free.put_nowait(caller)
    made: list[Call] = []

    async def call() -> None:
        caller = await free.get()
        made.append(await phones.dial(caller, number))
        free.put_nowait(caller)

    cpu, datagrams = await server.settled(), phones.datagrams
    await _evenly(count, every, call)
    return Batch((await server.settled() - cpu) / count, (phones.datagrams - datagrams) / count, count), made


async def replay(process: Measured, tape: Tape, count: int, every: float) -> Batch:
    """Load the floor with as many calls off the tape."""
    target, came = process.address("at "), 0

    class Counter(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Address) -> None:
            nonlocal came
            came += 1

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Counter, sock=wide_socket())

    async def call() -> None:
        start = time.monotonic()
        for at, datagram, _ in tape:
            if (early := start + at - time.monotonic()) > TICK:
                await asyncio.sleep(early)
            transport.sendto(datagram, target)

    cpu = await process.settled()
    await _evenly(count, every, call)
    used = await process.settled() - cpu
    transport.close()
    if came < 0.99 * count * sum(replies for *_, replies in tape):
        raise RuntimeError("the floor lost datagrams: its figure would be too low")
    return Batch(used / count, len(tape) + came / count, count)


async def packets(process: Measured, sides: Sequence[tuple[socket.socket, Sequence[Address]]], seconds: float) -> Batch:
    """Send RTP from each socket to its addresses, and count what comes back to any."""
    ways = [(sock, address) for sock, addresses in sides for address in addresses]
    total, sent, came = int(len(ways) * seconds / PACKET_EVERY), 0, 0
    cpu, start = await process.settled(), time.monotonic()
    while (now := time.monotonic() - start) < seconds + 0.2:
        due = min(total, int(now * len(ways) / PACKET_EVERY))
        for number in range(sent, due):
            sock, address = ways[number % len(ways)]
            sock.sendto(_RTP, address)
        sent = due
        for sock, _ in sides:
            came += _drain(sock)
        await asyncio.sleep(TICK)
    if came < 0.9 * total:
        raise RuntimeError(f"{total - came} of {total} RTP packets were lost: no figure for that")
    return Batch((await process.settled() - cpu) / came, 2, total, total - came)


async def _evenly(count: int, every: float, begin: Callable[[], Coroutine[None, None, None]]) -> None:
    """Begin one after the other, at fixed times; returns when all have ended."""
    start = time.monotonic()
    async with asyncio.timeout(10 + 3 * count * every), asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number * every - time.monotonic()))
            group.create_task(begin())


def _drain(sock: socket.socket) -> int:
    number = 0
    try:
        while sock.recv(2048):
            number += 1
    except BlockingIOError:
        pass
    return number
