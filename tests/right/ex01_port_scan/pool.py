"""A pool of threads, whose map() keeps the order."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

host, low, high = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def state(port):
    try:
        with socket.create_connection((host, port), timeout=1):
            return "open"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "filtered"


ports = range(low, high + 1)
with ThreadPoolExecutor(max_workers=100) as pool:
    for port, found in zip(ports, pool.map(state, ports)):
        print(port, found)
