"""A real panel under `manage.py up`, with servers that answer after the commit and clients that keep ledgers of it.

async with stage(Panel(), tmp_path, servers=("tcp", "udp")) as scene:
    os.kill(scene.workers()["tcp-1"].pid, SIGKILL)
    await scene.judge()
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import referee
from tests.chaos.clients import DatagramClient, LedgerClient, StreamClient
from tests.chaos.ledger import Ledger
from tests.chaos.probe import Probe
from tests.sockpanel.panel import Panel
from tests.waiting import eventually_async

CLIENTS = {"tcp": StreamClient, "udp": DatagramClient}
PORTS = (20_000, 32_000)  # below /proc/sys/net/ipv4/ip_local_port_range as Linux comes with it
RATE = 50.0  # messages a second of one client
SUPERVISED = 30.0  # seconds until a supervisor is there
FINISH = 30.0  # seconds to get the last answers


@dataclass
class Served:
    """One server of the panel, and who talks to it."""

    id: int
    name: str
    kind: str
    port: int
    probe: Probe
    clients: list[LedgerClient] = field(default_factory=list)

    @property
    def ledgers(self) -> list[Ledger]:
        return [self.probe.ledger, *(client.ledger for client in self.clients)]


def quiet_port(kind: str) -> int:
    """A free port that the system gives to no outgoing connection: one of those could take it while nobody listens.

    A client that tries long enough even connects to itself then.
    """
    while True:
        port = random.randrange(*PORTS)
        with socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue  # somebody has it
        return port


class Scene:
    """What is on the stage."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel, self.folder = panel, folder
        self.servers: dict[str, Served] = {}

    def ask(self, method: str, path: str, words: Any = None) -> Any:
        """One request to the API, as the admin's script."""
        visitor = self.panel.visitor()
        visitor.headers["Authorization"] = f"Bearer {self.panel.token}"
        answer = (
            visitor.post(f"/api/v1{path}", json=words or {}, method=method)
            if method != "GET"
            else visitor.get(f"/api/v1{path}")
        )
        assert answer.status in (200, 201, 204), answer
        return answer.json() if answer.body else None

    def is_supervised(self) -> bool:
        return bool(self.ask("GET", "/node")["supervisor"]["alive"])

    def serve(self, name: str, kind: str, **words: Any) -> Served:
        """A new server that runs."""
        port = quiet_port(kind)
        fields = {"name": name, "kind": kind, "transport": kind, "host": "127.0.0.1", "port": port, **words}
        fields["limits"] = {"reply_after_commit": True, **fields.get("limits", {})}
        fields = {"reply": {"type": "echo"}, "retention": {"rows": 10_000_000}, **fields}
        if kind == "tcp":
            fields.setdefault("framing", {"type": "line"})
        made = self.ask("POST", "/servers", fields)
        assert self.ask("POST", f"/servers/{name}/start")["state"] == "RUNNING"
        probe = Probe(Ledger(self.folder / f"{name}-{made['id']}-probe", f"{name}-probe"), kind, port)
        self.servers[name] = Served(made["id"], name, kind, port, probe)
        return self.servers[name]

    def client(self, served: Served, rate: float = RATE, port: int = 0) -> LedgerClient:
        """A new client of it; with `port` it goes there instead: to a proxy."""
        name = f"{served.name}-client-{len(served.clients) + 1}"
        ledger = Ledger(self.folder / name, name)
        client = CLIENTS[served.kind](ledger, ("127.0.0.1", port or served.port), rate)
        served.clients.append(client)
        client.start()
        return client

    @property
    def clients(self) -> list[LedgerClient]:
        return [client for served in self.servers.values() for client in served.clients]

    async def judge(self) -> list[referee.Verdict]:
        """Let every client get its answers, end the panel, and ask the referee."""
        return await self.judge_in(await self.ended())

    async def judge_in(self, folder: Path) -> list[referee.Verdict]:
        """What the referee says to the messages database in `folder`."""
        ledgers = {served.id: served.ledgers for served in self.servers.values()}
        return await asyncio.to_thread(referee.judge, folder, ledgers)

    async def ended(self) -> Path:
        """Let every client get its answers, then end the panel; where its data are."""
        async with asyncio.TaskGroup() as all_of_them:
            for client in self.clients:
                all_of_them.create_task(client.finish(FINISH), name="finish")
        await self._stop_clients()
        assert await asyncio.to_thread(self.panel.stop) == 0, self.panel.log()
        return self.panel.data_dir

    async def _stop_clients(self) -> None:
        for client in self.clients:
            await client.stop()

    async def clear(self) -> None:
        await self._stop_clients()
        for served in self.servers.values():
            for ledger in served.ledgers:
                ledger.__exit__()


@contextlib.asynccontextmanager
async def stage(
    folder: Path, kinds: Sequence[str] = ("tcp",), clients: int = 1, **settings: str
) -> AsyncIterator[Scene]:
    """A panel with one server of each kind and so many clients for each; nothing of it is left afterwards."""
    panel = Panel(**settings)
    scene = Scene(panel, folder)
    try:
        await asyncio.to_thread(panel.start)
        await eventually_async(lambda: asyncio.to_thread(scene.is_supervised), SUPERVISED)
        for number, kind in enumerate(kinds, 1):
            served = await asyncio.to_thread(scene.serve, f"{kind}-{number}", kind)
            for _ in range(clients):
                scene.client(served)
        yield scene
    finally:
        await scene.clear()
        await asyncio.to_thread(panel.end)
