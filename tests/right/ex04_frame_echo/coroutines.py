"""asyncio: readexactly for both parts. It says nothing on stdout."""

import asyncio
import struct
import sys


async def converse(reader, writer):
    try:
        while True:
            header = await reader.readexactly(4)
            (length,) = struct.unpack("!I", header)
            if length > 1 << 20:
                break
            writer.write(header + await reader.readexactly(length))
            await writer.drain()
    except asyncio.IncompleteReadError as error:
        if error.partial:
            print("cut off", file=sys.stderr)
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    await server.serve_forever()


asyncio.run(main())
