"""A supervised node: the real runtime, real workers and both databases, in the test's own loop."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services import operations
from services.describe import describe
from services.models import Server
from services.runtime import Runtime
from tests.waiting import eventually_async


class Node:
    """A running runtime, and the doors that people use."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def up(self) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(Runtime(self.directory, "local").run(self._stop), name="runtime")
        await eventually_async(sync_to_async(lambda: operations.nodes.alive("local")))

    async def down(self) -> None:
        if self._task is not None:
            self._stop.set()
            async with asyncio.timeout(20):
                await self._task
            self._task = None

    async def ended(self) -> None:
        """Wait for its end by itself; raises what it ended with."""
        assert self._task is not None
        task, self._task = self._task, None
        async with asyncio.timeout(20):
            await task

    async def create(self, **words: Any) -> Server:
        return await asyncio.to_thread(operations.create, words, "ada")

    async def start(self, server: Server) -> dict[str, Any]:
        asked = await asyncio.to_thread(operations.start, server, "ada")
        assert await operations.asettle(server, asked) is not None
        return await self.look(server)

    async def running(self, **words: Any) -> Server:
        """A created and started server."""
        server = await self.create(**words)
        described = await self.start(server)
        assert described["state"] == "RUNNING", described["reason"]
        return server

    async def look(self, server: Server) -> dict[str, Any]:
        await server.arefresh_from_db()
        return (await sync_to_async(describe)([server]))[0]

    async def until(self, server: Server, probe: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first description of the server that `probe` finds true."""
        last: dict[str, Any] = {}

        async def look() -> bool:
            nonlocal last
            last = await self.look(server)
            return bool(probe(last))

        await eventually_async(look)
        return last


@pytest.fixture
async def node(transactional_db: None, settings: Any) -> AsyncIterator[Node]:
    with tempfile.TemporaryDirectory(prefix="sp-node-") as directory:
        settings.SOCKPANEL_DATA_DIR = Path(directory)
        started = Node(Path(directory))
        await started.up()
        try:
            yield started
        finally:
            await started.down()
