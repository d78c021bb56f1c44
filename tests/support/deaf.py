"""A TCP port at which connections neither come about nor are refused, as behind a firewall that says nothing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf_port(port: int = 0) -> Iterator[tuple[str, int]]:
    """Its address; any free port by default."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", port))
        full.listen(0)
        for filler in (first, second):  # nobody accepts: further handshakes are left hanging
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()
