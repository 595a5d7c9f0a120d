"""asyncio: stdin is read in a thread, the clients' tasks are waited for."""

import asyncio
import os
import sys
import threading

tasks = set()


async def converse(reader, writer):
    task = asyncio.current_task()
    tasks.add(task)
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except OSError:
        writer.close()
    finally:
        tasks.discard(task)


def listen_to_stdin(loop, told):
    for line in sys.stdin.buffer:
        if line == b"shutdown\n":
            loop.call_soon_threadsafe(told.set)
            return


async def main():
    told = asyncio.Event()
    arguments = (asyncio.get_running_loop(), told)
    threading.Thread(target=listen_to_stdin, args=arguments, daemon=True).start()
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(converse, host, int(port))
    await told.wait()
    server.close()
    if tasks:
        await asyncio.wait(list(tasks), timeout=2)
    os._exit(0)


asyncio.run(main())
