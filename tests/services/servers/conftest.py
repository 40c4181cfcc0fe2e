"""Real workers, each ended with its test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.servers.report import Briefing
from tests.services.servers.clients import Client, connected
from tests.services.servers.commanding import briefing, options
from tests.services.servers.supervising import Supervised, spec_of

Serve = Callable[..., Awaitable[Supervised]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(kind="udp", reply={"type": "echo"})`: a worker that is ready. `start` holds fields of the Start."""
    running: list[Supervised] = []

    async def begin(start: dict[str, Any] | None = None, **words: Any) -> Supervised:
        supervised = Supervised(spec_of(**words), **(start or {}))
        running.append(supervised)
        await supervised.begin()
        return supervised

    yield begin
    for supervised in running:
        await supervised.release()


@pytest.fixture
def serve_commands(serve: Serve) -> Serve:
    """`await serve_commands(briefing(), shell=True)`: a remote-command server with these options. `hurry` as in supervising."""

    async def begin(
        told: Briefing | None = None,
        host: str = "127.0.0.1",
        hurry: str = "",
        limits: dict[str, Any] | None = None,
        **words: Any,
    ) -> Supervised:
        start = {"briefing": told or briefing(), **({"hurry": hurry} if hurry else {})}
        return await serve(start=start, host=host, limits=limits or {}, **options(**words))

    return begin


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[Any], Awaitable[Client]]]:
    """`await connect(it.address)`: a client, gone with its test."""
    clients: list[Client] = []

    async def begin(address: Any) -> Client:
        clients.append(await connected(address))
        return clients[-1]

    yield begin
    for client in clients:
        await client.gone()
