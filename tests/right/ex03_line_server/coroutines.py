"""asyncio: one thread, a coroutine for each client, and what is left over of each read."""

import asyncio
import sys


async def converse(reader, writer):
    rest = b""
    try:
        while data := await reader.read(1500):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                writer.write(b"%d\n" % (len(line) - line.endswith(b"\r")))
            await writer.drain()
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    print(f"listening on {sys.argv[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
