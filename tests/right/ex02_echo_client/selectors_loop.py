"""No thread: the socket says when it can be read and when it can be written."""

import selectors
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
connection = socket.create_connection((host.strip("[]"), int(port)))
connection.setblocking(False)
data = sys.stdin.buffer.read()
rest = memoryview(data)
came = 0
trouble = None
selector = selectors.DefaultSelector()
selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
reading = True
while reading:
    for _, events in selector.select():
        if events & selectors.EVENT_READ:
            try:
                piece = connection.recv(65536)
            except BlockingIOError:
                continue
            except OSError as error:
                trouble, piece = error, b""
            if not piece:
                reading = False
                break
            sys.stdout.buffer.write(piece)
            came += len(piece)
        if events & selectors.EVENT_WRITE:
            try:
                rest = rest[connection.send(rest):] if rest else rest
                if not rest:
                    connection.shutdown(socket.SHUT_WR)
                    selector.modify(connection, selectors.EVENT_READ)
            except BlockingIOError:
                pass
            except OSError as error:
                # What has come is still there to be read.
                trouble = error
                selector.modify(connection, selectors.EVENT_READ)
sys.stdout.buffer.flush()
if came < len(data) or rest or trouble:
    sys.exit(f"{came} of {len(data)} bytes came back; {trouble}")
