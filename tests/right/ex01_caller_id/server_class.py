"""Python's own server class, a thread for each client."""

import socketserver
import sys


class Teller(socketserver.StreamRequestHandler):
    def handle(self):
        host, port = self.client_address
        self.wfile.write(f"you are {host}:{port}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


host, port = sys.argv[1].rsplit(":", 1)
with Server((host, int(port)), Teller) as server:
    print(f"listening on {sys.argv[1]}", flush=True)
    server.serve_forever()
