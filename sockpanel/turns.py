"""Requests take turns: each that is worked on costs a thread and connections to the databases, so only so many are at a time.

The others wait in order. Who has begun to answer gives his turn on: a long download holds up nobody. It knows no HTTP server.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[Any], Awaitable[None]]


class Turns:
    """At most `most` at a time."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def take(self, work: Callable[[Send], Awaitable[None]], send: Send, is_wanted: Callable[[], bool]) -> None:
        """Run `work(send)` when it is its turn, unless nobody wants it any more."""
        await self._free.acquire()
        has_turn = True

        def give_on() -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                self._free.release()

        async def passing(message: Any) -> None:
            if message["type"] == "http.response.start":
                give_on()
            await send(message)

        try:
            if is_wanted():
                await work(passing)
        finally:
            give_on()
