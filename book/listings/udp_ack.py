"""A plain peer: prints each datagram and answers ACK.

    python3 udp_ack.py 127.0.0.1 7008
"""
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind((host, port))
    print("listening on %s:%d" % server.getsockname(), flush=True)
    while True:
        datagram, peer = server.recvfrom(65536)
        print(datagram, flush=True)
        server.sendto(b"ACK", peer)
