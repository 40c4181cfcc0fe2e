"""The way out of one WebSocket: frames wait here until the server below takes them. How many may wait is the Window's business."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from sockpanel.live import wire

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outlet:
    """Filled by the hub, emptied by one writer."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        self._more = asyncio.Event()
        self._code: int | None = None

    @property
    def closing(self) -> bool:
        return self._code is not None

    def put(self, text: str) -> None:
        """Send this after what waits already; a closing socket is told nothing more."""
        if self._code is None:
            self._frames.append(text)
            self._more.set()

    def close(self, code: int, last_words: str = "") -> None:
        """Close with a code; what waits is dropped, `last_words` is said."""
        if self._code is None:
            self._frames.clear()
            if last_words:
                self._frames.append(last_words)
            self._code = code
            self._more.set()

    def finish(self, code: int) -> None:
        """Close with a code once all that waits has been sent."""
        if self._code is None:
            self._code = code
            self._more.set()

    async def drain(self, send: Send) -> None:
        """The writer: ends after the close."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._frames:
                await send({"type": "websocket.send", "text": self._frames.popleft()})
            if self._code is not None:
                await send({"type": "websocket.close", "code": self._code, "reason": wire.REASONS.get(self._code, "")})
                return
