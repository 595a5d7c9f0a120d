"""All lines in one sendall, the half-close, then the replies."""

import socket
import struct
import sys


def exactly(file, count):
    data = file.read(count)
    if 0 < len(data) < count:
        sys.exit("truncated")
    return data


host, port = sys.argv[1].rsplit(":", 1)
lines = sys.stdin.buffer.read().split(b"\n")
if lines[-1] == b"":
    lines.pop()
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(b"".join(struct.pack("!I", len(line)) + line for line in lines))
    connection.shutdown(socket.SHUT_WR)
    file = connection.makefile("rb")
    count = 0
    while header := exactly(file, 4):
        (length,) = struct.unpack("!I", header)
        if length > 1 << 20:
            sys.exit("a reply is too long")
        payload = exactly(file, length)
        if len(payload) < length:
            sys.exit("truncated")
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            sys.exit("a reply is not UTF-8")
        sys.stdout.buffer.write(text.encode() + b"\n")
        count += 1
if count < len(lines):
    sys.stdout.flush()
    sys.exit(f"{count} replies to {len(lines)} frames")
