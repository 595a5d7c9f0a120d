"""One thread and one list for poll, an entry for the listener and for each of eight places; where
nobody is it has -1, and poll passes over it. Python's own poll has no such entries: C's has."""

import ctypes
import os
import socket
import sys

POLLIN, POLLOUT, POLLERR = 1, 4, 8
BUFFERED = 65536


class Entry(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


poll = ctypes.CDLL(None, use_errno=True).poll
poll.argtypes = [ctypes.POINTER(Entry), ctypes.c_ulong, ctypes.c_int]


class Client:
    def __init__(self, stream):
        self.stream = stream
        self.unsent = b""
        self.ended = False

    def events(self):
        room = not self.ended and len(self.unsent) < BUFFERED
        return (POLLIN if room else 0) | (POLLOUT if self.unsent else 0)

    def goes_on(self, events):
        """Reads and writes as far as that goes; whether the client is still there."""
        try:
            if events & POLLERR:
                return False
            if self.events() & POLLIN and events & ~POLLOUT:
                data = self.stream.recv(BUFFERED)
                self.unsent += data
                self.ended = not data
            if self.unsent:
                self.unsent = self.unsent[self.stream.send(self.unsent) :]
        except BlockingIOError:
            pass
        except OSError as error:
            print(f"a client broke off: {error}", file=sys.stderr)
            return False
        return bool(self.unsent) or not self.ended


host, port = sys.argv[1].rsplit(":", 1)
listener = socket.create_server((host, int(port)), backlog=128)
listener.setblocking(False)
places = [None] * 8
paused = False
while True:
    entries = (Entry * 9)()
    entries[0] = Entry(-1 if paused else listener.fileno(), POLLIN, 0)
    for number, client in enumerate(places, 1):
        entry = Entry(client.stream.fileno(), client.events(), 0) if client else Entry(-1, 0, 0)
        entries[number] = entry
    if poll(entries, 9, 100 if paused else -1) < 0:
        print(f"cannot poll: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        continue
    paused = False
    for number, client in enumerate(places):
        events = entries[number + 1].revents
        if client and events and not client.goes_on(events):
            client.stream.close()
            places[number] = None
    if not entries[0].revents:
        continue
    try:
        stream, peer = listener.accept()
    except BlockingIOError:
        continue
    except OSError as error:
        print(f"cannot accept: {error}", file=sys.stderr)
        paused = True
        continue
    stream.setblocking(False)
    if None in places:
        places[places.index(None)] = Client(stream)
        continue
    try:
        stream.send(b"busy\n")
    except OSError:
        pass
    stream.close()
