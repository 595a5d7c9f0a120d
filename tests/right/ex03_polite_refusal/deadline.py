"""A thread for each client; what is left until the deadline is each read's timeout. Its FIN comes 0.4 s
after the refusal, and it reads meanwhile."""

import socket
import sys
import threading
import time

MOST = 1024


def converse(connection):
    rest = b""
    while data := connection.recv(4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r")
            if len(text) > MOST:
                return refuse(connection)
            connection.sendall(b"%d\n" % len(text))
        if len(rest.removesuffix(b"\r")) > MOST:
            return refuse(connection)


def refuse(connection):
    connection.sendall(b"error: line too long\n")
    begun = time.monotonic()
    read_until(connection, begun + 0.4)
    connection.shutdown(socket.SHUT_WR)
    read_until(connection, begun + 1)


def read_until(connection, deadline):
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            if not connection.recv(65536):
                return
        except TimeoutError:
            return


def guarded(connection):
    with connection:
        try:
            converse(connection)
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()
