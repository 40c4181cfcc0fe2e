"""A panel with remote commands switched on and a server that runs them; and the WebSocket of one command."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.ports import free_port
from tests.sockpanel.panel import Panel

UNAME = {
    "id": "uname",
    "program": "/usr/bin/uname",
    "arguments": [{"name": "what", "choices": ["-s", "-n"], "optional": True}],
}
SLEEP = {"id": "sleep", "program": "/usr/bin/sleep", "arguments": [{"name": "seconds", "low": 0, "high": 100}]}
HEAD = {
    "id": "zeros",
    "program": "/usr/bin/head",
    "arguments": ["-c", {"name": "bytes", "low": 0, "high": 10**9}, "/dev/zero"],
    "output_bytes": 1024 * 1024 * 1024,
}


class Commander:
    """The API of a panel, as somebody with a token asks it."""

    def __init__(self, panel: Panel, token: str) -> None:
        self.panel, self.token = panel, token
        self._visitor = panel.visitor()

    def ask(self, method: str, path: str, words: Any = None) -> Any:
        """(status, body) below /api/v1."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = None if words is None else json.dumps(words).encode()
        answer = self._visitor.request(method, f"/api/v1{path}", body, headers)
        return answer.status, answer.json() if answer.body else None

    def waiting(self, **words: Any) -> int:
        """The number of a command that waits for its WebSocket."""
        status, body = self.ask("POST", "/commands", {**words, "wait": False})
        assert status == 202, body
        return int(body["id"])

    @contextlib.asynccontextmanager
    async def watch(self, number: int) -> AsyncIterator["Watched"]:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"ws://127.0.0.1:{self.panel.port}/ws/commands/{number}/"
        async with connect(url, additional_headers=headers, max_size=None) as socket:
            yield Watched(socket)


class Watched:
    """What comes over one command's WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.output = {"stdout": b"", "stderr": b""}
        self.end = 0

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        if frame["type"] == "output":
            self.output[frame["stream"]] += base64.b64decode(frame["data"])
            self.end = frame["end"]
        return frame

    async def say(self, **frame: Any) -> None:
        """Whoever has ended and closed hears no more."""
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send(json.dumps(frame))

    async def ended(self, *, acknowledge: bool = True) -> dict[str, Any]:
        """The COMMAND, once it has ended."""
        while (frame := await self.next())["type"] != "end":
            if acknowledge and frame["type"] == "output":
                await self.say(type="ack", end=frame["end"])
        return dict(frame["command"])


def server(commander: Commander, name: str, **options: Any) -> dict[str, Any]:
    """A remote-command server that runs."""
    words = {
        "kind": "command",
        "name": name,
        "port": free_port(),
        "options": {"commands": [UNAME, SLEEP, HEAD], **options},
    }
    status, made = commander.ask("POST", "/servers", words)
    assert status == 201, made
    status, started = commander.ask("POST", f"/servers/{name}/start")
    assert (status, started["state"]) == (200, "RUNNING"), started
    return dict(started)
