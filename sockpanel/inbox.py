"""What has come in for one application and waits for it. Of a WebSocket's frames only a few wait: then nothing more is read of it."""

import asyncio
from typing import Any

FRAMES = 32  # that may wait; reading goes on when half of them are taken


class Inbox(asyncio.Queue[Any]):
    """`source` is a transport that can pause, or None."""

    def __init__(self, source: Any = None) -> None:
        super().__init__()
        self._source = source
        self._paused = False

    def put_nowait(self, item: Any) -> None:
        super().put_nowait(item)
        if self._source is not None and not self._paused and self.qsize() >= FRAMES:
            self._paused = True
            self._source.pauseProducing()

    async def get(self) -> Any:
        item = await super().get()
        if self._paused and self.qsize() <= FRAMES // 2:
            self._paused = False
            self._source.resumeProducing()
        return item
