"""Prints each datagram and answers ACK. Run as: udp_ack.py IP:PORT"""
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind((host, int(port)))
    print("listening on %s:%d" % server.getsockname(), flush=True)
    while True:
        datagram, peer = server.recvfrom(65536)
        print(datagram, flush=True)
        server.sendto(b"ACK", peer)
