"""Go-back-N on whole Python integers, cut to 32 bits only on the wire."""

import socket
import struct
import sys
import time

HEADER = struct.Struct("!BIH")
FIRST, WINDOW, TIMEOUT = 4294967290, 8, 0.3


def wire(place):
    return (FIRST + place) % 2**32


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((host.strip("[]"), int(port)))
    file = sys.stdin.buffer.read()
    parts = [file[at:at + 1024] for at in range(0, len(file), 1024)]
    base = following = expiries = 0
    deadline = time.monotonic() + TIMEOUT

    def send(kind, place, payload=b""):
        try:
            sock.send(HEADER.pack(kind, wire(place), len(payload)) + payload)
        except ConnectionRefusedError:
            pass

    ended = False
    while not ended:
        if base == len(parts):
            if following == base:
                send(3, base)
                following += 1
        else:
            while following < min(base + WINDOW, len(parts)):
                send(1, following, parts[following])
                following += 1
        left = deadline - time.monotonic()
        if left <= 0:
            expiries += 1
            if expiries == 8:
                sys.exit("eight waits without progress")
            following = base
            deadline = time.monotonic() + TIMEOUT
            continue
        sock.settimeout(left)
        try:
            answer = sock.recv(65536)
        except (socket.timeout, ConnectionRefusedError):
            continue
        if len(answer) != 7 or answer[5:] != b"\0\0":
            continue
        kind, number, _ = HEADER.unpack(answer)
        if base == len(parts):
            ended = (kind, number) == (4, wire(base))
            continue
        advance = (number - wire(base)) % 2**32
        if kind == 2 and 0 < advance <= following - base:
            base += advance
            following = max(following, base)
            expiries = 0
            deadline = time.monotonic() + TIMEOUT
    sys.exit(0)


main()
