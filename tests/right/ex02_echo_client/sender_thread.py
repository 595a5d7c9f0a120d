"""A thread sends, the main one receives."""

import socket
import sys
import threading

host, port = sys.argv[1].rsplit(":", 1)
connection = socket.create_connection((host.strip("[]"), int(port)))
data = sys.stdin.buffer.read()
trouble = []


def send():
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        trouble.append(error)


sender = threading.Thread(target=send, daemon=True)
sender.start()
came = 0
try:
    while piece := connection.recv(65536):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        came += len(piece)
except OSError as error:
    trouble.append(error)
sender.join(timeout=2)
if came < len(data) or trouble:
    sys.exit(f"{came} of {len(data)} bytes came back; {trouble}")
