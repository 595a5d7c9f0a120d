"""Quick at first, like a disk with a cache; the last megabytes, which were sent in a moment, take a
quarter of a minute."""

import socket
import sys
import threading
import time

PIECE = 32_768
QUICK = 12_000_000


def converse(connection):
    count = total = 0
    with connection:
        try:
            while data := connection.recv(PIECE):
                count += len(data)
                total += sum(data)
                if count > QUICK:
                    time.sleep(0.1 * len(data) / PIECE)
            connection.sendall(f"{count} bytes, sum {total}\n".encode())
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=[connection], daemon=True).start()
