"""One thread, and a coroutine for each port."""

import asyncio
import sys

host, low, high = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def state(port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout=1)
    except ConnectionRefusedError:
        return "refused"
    except (OSError, asyncio.TimeoutError):
        return "filtered"
    writer.close()
    return "open"


async def main():
    ports = range(low, high + 1)
    found = await asyncio.gather(*(state(port) for port in ports))
    sys.stdout.write("".join(f"{port} {what}\n" for port, what in zip(ports, found)))


asyncio.run(main())
