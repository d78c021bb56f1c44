"""`ringdove serve`: a node in the foreground."""

import asyncio
import ctypes
import gc
import resource
import signal
import sys
from contextlib import suppress

import typer
from sqlalchemy.exc import DBAPIError

from ringdove.app import CannotStart, Node
from ringdove.demo.data import PEOPLE, add_sample_data
from ringdove.settings import Settings

from .logs import configure

DRAIN_SECONDS = 30.0

_COLLECTIONS = (25_000, 20, 50)
"""Calls leave no cycles behind, so there is little to collect, and each collection is a pause. One for every 25,000
objects more takes 5 ms; beside one for every 700 it saves 0.3 ms of a call that rings three phones."""
_M_MMAP_THRESHOLD = -3
_LARGE = 256 * 1024
_M_ARENA_MAX = -8


def _set_up_memory() -> None:
    """Have glibc give large blocks back when freed, else the first hashing of a secret would keep 16 MB for good; and
    have all threads share one heap, else those of the database would each keep the most that they ever needed.
    """
    with suppress(AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, 1)


def _set_up_threads() -> None:
    """Have a thread that works for long, such as one that lists a thousand extensions, let calls go on after 1 ms."""
    sys.setswitchinterval(0.001)


def _set_up_files() -> None:
    """Allow as many open files as we may have: a connection is one, and strangers can hold 2000 from each address."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def run(settings: Settings, *, sample_data: bool) -> int:
    """Serve until SIGTERM or SIGINT; the first drains, a second one ends at once. Returns the exit status."""
    configure(settings.log_level, settings.log_format)
    _set_up_memory()
    _set_up_threads()
    _set_up_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    node = Node(settings, lean=True)
    try:
        await node.start()
    except (CannotStart, OSError, DBAPIError) as why:
        typer.echo(f"ringdove: {_why_not(why)}", err=True)
        return 1
    try:
        if sample_data and await add_sample_data(node.store, node.audio):
            people = ", ".join(f"{number} (id {extension_id})" for extension_id, (number, *_) in PEOPLE.items())
            typer.echo(f"Sample data: extensions {people}.")
        if (made := node.new_application) is not None:
            typer.echo(f"API application, shown only now: username {made.client_id} password {made.client_secret}")
        gc.collect()
        gc.freeze()  # what is there now stays: no full collection goes through it while phones wait
        gc.set_threshold(*_COLLECTIONS)
        tls = f"  TLS: {node.sip_tls}" if node.sip_tls else ""
        typer.echo(f"Ringdove is ready. API and /docs: http://{node.http}  SIP, UDP and TCP: {node.sip}{tls}")
        await stop.wait()
        stop.clear()
        draining = loop.create_task(node.drain(DRAIN_SECONDS))
        impatient = loop.create_task(stop.wait())
        if running := node.switchboard.running:
            calls = "1 running call" if running == 1 else f"{running} running calls"
            typer.echo(f"Waiting for {calls}, at most {DRAIN_SECONDS:.0f} s.")
        await asyncio.wait([draining, impatient], return_when=asyncio.FIRST_COMPLETED)
        impatient.cancel()
        return 0
    finally:
        await node.stop()


def _why_not(error: Exception) -> str:
    """Say in one line why the server cannot start."""
    match error:
        case DBAPIError():
            return f"the database cannot be opened: {error.orig}"
        case OSError(filename=str(file)):
            return f"{file}: {error.strerror}"
    return str(error)
