"""`python -m ringdove.media.embedded FD HOST SILENCE GRACE`: the child process, its end of the socket pair being FD."""

import os
import resource
import signal
import socket
import sys
from contextlib import suppress

from .relay import Relay

PRIORITY = 1
"""The lowest of real time: audio goes before whatever else keeps this machine busy."""
AT_A_STRETCH = 200_000
"""Microseconds of work without a pause after which real time is given up: a flood must not take signalling its core."""


def main() -> None:
    """Run until the other end closes. Signals meant for the whole process group are left to the parent, which
    may drain.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    go_first()
    descriptor, host, silence, grace = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as control:
        Relay(control, host, float(silence), float(grace)).run()


def go_first() -> None:
    """Ask for real time, which not everybody gets, until there is too much to do at a stretch."""
    with suppress(OSError):
        signal.signal(signal.SIGXCPU, lambda *_: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)))
        resource.setrlimit(resource.RLIMIT_RTTIME, (AT_A_STRETCH, resource.RLIM_INFINITY))
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))


if __name__ == "__main__":
    main()
