"""Keeps up to seven early segments in a dict, and writes them in their turn."""

import socket
import struct
import sys
import time

HEADER = struct.Struct("!BIH")
DATA, ACK, END, END_ACK = 1, 2, 3, 4


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host.strip("[]"), int(port)))
    host, port = sock.getsockname()[:2]
    out = sys.stdout.buffer
    out.write(f"listening on {host}:{port}\n".encode())
    out.flush()
    early, expected, sender, ended, deadline = {}, 0, None, False, None
    while True:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            break
        sock.settimeout(left)
        try:
            datagram, peer = sock.recvfrom(65536)
        except socket.timeout:
            break
        except ConnectionError:
            continue
        if len(datagram) < HEADER.size:
            continue
        kind, number, length = HEADER.unpack_from(datagram)
        payload = datagram[HEADER.size:]
        if kind not in (DATA, END) or length != len(payload) or length > 1024:
            continue
        if sender is None and number == 0:
            sender = peer
        if peer != sender:
            continue
        answer = ACK
        if kind == DATA and not ended and 0 <= number - expected <= 7:
            early[number] = payload
            while expected in early:
                out.write(early.pop(expected))
                expected += 1
            out.flush()
        elif kind == END and number == expected:
            ended, answer = True, END_ACK
        sock.sendto(HEADER.pack(answer, expected, 0), peer)
        if not ended:
            deadline = time.monotonic() + 10
        elif kind == END:
            deadline = time.monotonic() + 1
    if not ended:
        sys.exit("10 s of silence before the end")


main()
