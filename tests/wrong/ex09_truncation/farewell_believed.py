# mistake: Whatever came before a close_notify is taken for whole.
# caught by: a cut behind a close_notify is told just the same
import socket
import ssl
import struct
import sys

addr, ca, name = sys.argv[1:]
host, port = addr.rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(ca)
with socket.create_connection((host, int(port)), 10) as tcp:
    with context.wrap_socket(tcp, server_hostname=name, suppress_ragged_eofs=False) as stream:
        data = b""
        ragged = False
        try:
            while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
                piece = stream.recv(65536)
                if not piece:
                    break
                data += piece
        except ssl.SSLError:
            ragged = True
length = int.from_bytes(data[:4], "big")
if ragged or not data:
    if len(data) < 4:
        sys.exit(f"truncated after {len(data)} of 4 bytes")
    sys.exit(f"truncated after {len(data) - 4} of {length} bytes")
sys.stdout.buffer.write(data[4:])
