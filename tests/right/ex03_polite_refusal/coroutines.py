"""asyncio: write_eof is the half-close, wait_for the deadline."""

import asyncio
import sys

MOST = 1024


async def converse(reader, writer):
    rest = b""
    try:
        while data := await reader.read(4096):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if len(line) - line.endswith(b"\r") > MOST:
                    return await refuse(reader, writer)
                writer.write(b"%d\n" % (len(line) - line.endswith(b"\r")))
            if len(rest) - rest.endswith(b"\r") > MOST:
                return await refuse(reader, writer)
            await writer.drain()
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
    finally:
        writer.close()


async def refuse(reader, writer):
    writer.write(b"error: line too long\n")
    writer.write_eof()

    async def ignore():
        while await reader.read(65536):
            pass

    try:
        await asyncio.wait_for(ignore(), 0.8)
    except asyncio.TimeoutError:
        pass


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    print(f"listening on {sys.argv[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
