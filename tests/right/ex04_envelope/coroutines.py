"""asyncio, with the header and the payload by readexactly."""

import asyncio
import struct
import sys

HEADER = struct.Struct("!HBBII")


def reply(kind, id, payload=b""):
    return HEADER.pack(0x5753, 1, kind, id, len(payload)) + payload


async def converse(reader, writer):
    try:
        while True:
            magic, version, kind, id, length = HEADER.unpack(await reader.readexactly(12))
            known = kind in (1, 3)
            if (magic, version) != (0x5753, 1) or (known and length > 1 << 20):
                writer.write(reply(254, id))
                break
            if known:
                payload = await reader.readexactly(length)
                writer.write(reply(2, id, payload) if kind == 1 else reply(4, id))
            else:
                while length > 0:
                    length -= len(await reader.readexactly(min(length, 65536)))
                writer.write(reply(255, id))
            await writer.drain()
    except asyncio.IncompleteReadError:
        pass
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    await server.serve_forever()


asyncio.run(main())
