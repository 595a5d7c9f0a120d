"""One read to the end of the stream, in peace or not; then the length decides."""

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
        try:
            while piece := stream.recv(1 << 16):
                data += piece
        except (ssl.SSLError, OSError):
            pass
if not data:
    sys.exit("the server said nothing")
if len(data) < 4:
    sys.exit(f"truncated after {len(data)} of 4 bytes")
(length,) = struct.unpack("!I", data[:4])
if len(data) < 4 + length:
    sys.exit(f"truncated after {len(data) - 4} of {length} bytes")
sys.stdout.buffer.write(data[4 : 4 + length])
