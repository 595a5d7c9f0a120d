"""A process of its own for each attempt, which is slow to start; the one that succeeds has the
conversation, too."""

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

NOT_CONNECTED = 77


def converse(address):
    time.sleep(0.25)
    host, port = address.rsplit(":", 1)
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=0.4)
    except OSError as error:
        print(error, end="", file=sys.stderr)
        return NOT_CONNECTED
    connection.settimeout(None)
    status = 0

    def send():
        nonlocal status
        try:
            with connection.makefile("wb") as writer:
                shutil.copyfileobj(sys.stdin.buffer, writer)
            connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            print(f"cannot send: {error}", file=sys.stderr)
            status = 1

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with connection.makefile("rb") as reader:
            shutil.copyfileobj(reader, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except OSError as error:
        print(f"cannot receive: {error}", file=sys.stderr)
        os._exit(1)
    sender.join()
    return status


def attempt(number, address):
    command = [sys.executable, __file__, "--once", address]
    came = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if came.returncode != NOT_CONNECTED:
        print(came.stderr, end="", file=sys.stderr)
        sys.exit(came.returncode)
    told = f"attempt {number} of 5 failed: {came.stderr}"
    if number == 5:
        print(told, file=sys.stderr)
        sys.exit(1)
    wait = min(1_000, random.randint(75 * 2**number, 125 * 2**number))
    print(f"{told}, waiting {wait} ms", file=sys.stderr, flush=True)
    time.sleep(wait / 1000)


if sys.argv[1] == "--once":
    sys.exit(converse(sys.argv[2]))
for number in range(1, 6):
    attempt(number, sys.argv[1])
