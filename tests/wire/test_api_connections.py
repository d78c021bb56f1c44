"""Connections to the interface."""

import asyncio
from pathlib import Path

from support.house import House


async def test_a_connection_that_rests_is_not_closed_while_a_client_may_still_use_it(tmp_path: Path) -> None:
    async with House.open(tmp_path) as house:
        reader, writer = await asyncio.open_connection(*house.node.http)
        for pause in (6.0, 0.0):  # httpx uses one again that has rested for up to 5 s, aiohttp for up to 15
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            await asyncio.sleep(pause)
        writer.close()
