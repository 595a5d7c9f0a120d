"""A thread for each client; the handshake by hand, so that the socket outlives its failure."""

import socket
import ssl
import sys
import threading
import time

MAX = 1024


def lines(stream):
    """Each line with its LF, until the stream ends or a line is too long."""
    kept = b""
    while True:
        while b"\n" in kept:
            line, kept = kept.split(b"\n", 1)
            yield line + b"\n"
        if len(kept) > MAX:
            return
        piece = stream.recv(4096)
        if not piece:
            return
        kept += piece


def common_name(stream):
    subject = stream.getpeercert()["subject"]
    names = [value for rdn in subject for kind, value in rdn if kind == "commonName"]
    (name,) = names
    return name.encode()


def linger(tcp):
    """Nothing more from us, and a second for what still comes."""
    end = time.monotonic() + 1
    tcp.shutdown(socket.SHUT_WR)
    while (left := end - time.monotonic()) > 0:
        tcp.settimeout(left)
        if not tcp.recv(65536):
            return


def converse(stream, names):
    name = common_name(stream)
    stream.settimeout(60)
    stream.sendall(b"hello " + name + b"\n")
    for line in lines(stream):
        if name not in names:
            stream.sendall(b"not allowed\n")
            break
        stream.sendall(line)
    stream.settimeout(1)
    return stream.unwrap()


def serve(tcp, context, names):
    tcp.settimeout(3)
    stream = context.wrap_socket(tcp, server_side=True, do_handshake_on_connect=False)
    try:
        # The timeout is one for all of the handshake.
        stream.do_handshake()
        converse(stream, names)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
    try:
        # As a plain socket: `shutdown` takes TLS off it.
        linger(stream)
    except OSError:
        pass
    stream.close()


addr, cert, key, ca, listed = sys.argv[1:]
host, port = addr.rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_2
context.load_cert_chain(cert, key)
context.load_verify_locations(ca)
context.verify_mode = ssl.CERT_REQUIRED
with open(listed, "rb") as file:
    names = {line.removesuffix(b"\r") for line in file.read().split(b"\n")} - {b""}
with socket.create_server((host, int(port)), backlog=128) as listener:
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    while True:
        tcp, _ = listener.accept()
        threading.Thread(target=serve, args=(tcp, context, names), daemon=True).start()
