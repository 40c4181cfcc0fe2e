"""The one thread of this process that reads the databases for all WebSockets, with connections of its own.

The executor that Django shares between requests would make every socket wait behind every page.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import Error, connections

T = TypeVar("T")
WITHIN = 30.0  # seconds that one read may take


class Reader:
    """Reads one after another; what is asked first is answered first."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live-reader")

    async def run(self, read: Callable[..., T], *arguments: Any) -> T:
        """Raises django.db.Error, or TimeoutError when the database does not answer."""
        answer = asyncio.get_running_loop().run_in_executor(self._thread, _read, read, arguments)
        async with asyncio.timeout(WITHIN):
            return await answer

    async def close(self) -> None:
        """Give the connections back and end the thread."""
        try:
            await self.run(connections.close_all)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)


def _read(read: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    try:
        return read(*arguments)
    except Error:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
        raise
