"""Real child processes that tests start, wait for and listen to."""

import asyncio
import os
import sys

from services.supervisor.process import Exit, Process
from services.supervisor.spawned import Plan, Spawned


def python(code: str, stdin: bytes = b"", descriptors: tuple[int, ...] = ()) -> Process:
    """A child that runs `code`."""
    return Process(Spawned(Plan(command=(sys.executable, "-c", code), stdin=stdin, descriptors=descriptors)))


async def exited(process: Process) -> Exit:
    """How it ended, once it has; it is reaped then."""
    ended = asyncio.Event()
    process.on_exit(asyncio.get_running_loop(), ended.set)
    async with asyncio.timeout(20):
        await ended.wait()
    return process.reap()


async def output(process: Process) -> str:
    """What it wrote to its stderr, to the end."""
    descriptor = os.dup(process.stderr)
    with os.fdopen(descriptor, "rb") as file:
        text = await asyncio.to_thread(file.read)
    await exited(process)
    return text.decode()
