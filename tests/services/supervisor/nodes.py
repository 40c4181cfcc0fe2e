"""A supervisor with real datagram workers, whose sockets a test can send from: nothing else forges a sender without a privilege."""

import asyncio
import socket
from typing import Any

from services.servers import sockets
from services.servers.report import Close
from services.servers.spec import Reply, ServerSpec
from services.supervisor.neighbourhood import SETTLES
from services.supervisor.supervisor import Supervisor
from services.supervisor.wanted import Wanted
from tests.ports import free_port


def server(id: int, **fields: Any) -> Wanted:
    """A wanted datagram server, an echo on a free port unless said otherwise."""
    words = {
        "name": f"server-{id}",
        "kind": "udp",
        "transport": "udp",
        "host": "127.0.0.1",
        "reply": Reply(type="echo"),
    }
    port = fields.pop("port", None)
    spec = ServerSpec(**{**words, **fields}, port=free_port(socket.SOCK_DGRAM) if port is None else port)
    return Wanted(id=id, spec=spec, running=True, restart="on-failure", asked=1, asked_by="alice")


class Node:
    """`journal` remembers what its workers told."""

    def __init__(self, journal: Any) -> None:
        journal.stores = True
        self.journal = journal
        self.sockets: dict[str, socket.socket] = {}
        self.supervisor = Supervisor(journal, opener=self._open)

    def _open(self, spec: ServerSpec) -> socket.socket:
        sock = self.sockets[spec.name] = sockets.open_socket(spec)
        return sock

    def forge(self, sender: str, receiver: str) -> None:
        """A datagram to one of its servers that comes from the very socket of another."""
        self.sockets[sender].sendto(b"round", self.sockets[receiver].getsockname())

    def count(self, server: int, what: str) -> int:
        """A number of `Counted`."""
        return sum(getattr(batch.counted, what) for id, _, batch, _ in self.journal.batches if id == server)

    def lost(self, server: int, reason: str, what: str = "dropped") -> int:
        """How many messages were dropped for `reason`; `what` is dropped or sent_dropped."""
        told = [getattr(batch.counted, what) for id, _, batch, _ in self.journal.batches if id == server]
        return sum(dropped.get(reason, 0) for dropped in told)

    def pid(self, server: int) -> int:
        """Of its newest worker."""
        return next(started.pid for started in reversed(self.journal.started) if started.server == server)

    async def have_met(self, *servers: int) -> None:
        """Wait until these workers know their neighbours: what they are asked afterwards is answered after that."""
        told = asyncio.Event()
        asyncio.get_running_loop().call_later(2 * SETTLES, told.set)
        await told.wait()
        for server in servers:
            await self.supervisor.send(server, Close(action=1, connection=1))
