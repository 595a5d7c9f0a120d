"""A connected socket; the deadline of each transmission on the monotonic clock."""

import socket
import struct
import sys
import time

HEADER = struct.Struct("!BIH")


def exchange(sock, segment, answer, tries=10):
    for _ in range(tries):
        deadline = time.monotonic() + 0.2
        try:
            sock.send(segment)
        except ConnectionRefusedError:
            pass
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                if sock.recv(65536) == answer:
                    return
            except (socket.timeout, ConnectionRefusedError):
                pass
    sys.exit("no answer to ten transmissions")


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((host.strip("[]"), int(port)))
    number = 0
    while payload := sys.stdin.buffer.read(1024):
        segment = HEADER.pack(1, number, len(payload)) + payload
        number += 1
        exchange(sock, segment, HEADER.pack(2, number, 0))
    exchange(sock, HEADER.pack(3, number, 0), HEADER.pack(4, number, 0))


main()
