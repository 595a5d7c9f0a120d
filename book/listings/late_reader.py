"""Asks for many lines, says thank you, and reads when Enter is pressed."""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
    s.sendall(b"50000\nthank you\n")
    input("asked for 50000 lines; Enter reads them\n")
    text = b""
    try:
        while piece := s.recv(65536):
            text += piece
        ending = "the end of the stream"
    except ConnectionResetError as error:
        ending = error
print("lines:", text.count(b"\n"), "then:", ending)
