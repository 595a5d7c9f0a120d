"""Everything is sent at once; a socket's timeout is set from what is left before each step."""

import socket
import ssl
import struct
import sys
import time

MAX = 1 << 20
end = time.monotonic() + 3


class Late(Exception):
    pass


def left():
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise Late
    return seconds


def exactly(stream, count):
    data = b""
    while len(data) < count:
        stream.settimeout(left())
        piece = stream.recv(min(count - len(data), 65536))
        if not piece:
            raise EOFError(f"truncated after {len(data)} of {count} bytes")
        data += piece
    return data


def fail(word, why):
    if word:
        print(word)
    sys.exit(why or word)


def connected(addr, context, name):
    host, port = addr.rsplit(":", 1)
    try:
        tcp = socket.create_connection((host.strip("[]"), int(port)), timeout=left())
    except ConnectionRefusedError as error:
        fail("refused", str(error))
    tcp.settimeout(left())
    try:
        return context.wrap_socket(tcp, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in (9, 10):
            fail("expired", str(error))
        fail("wrong-host" if error.verify_code == 62 else "untrusted", str(error))
    except TimeoutError:
        raise
    except OSError as error:
        fail("not-tls", str(error))


addr, ca, name = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.minimum_version = ssl.TLSVersion.TLSv1_2
context.load_verify_locations(ca)
lines = sys.stdin.buffer.read().split(b"\n")
if lines[-1] == b"":
    lines.pop()
end = time.monotonic() + 3
replies = 0
try:
    stream = connected(addr, context, name)
    stream.settimeout(left())
    stream.sendall(b"".join(struct.pack("!I", len(line)) + line for line in lines))
    for _ in lines:
        (length,) = struct.unpack("!I", exactly(stream, 4))
        if length > MAX:
            fail(None, "a reply is too long")
        reply = exactly(stream, length)
        sys.stdout.buffer.write(reply + b"\n")
        sys.stdout.buffer.flush()
        replies += 1
except (Late, TimeoutError):
    fail("timed-out" if replies == 0 else None, "timed out")
except (EOFError, OSError) as error:
    fail(None, str(error))
try:
    stream.settimeout(1)
    stream.unwrap()
except OSError:
    pass  # It has gone without a last word of its own.
