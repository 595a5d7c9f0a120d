"""asyncio's datagram protocol, and an ordered dictionary that forgets its oldest entries."""

import asyncio
import struct
import sys


class Server(asyncio.DatagramProtocol):
    def __init__(self):
        self.known = {}

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, datagram, peer):
        if not 4 <= len(datagram) <= 1204:
            return
        (number,) = struct.unpack_from("!I", datagram)
        if (peer, number) not in self.known:
            print(number, len(datagram) - 4, flush=True)
            self.known[peer, number] = None
            if len(self.known) > 65536:
                del self.known[next(iter(self.known))]
        self.transport.sendto(datagram[:4] + b"ACK", peer)


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=(host, int(port)))
    print("listening on %s:%d" % transport.get_extra_info("sockname")[:2], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
