"""Serves as soon as it has its socket, and says a little later where it listens."""

import socket
import struct
import sys
import threading

host, port = sys.argv[1].rsplit(":", 1)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((host, int(port)))


def say_where():
    print("listening on %s:%d" % server.getsockname(), flush=True)


threading.Timer(0.1, say_where).start()
known = {}
while True:
    datagram, peer = server.recvfrom(65536)
    if not 4 <= len(datagram) <= 1204:
        continue
    (number,) = struct.unpack_from("!I", datagram)
    if (peer, number) not in known:
        print(number, len(datagram) - 4, flush=True)
        known[peer, number] = None
        if len(known) > 65536:
            del known[next(iter(known))]
    server.sendto(datagram[:4] + b"ACK", peer)
