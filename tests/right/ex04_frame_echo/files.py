"""A thread for each client, which treats its connection as a file."""

import socket
import struct
import sys
import threading


def converse(connection):
    with connection, connection.makefile("rwb") as file:
        try:
            while len(header := file.read(4)) == 4:
                (length,) = struct.unpack("!I", header)
                if length > 1 << 20:
                    return
                payload = file.read(length)
                if len(payload) < length:
                    return
                file.write(header)
                file.write(payload)
                file.flush()
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)


host, port = sys.argv[1].rsplit(":", 1)
with socket.create_server((host, int(port))) as listener:
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=[connection], daemon=True).start()
