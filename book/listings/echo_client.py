"""Sends a line, half-closes, and prints all that comes back."""
import socket
import sys

host, port = sys.argv[1:]
with socket.create_connection((host, int(port))) as stream:
    stream.sendall(b"hello from Python\n")
    stream.shutdown(socket.SHUT_WR)
    while data := stream.recv(65536):  # b"" is the end of the stream
        sys.stdout.buffer.write(data)
