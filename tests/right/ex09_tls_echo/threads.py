"""A thread for each client; each step's timeout is set from what is left of its deadline."""

import socket
import ssl
import struct
import sys
import threading
import time

MAX = 1 << 20


def exactly(stream, count, end):
    data = bytearray()
    while len(data) < count:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        stream.settimeout(left)
        piece = stream.recv(min(count - len(data), 65536))
        if not piece:
            break
        data += piece
    return bytes(data)


def converse(stream):
    while True:
        first = exactly(stream, 1, time.monotonic() + 30)
        if not first:
            return
        end = time.monotonic() + 10
        header = first + exactly(stream, 3, end)
        if len(header) < 4:
            raise EOFError
        (length,) = struct.unpack("!I", header)
        if length > MAX:
            stream.sendall(struct.pack("!I", 21) + b"error: frame too long")
            return
        payload = exactly(stream, length, end)
        if len(payload) < length:
            raise EOFError
        stream.settimeout(10)
        stream.sendall(header + payload)


def serve(tcp, context):
    try:
        with tcp:
            # The handshake's timeout is one for all of it.
            tcp.settimeout(3)
            with context.wrap_socket(tcp, server_side=True) as stream:
                converse(stream)
                stream.settimeout(1)
                stream.unwrap()
    except (OSError, EOFError) as error:
        print(error, file=sys.stderr)


addr, cert, key = sys.argv[1:]
host, port = addr.rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_2
context.load_cert_chain(cert, key)
with socket.create_server((host, int(port)), backlog=128) as listener:
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    while True:
        tcp, _ = listener.accept()
        threading.Thread(target=serve, args=(tcp, context), daemon=True).start()
