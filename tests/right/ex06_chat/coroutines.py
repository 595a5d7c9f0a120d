"""asyncio: one thread, so that nothing comes between a look at the names and the taking of one."""

import asyncio
import re
import sys

members = {}


def tell(line, but=None):
    for name, writer in list(members.items()):
        if name == but:
            continue
        if writer.transport.get_write_buffer_size() > 1 << 20:
            writer.transport.abort()
            leave(name, writer)
        else:
            writer.write(line)


def leave(name, writer):
    if members.get(name) is writer:
        del members[name]
        tell(b"* " + name + b" left\n")


async def line_of(reader):
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line.removesuffix(b"\n").removesuffix(b"\r")


async def visit(reader, writer):
    name = None
    try:
        # Half a name is a wrong one, too, and may be told so.
        asked = await reader.readline()
        if not re.fullmatch(rb"[a-zA-Z0-9]{1,16}\r?\n", asked):
            writer.write(b"no name\n")
        elif asked.strip() in members:
            writer.write(b"taken\n")
        else:
            name = asked.strip()
            writer.write(b" ".join([b"* here:", b", ".join(members)]).rstrip() + b"\n")
            tell(b"* " + name + b" joined\n")
            members[name] = writer
            while members.get(name) is writer:
                tell(b"[" + name + b"] " + await line_of(reader) + b"\n", but=name)
    except (OSError, EOFError, ValueError):
        pass
    finally:
        if name is not None:
            leave(name, writer)
        writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(visit, host, int(port))
    await server.serve_forever()


asyncio.run(main())
