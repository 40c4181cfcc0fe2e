"""A process with our server and a small application of its own: `python -m tests.sockpanel.polite` prints its port.

/slow answers after a second, /hold does not begin to before, /stream sends 64 MiB, /produced says how much of it was made, /broken
stops halfway, /whole is 32 MiB in one piece, /taken says how long the body was. A WebSocket sends back what it is sent; after "wait"
it takes nothing for a while, with "close" it closes.
Arguments: `descriptors=256`, `tls=CERTIFICATE,KEY`, or a limit of sockpanel.reception in seconds (`HEAD_WITHIN=0.5`).
"""

import asyncio
import logging
import resource
import socket
import sys
from typing import Any

from sockpanel import panel_tls, reception, server
from tests.ports import addresses_of_localhost, free_port_of_localhost

CHUNK, CHUNKS = b"x" * 65_536, 1024
produced = 0


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await talk(receive, send)
        return
    size, more = 0, True
    while more:
        event = await receive()
        size, more = size + len(event["body"]), event["more_body"]
    if scope["path"] == "/hold":
        print("held", flush=True)
        await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/taken":
        await send({"type": "http.response.body", "body": str(size).encode()})
    else:
        await {"/stream": stream, "/broken": broken, "/slow": slow, "/whole": whole}.get(scope["path"], count)(send)


async def talk(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] != "websocket.disconnect":
        if event.get("text") == "wait":
            await asyncio.sleep(2)
        if event.get("text") == "close":
            await send({"type": "websocket.close", "code": 4408, "reason": "Nothing was acknowledged."})
            return
        await send({"type": "websocket.send", "text": event.get("text") or ""})
    print("websocket ended", flush=True)


async def stream(send: Any) -> None:
    global produced
    for _ in range(CHUNKS):
        produced += len(CHUNK)
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body"})


async def broken(send: Any) -> None:
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("as the test wants")


async def whole(send: Any) -> None:
    await send({"type": "http.response.body", "body": CHUNK * 512})


async def slow(send: Any) -> None:
    print("slow begun", flush=True)
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b"done"})


async def count(send: Any) -> None:
    await send({"type": "http.response.body", "body": str(produced).encode()})


tls: list[str] = []


def take(argument: str) -> None:
    name, _, value = argument.partition("=")
    if name == "tls":
        tls.extend(value.split(","))
    elif name == "descriptors":
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(value), int(value)))
    else:
        assert hasattr(reception, name)
        setattr(reception, name, float(value))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    for argument in sys.argv[1:]:
        take(argument)
    port = free_port_of_localhost()
    listening = [
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024)
        for host in addresses_of_localhost()
    ]
    print(port, flush=True)
    server.FINISH = 2.0
    server.PanelServer(application, listening, panel_tls.Certificate(*tls) if tls else None).run()
