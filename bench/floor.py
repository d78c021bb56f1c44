"""`python -m bench.floor calls|rtp`: the least that a process can do with the same datagrams. It looks at none of them.

calls: asyncio with uvloop, as the server has it. A datagram begins with how many to send back and how long each is to
be, as 16-bit numbers. rtp: a bare loop that sends every packet back to where it came from.
"""

import asyncio
import socket
import sys
from array import array
from typing import cast

import uvloop

_BLANK = bytes(65_536)


def order(size: int, replies: list[int]) -> bytes:
    """A datagram of `size` octets that has the floor send back datagrams of these sizes."""
    datagram = array("H", [len(replies), *replies]).tobytes().ljust(size, b"\0")
    assert len(datagram) == size, "the orders do not fit"
    return datagram


class _Calls(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._send = cast("asyncio.DatagramTransport", transport).sendto  # uvloop's is none by inheritance

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        numbers = memoryview(data)[: len(data) & ~1].cast("H")
        for size in numbers[1 : 1 + numbers[0]]:
            self._send(_BLANK[:size], addr)


async def _calls() -> None:
    with _socket() as sock:
        await asyncio.get_running_loop().create_datagram_endpoint(_Calls, sock=sock)
        await asyncio.Event().wait()


def _rtp() -> None:
    packet = bytearray(2048)
    view = memoryview(packet)
    with _socket() as sock:
        while True:
            size, source = sock.recvfrom_into(packet)
            sock.sendto(view[:size], source)


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # one socket gets what a server has hundreds for
    sock.bind(("127.0.0.1", 0))
    print(f"ready at 127.0.0.1:{sock.getsockname()[1]}", flush=True)
    return sock


if __name__ == "__main__":
    if sys.argv[1] == "rtp":
        _rtp()
    else:
        uvloop.run(_calls())
