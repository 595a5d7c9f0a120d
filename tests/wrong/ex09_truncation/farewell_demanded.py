# mistake: A message without close_notify behind it is taken for a cut one.
# caught by: a whole message is whole without close_notify, too
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
            while piece := stream.recv(65536):
                data += piece
        except ssl.SSLError:
            ragged = True
length = int.from_bytes(data[:4], "big")
if ragged or len(data) < 4 + length or not data:
    sys.exit(f"truncated after {max(len(data) - 4, 0)} of {length} bytes")
sys.stdout.buffer.write(data[4:])
