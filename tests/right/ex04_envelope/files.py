"""A thread for each client, struct for the header."""

import socket
import struct
import sys
import threading

HEADER = struct.Struct("!HBBII")


def converse(connection):
    def reply(kind, id, payload=b""):
        connection.sendall(HEADER.pack(0x5753, 1, kind, id, len(payload)) + payload)

    with connection, connection.makefile("rb") as file:
        try:
            while len(header := file.read(12)) == 12:
                magic, version, kind, id, length = HEADER.unpack(header)
                known = kind in (1, 3)
                if magic != 0x5753 or version != 1 or (known and length > 1 << 20):
                    return reply(254, id)
                if known:
                    payload = file.read(length)
                    if len(payload) < length:
                        return
                    reply(2, id, payload) if kind == 1 else reply(4, id)
                else:
                    while length > 0:
                        skipped = len(file.read(min(length, 65536)))
                        if skipped == 0:
                            return
                        length -= skipped
                    reply(255, id)
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=[connection], daemon=True).start()
