"""A thread for each client. It says nothing on stdout: whoever listens is found without that."""

import socket
import sys
import threading


def converse(connection):
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data)
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=[connection], daemon=True).start()
