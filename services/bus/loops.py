"""One endpoint for each event loop that uses a layer, made at first use and closed with its loop.

asyncio tells nobody that a loop ends, but it closes the asynchronous generators that began in it (`asyncio.run`, `async_to_sync` and
pytest do): a generator that waits for that is the keeper of an endpoint. For other loops the end is noticed later: when the
layer is used next, or when the process ends. A forked child closes what it inherited and leaves the files alone.
"""

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Callable

from services.bus.endpoint import Endpoint

DRAIN = 0.25  # seconds that a loop gives its busy peers when it ends

_everywhere: "weakref.WeakSet[Loops]" = weakref.WeakSet()
_inherited: list[AsyncGenerator[None]] = []  # keepers of the parent: they must never run in a child


class Loops:
    """The endpoints of one layer in this process."""

    def __init__(self, make: Callable[[], Endpoint]) -> None:
        self._make = make
        self._kept: dict[asyncio.AbstractEventLoop, tuple[Endpoint, AsyncGenerator[None]]] = {}
        self._lock = threading.Lock()
        _everywhere.add(self)

    async def mine(self) -> Endpoint:
        """The endpoint of the running loop."""
        loop = asyncio.get_running_loop()
        if loop in self._kept:
            return self._kept[loop][0]
        self._close_ended()
        endpoint = self._make()
        keeper = _keep(self._kept, endpoint)
        with self._lock:
            self._kept[loop] = endpoint, keeper
        await anext(keeper)
        return endpoint

    async def close(self) -> None:
        """Close the endpoint of the running loop."""
        if kept := self._kept.get(asyncio.get_running_loop()):
            await kept[1].aclose()

    def _close_ended(self) -> None:
        with self._lock:
            ended = [loop for loop in list(self._kept) if loop.is_closed()]  # other loops end meanwhile
            for loop in ended:
                self._kept.pop(loop)[0].close(None)

    def close_all(self) -> None:
        """At the end of the process."""
        with self._lock:
            for endpoint, _ in list(self._kept.values()):
                endpoint.close(None)
            self._kept.clear()

    def after_fork(self) -> None:
        """In the child: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()
        _inherited.extend(keeper for _, keeper in self._kept.values())
        self.close_all()


async def _keep(
    kept: dict[asyncio.AbstractEventLoop, tuple[Endpoint, AsyncGenerator[None]]], endpoint: Endpoint
) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await endpoint.drain(DRAIN)
        loop = asyncio.get_running_loop()
        endpoint.close(loop)
        kept.pop(loop, None)


@atexit.register
def _at_exit() -> None:
    for loops in list(_everywhere):
        loops.close_all()


def _after_fork_in_child() -> None:
    for loops in list(_everywhere):
        loops.after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
