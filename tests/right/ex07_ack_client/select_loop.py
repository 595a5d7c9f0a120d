"""select with what is left of the try's time."""

import os
import select
import socket
import struct
import sys
import time

if len(sys.argv) < 3 or any(len(os.fsencode(text)) > 1200 for text in sys.argv[2:]):
    print("usage: select_loop.py ADDR TEXT [TEXT...]", file=sys.stderr)
    sys.exit(2)
host, port = sys.argv[1].rsplit(":", 1)
peer = (host, int(port))
first = struct.unpack("!I", os.urandom(4))[0]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    for number, text in enumerate(sys.argv[2:]):
        name = struct.pack("!I", (first + number) % 2**32)
        began = time.monotonic()
        for deadline in (0.3, 0.6, 0.9):
            client.sendto(name + os.fsencode(text), peer)
            answer, source = b"", None
            while (left := began + deadline - time.monotonic()) > 0:
                if select.select([client], [], [], left)[0]:
                    answer, source = client.recvfrom(65536)
                    if source == peer and answer == name + b"ACK":
                        break
            else:
                continue
            break
        else:
            sys.exit(f"{sys.argv[1]} has not acknowledged {text!r}")
        print("acknowledged", flush=True)
