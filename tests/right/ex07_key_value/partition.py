"""socketserver, a dictionary of bytes, and partition; the version says how often it was asked for."""

import socketserver
import sys

store = {}
counts = []


class Request(socketserver.BaseRequestHandler):
    def handle(self):
        datagram, socket = self.request
        if len(datagram) > 1000:
            return
        key, equals, value = datagram.partition(b"=")
        if not equals:
            if key == b"version":
                counts.append(key)
                value = b"partition.py, %d" % len(counts)
            else:
                value = store.get(key, b"")
            socket.sendto(key + b"=" + value, self.client_address)
        elif key != b"version":
            store[key] = value


class Server(socketserver.UDPServer):
    max_packet_size = 65536


host, port = sys.argv[1].rsplit(":", 1)
with Server((host, int(port)), Request) as server:
    print("listening on %s:%d" % server.server_address, flush=True)
    server.serve_forever()
