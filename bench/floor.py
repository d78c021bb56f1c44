"""`python -m bench.floor`: the least that a process can do with audio: every packet goes back to where it came from."""

import socket


def main() -> None:
    """Until it is ended."""
    packet = bytearray(2048)
    view = memoryview(packet)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # one socket gets what a server has hundreds for
        sock.bind(("127.0.0.1", 0))
        print(f"ready at 127.0.0.1:{sock.getsockname()[1]}", flush=True)
        while True:
            size, source = sock.recvfrom_into(packet)
            sock.sendto(view[:size], source)


if __name__ == "__main__":
    main()
