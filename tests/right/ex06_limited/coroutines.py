"""asyncio: a coroutine for each client, and a number that only the loop's thread changes."""

import asyncio
import sys

inside = 0


async def converse(reader, writer):
    global inside
    if inside == 8:
        writer.write(b"busy\n")
        writer.close()
        return
    inside += 1
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
        writer.close()
    finally:
        inside -= 1


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    await server.serve_forever()


asyncio.run(main())
