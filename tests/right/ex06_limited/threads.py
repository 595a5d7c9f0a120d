"""A thread for each client; a semaphore has the places."""

import socket
import sys
import threading
import time

places = threading.BoundedSemaphore(8)


def converse(stream):
    try:
        with stream:
            while data := stream.recv(65536):
                stream.sendall(data)
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
    finally:
        places.release()


host, port = sys.argv[1].rsplit(":", 1)
listener = socket.create_server((host, int(port)), backlog=128)
while True:
    try:
        stream, peer = listener.accept()
    except OSError as error:
        print(f"cannot accept: {error}", file=sys.stderr)
        time.sleep(0.1)
        continue
    if places.acquire(blocking=False):
        threading.Thread(target=converse, args=(stream,), daemon=True).start()
        continue
    try:
        stream.sendall(b"busy\n")
    except OSError:
        pass
    stream.close()
