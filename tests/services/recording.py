"""Helpers for tests of what is recorded: batches as a worker would send them, and a recorder in a running loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.batches import StoreBatch
from services.recorder import Recorder
from services.servers.report import IN, OUT, Batch, Closed, Counted, Opened

AT = 1_750_000_000_000_000


def rows(*data: bytes, connection: int = 1, direction: int = IN) -> list:
    return [(AT + i, connection, "127.0.0.1:5000", direction, part, len(part), "") for i, part in enumerate(data)]


def batch(number: int, *data: bytes, opened: bool = False, closed: bool = False, direction: int = IN) -> Batch:
    size = sum(map(len, data))
    counted = Counted(received=len(data), bytes_in=size) if direction == IN else Counted(sent=len(data), bytes_out=size)
    return Batch(
        number=number,
        messages=rows(*data, direction=direction),
        opened=[Opened(1, "127.0.0.1:5000", AT)] if opened else [],
        closed=[Closed(1, AT + 9, "closed by the peer")] if closed else [],
        counted=counted,
        open_connections=0 if closed else 1,
    )


class Recording:
    """A recorder, and what it told."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.hinted: set[int] = set()
        self.broken = asyncio.Event()
        self.recorder = Recorder(asyncio.get_running_loop(), self.hinted.update, self.broken.set)

    async def store(self, server: int, *batches: Batch) -> None:
        """Give it batches and wait until the last one is acknowledged."""
        done = asyncio.Event()

        def stored(number: int) -> None:
            self.acknowledged.append(number)
            if number == batches[-1].number:
                done.set()

        for each in batches:
            self.recorder.put(StoreBatch(server, 1, each, stored))
        async with asyncio.timeout(10):
            await done.wait()


@asynccontextmanager
async def recording() -> AsyncIterator[Recording]:
    """A running recorder, closed at the end."""
    started = Recording()
    started.recorder.start()
    try:
        yield started
    finally:
        await started.recorder.close()


__all__ = ["AT", "IN", "OUT", "Recording", "batch", "recording", "rows"]
