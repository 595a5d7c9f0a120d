"""A thread for each client, and a file object's readline on the connection."""

import socket
import sys
import threading


def converse(connection):
    with connection, connection.makefile("rb") as lines:
        try:
            while (line := lines.readline()).endswith(b"\n"):
                text = line[:-1].removesuffix(b"\r")
                connection.sendall(b"%d\n" % len(text))
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=[connection], daemon=True).start()
