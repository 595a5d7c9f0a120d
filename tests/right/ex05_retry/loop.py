"""A loop around connect, and random.uniform for the quarter."""

import random
import shutil
import socket
import sys
import threading
import time

host, port = sys.argv[1].rsplit(":", 1)
for attempt in range(1, 6):
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=1)
        break
    except OSError as error:
        words = f"attempt {attempt} of 5 failed: {error}"
    if attempt == 5:
        sys.exit(words)
    wait = min(1000, round(100 * 2**attempt * random.uniform(0.75, 1.25)))
    print(f"{words}, waiting {wait} ms", file=sys.stderr)
    time.sleep(wait / 1000)
connection.settimeout(None)


def send():
    try:
        with connection.makefile("wb") as writer:
            shutil.copyfileobj(sys.stdin.buffer, writer)
        connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        print(f"not all was sent: {error}", file=sys.stderr)


sender = threading.Thread(target=send)
sender.start()
try:
    with connection.makefile("rb") as reader:
        shutil.copyfileobj(reader, sys.stdout.buffer)
    sys.stdout.buffer.flush()
except OSError as error:
    sys.exit(f"the reply broke off: {error}")
sender.join()
