"""RFC 6298 in seconds and floats."""

import socket
import struct
import sys
import time

HEADER = struct.Struct("!BIH")


class Timer:
    def __init__(self):
        self.srtt, self.rttvar, self.rto = None, 0.0, 1.0

    def sample(self, r):
        if self.srtt is None:
            self.srtt, self.rttvar = r, r / 2
        else:
            self.rttvar = 0.75 * self.rttvar + 0.25 * abs(self.srtt - r)
            self.srtt = 0.875 * self.srtt + 0.125 * r
        self.rto = max(0.2, self.srtt + max(0.001, 4 * self.rttvar))

    def expired(self):
        self.rto *= 2


def exchange(sock, timer, segment, answer):
    for transmission in range(5):
        sent = time.monotonic()
        try:
            sock.send(segment)
        except ConnectionRefusedError:
            pass
        while (left := sent + timer.rto - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                if sock.recv(65536) == answer:
                    if transmission == 0:
                        timer.sample(time.monotonic() - sent)
                    return
            except (socket.timeout, ConnectionRefusedError):
                pass
        timer.expired()
    sys.exit("no answer to five transmissions")


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((host.strip("[]"), int(port)))
    timer, number = Timer(), 0
    while payload := sys.stdin.buffer.read(1024):
        segment = HEADER.pack(1, number, len(payload)) + payload
        number += 1
        exchange(sock, timer, segment, HEADER.pack(2, number, 0))
    exchange(sock, timer, HEADER.pack(3, number, 0), HEADER.pack(4, number, 0))


main()
