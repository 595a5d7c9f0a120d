"""python3 frame_client.py HOST PORT MESSAGE: sends a frame, prints the reply."""

import socket
import struct
import sys

host, port, message = sys.argv[1:]
payload = message.encode()
with socket.create_connection((host, int(port))) as s:
    s.sendall(struct.pack("!I", len(payload)) + payload)
    with s.makefile("rb") as stream:
        header = stream.read(4)
        (length,) = struct.unpack("!I", header)
        print(header.hex(" "), stream.read(length).decode())
