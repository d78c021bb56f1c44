"""A way to the server's TLS for programs that speak only TCP, as Debian's SIPp does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def tunnel(server: tuple[str, int]) -> AsyncIterator[tuple[str, int]]:
    """Where to connect to by TCP instead; every connection there becomes one of TLS, whatever the certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def carry(near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far, far_out = await asyncio.open_connection(*server, ssl=context)
        await asyncio.gather(_copy(near, far_out), _copy(far, near_out))

    listener = await asyncio.start_server(carry, "127.0.0.1", 0)
    async with listener:
        host, port = listener.sockets[0].getsockname()
        yield host, port


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
    with suppress(ConnectionError, ssl.SSLError):
        await target.wait_closed()
