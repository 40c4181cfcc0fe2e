"""A browser's live view without a browser: follows one server over a WebSocket, acknowledges what came, and resumes where it was cut.

It knows no page. What it was told to skip it remembers, for such rows have to be loaded.

    viewer = Viewer(panel.port, "echo", headers, through=proxy.port)
    viewer.start()
    await eventually_async(lambda: viewer.last == 1200)
"""

import asyncio
import json
from typing import Any

import websockets

PAUSE = 0.05  # seconds before it comes back
SILENCE = 1.0  # seconds without an answer to a ping: the connection is dead, whatever TCP thinks
OPEN_WITHIN = 3.0  # seconds


class Viewer:
    """One who looks at one server."""

    def __init__(self, port: int, server: str, token: str, through: int) -> None:
        self.seen: dict[int, Any] = {}  # seq -> row
        self.last = 0  # everything up to here was shown, or was told to be skipped
        self.skipped = 0
        self.cuts = 0
        self.doubled: list[int] = []
        self._address = f"ws://127.0.0.1:{port}/ws/servers/{server}/"
        self._token, self._through = token, through
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._look(), name="viewer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            try:
                await self._look_once()
            except (OSError, EOFError, TimeoutError, websockets.WebSocketException):
                self.cuts += 1
            await asyncio.sleep(PAUSE)

    async def _look_once(self) -> None:
        async with websockets.connect(
            self._address,
            host="127.0.0.1",
            port=self._through,
            additional_headers={"Authorization": f"Bearer {self._token}"},
            proxy=None,
            open_timeout=OPEN_WITHIN,
            ping_interval=SILENCE,
            ping_timeout=SILENCE,
            close_timeout=SILENCE,
        ) as socket:
            await socket.send(json.dumps({"type": "follow", "after": self.last}))
            async for frame in socket:
                told = json.loads(frame)
                if told["type"] == "messages":
                    self._take(told)
                ack = self.last if told["type"] == "messages" else 0
                await socket.send(json.dumps({"type": "ack", "seq": ack}))

    def _take(self, told: dict[str, Any]) -> None:
        assert told["from"] == self.last + 1, f"{told['from']} came after {self.last}"
        for row in told["messages"]:
            if row["seq"] in self.seen:
                self.doubled.append(row["seq"])
            self.seen[row["seq"]] = row
        self.last = told["to"]
        self.skipped += told["skipped"]
