"""One attacker: `python -m attack.sender KIND PORT SECONDS RATE [HOST]`.

Needs nothing but Python, so it starts at once. It only ever talks to 127.0.0.1, and prints as JSON how much it sent and
heard.
"""

import hashlib
import json
import random
import re
import select
import signal
import socket
import sys
import time

from .floods import DIGEST, FLOODS, message

SERVER = "127.0.0.1"
HERE = "127.0.0.3"
CROWD = [f"127.1.0.{number}" for number in range(1, 251)]
"""Where the attackers of a distributed flood are."""
CONNECTIONS = 400


def flood(kind: str, port: int, seconds: float, rate: float, hosts: list[str]) -> dict[str, int]:
    """Send one of the floods from these addresses in turn, `rate` datagrams a second in all."""
    dice = random.Random(kind)
    datagrams = FLOODS[kind](SERVER, port, dice)
    sockets = [_udp(host) for host in hosts]
    sent = heard = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        while sent < elapsed * rate:
            sockets[sent % len(sockets)].sendto(next(datagrams), (SERVER, port))
            sent += 1
            if not sent % 100:
                heard += sum(map(_drain, sockets))
        time.sleep(0.001)
    heard += sum(map(_drain, sockets))
    return {"sent": sent, "heard": heard}


def guesses(port: int, seconds: float, rate: float, host: str) -> dict[str, int]:
    """Guess the password of 1000 in earnest: get a nonce, and answer it, until nobody says anything any more."""
    sock = _udp(host)
    guessed = heard = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        _drain(sock)
        sock.sendto(message("REGISTER", SERVER, port, f"{time.monotonic_ns():x}"), (SERVER, port))
        nonce = _nonce(sock)
        if nonce is None:
            break
        heard += 1
        for number in range(10):
            mark = f"{time.monotonic_ns():x}"
            lines = DIGEST.format(user="1000", nonce=nonce).replace("00000001", f"{number + 1:08x}")
            wrong = hashlib.md5(mark.encode()).hexdigest()
            lines = re.sub(r'response="[^"]*"', f'response="{wrong}"', lines)
            sock.sendto(message("REGISTER", SERVER, port, mark, lines), (SERVER, port))
            guessed += 1
            time.sleep(1 / rate)
    return {"sent": guessed, "heard": heard}


def churn(port: int, seconds: float, rate: float) -> dict[str, int]:
    """Open connections and leave them, one after the other."""
    sent = refused = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        if sent + refused >= elapsed * rate:
            time.sleep(0.001)
            continue
        with socket.socket() as sock:
            sock.bind((HERE, 0))
            sock.settimeout(1)
            try:
                sock.connect((SERVER, port))
                sent += 1
            except OSError:
                refused += 1
    return {"sent": sent, "refused": refused}


def connections(port: int, seconds: float, slow: bool) -> dict[str, int]:
    """Many connections at a time: silent, or saying one octet after the other."""
    text = message("INVITE", SERVER, port, "slow")
    open_ones: list[socket.socket] = []
    refused = 0
    began = time.monotonic()
    for _ in range(CONNECTIONS):
        sock = socket.socket()
        sock.bind((HERE, 0))
        sock.settimeout(1)
        try:
            sock.connect((SERVER, port))
            open_ones.append(sock)
        except OSError:
            refused += 1
            sock.close()
    at = 0
    while time.monotonic() - began < seconds:
        for sock in open_ones if slow else ():
            try:
                sock.send(text[at : at + 1])
            except OSError:
                refused += 1
        at += 1
        time.sleep(0.05)
    return {"sent": len(open_ones), "refused": refused}


def _nonce(sock: socket.socket) -> str | None:
    """The nonce of the next challenge; None where none comes."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        if select.select([sock], [], [], 0.1)[0]:
            found = re.search(rb'nonce="([^"]+)"', sock.recv(65_535))
            if found:
                return found[1].decode()
    return None


def _udp(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    return sock


def _drain(sock: socket.socket) -> int:
    heard = 0
    try:
        while sock.recv(65_535):
            heard += 1
    except OSError:
        pass
    return heard


def main() -> None:
    """Run what the command line says; who started it ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, port, seconds, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    host = sys.argv[5] if len(sys.argv) > 5 else HERE
    match kind:
        case "guesses":
            done = guesses(port, seconds, rate, host)
        case "churn":
            done = churn(port, seconds, rate)
        case "silent" | "slow":
            done = connections(port, seconds, kind == "slow")
        case "crowd":
            done = flood("invites", port, seconds, rate, CROWD)
        case _:
            done = flood(kind, port, seconds, rate, [host])
    print(json.dumps(done))


if __name__ == "__main__":
    main()
