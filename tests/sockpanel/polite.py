"""A process with our server and a small application of its own: `python -m tests.sockpanel.polite` prints its port.

/slow answers after a second, /stream sends 64 MiB, /produced says how much of it was made, /broken stops halfway.
"""

import asyncio
import socket
from typing import Any

from sockpanel import server

CHUNK, CHUNKS = b"x" * 65_536, 1024
produced = 0


async def application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        print("websocket ended", flush=True)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await {"/stream": stream, "/broken": broken, "/slow": slow}.get(scope["path"], count)(send)


async def stream(send: Any) -> None:
    global produced
    for _ in range(CHUNKS):
        produced += len(CHUNK)
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body"})


async def broken(send: Any) -> None:
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("as the test wants")


async def slow(send: Any) -> None:
    print("slow begun", flush=True)
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b"done"})


async def count(send: Any) -> None:
    await send({"type": "http.response.body", "body": str(produced).encode()})


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    server.FINISH = 2.0
    server.PanelServer(application, listening).run()
