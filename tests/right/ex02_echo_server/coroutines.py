"""asyncio: one thread, a coroutine for each client."""

import asyncio
import sys


async def converse(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
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
