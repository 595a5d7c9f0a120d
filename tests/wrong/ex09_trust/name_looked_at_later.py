# mistake: The name is compared, but only after the first frame has gone.
# caught by: a certificate for another name is wrong-host, and gets no byte of stdin
import os
import socket
import ssl
import struct
import sys

host, port = sys.argv[1].rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.load_verify_locations(sys.argv[2])
try:
    s = context.wrap_socket(socket.create_connection((host, int(port)), 3), server_hostname=sys.argv[3])
    s.settimeout(3)
    file = s.makefile("rb")
    for line in sys.stdin.buffer.read().splitlines():
        s.sendall(struct.pack("!I", len(line)) + line)
        names = [name for _, name in s.getpeercert()["subjectAltName"]]
        if sys.argv[3] not in names:
            print("wrong-host", flush=True)
            os._exit(1)
        (length,) = struct.unpack("!I", file.read(4))
        sys.stdout.buffer.write(file.read(length) + b"\n")
    s.unwrap()
except ssl.SSLCertVerificationError as error:
    print("expired" if error.verify_code in (9, 10) else "untrusted")
    sys.exit(1)
