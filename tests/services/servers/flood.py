"""Sends datagrams of 64 bytes as fast as asked, in a process of its own: python -m tests.services.servers.flood HOST PORT COUNT RATE

It prints how many went out.
"""

import asyncio
import socket
import sys
import time
from pathlib import Path
from typing import Any

AT_ONCE = 20
ROOT = Path(__file__).resolve().parents[3]


async def flood(address: Any, count: int, rate: int) -> int:
    """How many of `count` datagrams went out; they are sent while the caller's loop turns."""
    words = [sys.executable, "-m", "tests.services.servers.flood", address[0], str(address[1]), str(count), str(rate)]
    process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    return int(told)


def main(host: str, port: str, count: str, rate: str) -> None:
    sent, payload, begin = 0, b"x" * 64, time.perf_counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, int(port)))
        while sent < int(count):
            while sent > (time.perf_counter() - begin) * int(rate):
                pass  # a pause would be longer than what is waited for
            for _ in range(min(AT_ONCE, int(count) - sent)):
                sock.send(payload)
                sent += 1
    print(sent)


if __name__ == "__main__":
    main(*sys.argv[1:])
