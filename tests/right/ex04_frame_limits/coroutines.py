"""asyncio: the drain of a refused client is one wait_for around a loop. What it reads it shows in full on
stderr."""

import asyncio
import struct
import sys


async def exactly(reader, count, of):
    try:
        data = await reader.readexactly(count)
        print(f"read {data.hex()}", file=sys.stderr)
        return data
    except asyncio.IncompleteReadError as error:
        print(f"read {error.partial.hex()}", file=sys.stderr)
        raise EOFError(len(error.partial), of) from None


async def read_all(reader):
    while await reader.read(65536):
        pass


async def refuse(reader, writer):
    sentence = b"error: frame too long\n"
    writer.write(struct.pack("!I", len(sentence)) + sentence)
    writer.write_eof()
    try:
        await asyncio.wait_for(read_all(reader), 1)
    except asyncio.TimeoutError:
        pass


async def converse(reader, writer):
    try:
        while True:
            try:
                header = await exactly(reader, 4, 4)
            except EOFError as error:
                if error.args[0]:
                    raise
                break
            (length,) = struct.unpack("!I", header)
            if length > 1 << 20:
                await refuse(reader, writer)
                break
            writer.write(header + await exactly(reader, length, length))
            await writer.drain()
    except EOFError as error:
        print("truncated after %d of %d bytes" % error.args, file=sys.stderr, flush=True)
    except OSError as error:
        print(f"a client broke off: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    await server.serve_forever()


asyncio.run(main())
