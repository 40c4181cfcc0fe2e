"""The life of a worker process: take over the sockets, serve, do what the supervisor says, leave. It knows no kind of server."""

import asyncio
import gc
import os
import signal
import socket
import sys

import msgspec
import uvloop

from services.errors import SockpanelError
from services.servers import descriptors, notices, registry, report, spec
from services.servers.link import Link
from services.servers.report import (
    Brief,
    Certify,
    Close,
    Failed,
    Heartbeat,
    Neighbours,
    Ready,
    Recorded,
    Send,
    Start,
    Stored,
    ToWorker,
)
from services.servers.reporter import Reporter
from services.servers.server import Past, Server

HEARTBEAT = 5.0  # seconds
CLOSE_WITHIN = 2.0  # seconds to hand over answers and to close connections
STORE_WITHIN = 5.0  # seconds for the last batch to be stored
ORPHAN_WITHIN, GONE_WITHIN = 0.5, 0.8  # seconds to close and to be gone when the supervisor has died


class Worker:
    """One run of one server."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._link = Link(self._heard, self._orphaned)
        self._reporter = Reporter(self._link.send, self._loop)
        self._server: Server | None = None
        self._neighbours: tuple[int, ...] = ()
        self._leave = asyncio.Event()
        self._alone = False

    async def run(self) -> int:
        """Serve until the end; the exit code of the process."""
        self._loop.add_signal_handler(signal.SIGTERM, self._leave.set)
        await self._loop.create_unix_connection(lambda: self._link, sock=socket.socket(fileno=self._start.link))
        try:
            server = self._server = self._made()
            await server.start()
        except (SockpanelError, msgspec.ValidationError, OSError, KeyError, TypeError) as error:
            return await self._fail(f"The worker cannot serve: {str(error).rstrip('.')}.")
        self._tell(Ready(receive_buffer=server.receive_buffer))
        self._beat()
        await self._leave.wait()
        return await self._end(server)

    def _made(self) -> Server:
        start = self._start
        wanted = spec.restore(start.spec)
        if start.socket is None:
            raise OSError("it was given no socket")
        past = Past(start.next_connection, start.peers, start.kernel_drops)
        sock = socket.socket(fileno=start.socket)
        sock.setblocking(False)
        server = registry.load(wanted.kind, wanted.transport)(wanted, sock, self._reporter, past)
        server.finished = self._leave.set
        server.tell = self._tell
        if start.briefing is not None:
            server.brief(start.briefing)
        if start.tls is not None:
            server.certify(start.tls)
        server.neighbours(self._neighbours)
        return server

    async def _fail(self, why: str) -> int:
        notices.tell(why)
        self._tell(Failed(why))
        self._link.close()
        return os.EX_CONFIG

    async def _end(self, server: Server) -> int:
        await server.stop(ORPHAN_WITHIN if self._alone else CLOSE_WITHIN)
        if self._alone:
            return os.EX_UNAVAILABLE
        try:
            async with asyncio.timeout(STORE_WITHIN):
                await self._reporter.settled()
        except TimeoutError:
            notices.tell(f"The last messages were told, but not stored within {STORE_WITHIN:g} s.")
        return os.EX_OK

    # The supervisor

    def _heard(self, order: ToWorker) -> None:
        if isinstance(order, Stored):
            self._reporter.stored(order.number)
            return
        if self._server is None:  # nobody was told that we serve
            if isinstance(order, Brief):
                self._start = msgspec.structs.replace(self._start, briefing=order.briefing)
            elif isinstance(order, Neighbours):
                self._neighbours = order.ports
            elif isinstance(order, Certify):
                self._start = msgspec.structs.replace(self._start, tls=order.tls)
            return
        match order:
            case Recorded(ask=ask):
                self._server.recorded(ask)
            case Brief(briefing=briefing):
                self._server.brief(briefing)
            case Neighbours(ports=ports):
                self._server.neighbours(ports)
            case Certify(tls=material):
                self._server.certify(material)
            case Send() | Close():
                done = self._server.send(order) if isinstance(order, Send) else self._server.close(order)
                self._reporter.flush()  # what was done is told before that it was
                self._tell(done)

    def _tell(self, told: report.Told) -> None:
        self._link.send(report.encode(told))

    def _beat(self) -> None:
        self._tell(Heartbeat(self._reporter.open_connections))
        self._loop.call_later(HEARTBEAT, self._beat)

    def _orphaned(self) -> None:
        """Nobody supervises any more: close the doors and go, whatever else is being waited for."""
        self._alone = True
        self._leave.set()
        self._loop.call_later(GONE_WITHIN, os._exit, os.EX_UNAVAILABLE)


def main() -> int:
    """Reads the Start from stdin and runs it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the supervisor's to understand
    try:
        start = msgspec.json.decode(_stdin(), type=Start)
    except (msgspec.DecodeError, OSError) as error:
        notices.tell(f"A worker is started by the supervisor, with a Start on its stdin: {error}.")
        return os.EX_USAGE
    descriptors.raise_limit()
    _be_known_as(str(start.spec.get("name", "")))
    gc.freeze()  # what was loaded until now stays: the collector need not look at it again and again
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(start))


def _be_known_as(name: str) -> None:
    """What `ps` and `top` show of us (proc(5), comm)."""
    try:
        with open("/proc/self/comm", "w") as comm:
            comm.write(f"sp:{name}"[:15])
    except OSError:
        pass  # no Linux


async def _run(start: Start) -> int:
    return await Worker(start).run()


def _stdin() -> bytes:
    data = sys.stdin.buffer.read()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    return data
