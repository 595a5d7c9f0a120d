"""One address after another, and each line says which is next; then a thread that sends."""

import shutil
import socket
import sys
import threading


def connect(addresses):
    for address, following in zip(addresses, [*addresses[1:], "none"]):
        host, port = address.rsplit(":", 1)
        try:
            return socket.create_connection((host.strip("[]"), int(port)), timeout=1)
        except OSError as error:
            print(f"{address}: {error}; next is {following}", file=sys.stderr)
    sys.exit(1)


connection = connect(sys.argv[1:])
connection.settimeout(None)


def send():
    with connection.makefile("wb") as writer:
        shutil.copyfileobj(sys.stdin.buffer, writer)
    connection.shutdown(socket.SHUT_WR)


sender = threading.Thread(target=send)
sender.start()
with connection.makefile("rb") as reader:
    shutil.copyfileobj(reader, sys.stdout.buffer)
sys.stdout.buffer.flush()
sender.join()
