"""A server as the real supervisor and a real worker run it, with a diary of what they tell; no database."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from services.servers import report
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.supervisor.events import Begun, Ended, History, Moved
from services.supervisor.states import AT_REST, State
from services.supervisor.supervisor import Supervisor
from services.supervisor.wanted import Wanted
from tests.waiting import eventually_async


class Diary:
    """The supervisor's observer: remembers messages and the state, acknowledges at once."""

    def __init__(self) -> None:
        self.state, self.reason = State.STOPPED, ""
        self.messages: list[tuple[str, int, bytes]] = []  # peer, direction, data
        self.closed: list[str] = []
        self.begun: list[report.CommandBegun] = []
        self.ended: list[report.CommandEnded] = []

    def history(self, server: int) -> History:
        return History()

    def moved(self, moved: Moved) -> None:
        self.state, self.reason = moved.new, moved.reason

    def heeded(self, heeded: object) -> None: ...

    def run_started(self, started: object) -> None: ...

    def run_ended(self, ended: object) -> None: ...

    def reported(self, server: int, run: int, batch: report.Batch, stored: Callable[[int], None]) -> None:
        self.messages += [(peer, direction, data) for _, _, peer, direction, data, _, _ in batch.messages]
        self.closed += [closed.why for closed in batch.closed]
        stored(batch.number)

    def command_begun(self, begun: Begun, recorded: Callable[[], None]) -> None:
        self.begun.append(begun.told)
        recorded()

    def command_ended(self, ended: Ended) -> None:
        self.ended.append(ended.told)

    def key_used(self, server: int, used: object) -> None: ...


class Served:
    """A preset that runs."""

    def __init__(self, spec: ServerSpec, diary: Diary) -> None:
        self.spec, self.diary = spec, diary

    @property
    def address(self) -> Any:
        return self.spec.host if self.spec.is_unix else (self.spec.host, self.spec.port)

    @property
    def family(self) -> int:
        return socket.AF_UNIX if self.spec.is_unix else socket.AF_INET6 if ":" in self.spec.host else socket.AF_INET

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.spec.is_unix:
            return await asyncio.open_unix_connection(self.spec.host)
        return await asyncio.open_connection(*self.address)

    @contextlib.contextmanager
    def datagram_socket(self) -> Iterator[socket.socket]:
        with socket.socket(self.family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            if self.spec.is_unix:
                sock.bind("")
            sock.connect(self.address)
            yield sock

    async def ask(self, data: bytes) -> bytes:
        """A datagram out, one back."""
        loop = asyncio.get_running_loop()
        with self.datagram_socket() as sock:
            sock.send(data)
            async with asyncio.timeout(5):
                return await loop.sock_recv(sock, 65_536)


@contextlib.asynccontextmanager
async def running(
    spec: ServerSpec, briefing: report.Briefing | None = None, tls: TlsMaterial | None = None
) -> AsyncIterator[Served]:
    """Run the server while the block lasts."""
    served = Served(spec, Diary())
    supervisor = Supervisor(served.diary)
    try:
        wanted = Wanted(id=1, spec=spec, running=True, restart="never", asked=1, briefing=briefing, tls=tls)
        await supervisor.reconcile([wanted])
        await eventually_async(lambda: served.diary.state in {State.RUNNING, *AT_REST})
        assert served.diary.state is State.RUNNING, served.diary.reason
        yield served
    finally:
        await supervisor.close()
