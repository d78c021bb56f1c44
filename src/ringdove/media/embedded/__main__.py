"""`python -m ringdove.media.embedded FD HOST SILENCE GRACE`: the child process, its end of the socket pair being FD."""

import os
import signal
import socket
import sys
from contextlib import suppress

from .relay import Relay

PRIORITY = 1
"""The lowest of real time: audio goes before whatever else keeps this machine busy."""


def main() -> None:
    """Run until the other end closes. Signals meant for the whole process group are left to the parent, which
    may drain.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError):  # not everybody may
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    descriptor, host, silence, grace = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as control:
        Relay(control, host, float(silence), float(grace)).run()


if __name__ == "__main__":
    main()
