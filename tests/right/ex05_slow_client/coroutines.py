"""asyncio: wait_for around each read, with the time that is left of the line."""

import asyncio
import sys


async def converse(reader, writer):
    clock = asyncio.get_running_loop()
    rest, over = b"", None
    try:
        while True:
            left = 11 if over is None else over - clock.time()
            try:
                data = await asyncio.wait_for(reader.read(4096), left)
            except asyncio.TimeoutError:
                if rest:
                    writer.write(b"error: too slow\n")
                    await writer.drain()
                break
            if not data:
                break
            if not rest or b"\n" in data:
                over = clock.time() + 2
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                writer.write(b"%d\n" % (len(line) - line.endswith(b"\r")))
            await writer.drain()
            if not rest:
                over = None
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
