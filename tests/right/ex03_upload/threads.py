"""A thread for each client. It says nothing on stdout."""

import socket
import sys
import threading


def converse(connection):
    count = total = 0
    with connection:
        try:
            while data := connection.recv(100_000):
                count += len(data)
                total += sum(data)
            connection.sendall(f"{count} bytes, sum {total}\n".encode())
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=[connection], daemon=True).start()
