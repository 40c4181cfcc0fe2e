"""What every kind of server is to its worker, and what it is given. It knows neither the link nor the process."""

import asyncio
import socket
from collections.abc import Callable

from services.errors import SockpanelError
from services.servers.report import Briefing, Close, Done, Send, Told
from services.servers.reporter import Reporter
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial


class Past:
    """What earlier runs left behind: the numbers of connections, datagram peers with theirs, what the kernel had dropped."""

    def __init__(self, next_connection: int = 1, peers: dict[str, int] | None = None, drops: int | None = None) -> None:
        self.drops = drops
        self._next = next_connection
        self._peers = dict(peers or {})

    def number(self, peer: str | None = None) -> int:
        """The number that the datagram peer had in an earlier run; a new one for everybody else."""
        known = self._peers.pop(peer, 0) if peer else 0
        if known:
            return known
        self._next += 1
        return self._next - 1

    def peer(self, number: int) -> str | None:
        """The datagram peer that had `number` and has not been heard in this run."""
        return next((peer for peer, known in self._peers.items() if known == number), None)


class Server:
    """One server, from `start` to `stop`. A kind implements all of it; `brief` and `recorded` are for remote-command servers."""

    def __init__(self, spec: ServerSpec, sock: socket.socket, reporter: Reporter, past: Past) -> None:
        self.finished: Callable[[], None] = lambda: None  # called by a server that has nothing left to do
        self.tell: Callable[[Told], None] = lambda told: None  # to the supervisor, at once
        self.receive_buffer = 0  # bytes that the kernel holds for a datagram socket
        self._spec = spec
        self._socket = sock
        self._reporter = reporter
        self._past = past
        self._loop = asyncio.get_running_loop()
        reporter.held, reporter.released = self.hold, self.release

    async def start(self) -> None:
        """Serve. Whoever connects from now on is answered."""
        raise NotImplementedError

    async def stop(self, within: float) -> None:
        """Take nothing more in, hand over the answers that are under way, close everything; `within` seconds at the most."""
        raise NotImplementedError

    def send(self, order: Send) -> Done:
        """Bytes from a person to one connection or peer, or to all."""
        raise NotImplementedError

    def close(self, order: Close) -> Done:
        """Close one connection."""
        raise NotImplementedError

    def brief(self, briefing: Briefing) -> None:
        """What it must know beside its spec: before `start`, and whenever it changes."""

    def certify(self, material: TlsMaterial) -> None:
        """What it shows those who speak TLS: before `start` (may raise CertificateRefused), and whenever it is renewed."""

    def recorded(self, ask: int) -> None:
        """The command that `CommandBegun` told of is written down for good."""

    def neighbours(self, ports: tuple[int, ...]) -> None:
        """The ports of this machine's datagram servers, for those that must not answer them; whenever they change."""

    def hold(self) -> None:
        """The store is behind: take nothing in until `release`."""
        raise NotImplementedError

    def release(self) -> None:
        """The store has caught up."""
        raise NotImplementedError


def failed(action: int, error: SockpanelError) -> Done:
    """What is told of an order that failed."""
    return Done(action, error=error.message, code=error.code)
