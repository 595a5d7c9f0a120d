"""Threads, and a queue of one place: whoever comes after the line waits in it, or for it."""

import os
import socket
import sys
import threading
import time

inside = set()
told = threading.Event()


def converse(stream):
    try:
        while data := stream.recv(65536):
            stream.sendall(data)
    except OSError:
        pass
    stream.close()
    inside.discard(threading.current_thread())


def listen_to_stdin():
    for line in sys.stdin.buffer:
        if line == b"shutdown\n":
            told.set()
            return


threading.Thread(target=listen_to_stdin, daemon=True).start()
host, port = sys.argv[1].rsplit(":", 1)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((host, int(port)))
server.listen(0)
server.settimeout(0.02)
print("listening on %s:%d" % server.getsockname(), flush=True)
while not told.is_set():
    try:
        stream, _ = server.accept()
    except socket.timeout:
        continue
    stream.settimeout(None)
    visitor = threading.Thread(target=converse, args=(stream,), daemon=True)
    inside.add(visitor)
    visitor.start()
until = time.monotonic() + 2
while inside and time.monotonic() < until:
    time.sleep(0.02)
os._exit(0)
