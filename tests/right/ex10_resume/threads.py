"""A thread for each client, and one context for all: OpenSSL does the rest."""

import socket
import ssl
import sys
import threading


def serve(tcp, context):
    try:
        tcp.settimeout(60)
        with context.wrap_socket(tcp, server_side=True) as stream:
            stream.sendall(b"resumed\n" if stream.session_reused else b"new\n")
            while stream.recv(65536):
                pass
            stream.settimeout(1)
            stream.unwrap()
    except OSError as error:
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
