"""One living worker: its process, its link and its last words, from the spawn to the end.

It keeps no timetable and decides nothing: its keeper does.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from services.errors import NotRunning, SendRefused
from services.servers import report
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.supervisor.allowance import Allowance
from services.supervisor.commands import Commands
from services.supervisor.last_words import LastWords
from services.supervisor.link import Link
from services.supervisor.process import Child, Exit, Process
from services.supervisor.spawned import Plan, Spawned

_MAX_QUESTIONS = 1000  # orders that a worker has not answered


class Launch(msgspec.Struct, frozen=True):
    """What a worker is started with."""

    spec: ServerSpec
    socket: int  # file descriptor of the bound (and listening) socket
    next_connection: int = 1
    peers: dict[str, int] = {}
    kernel_drops: int = 0  # datagrams dropped at this socket that earlier workers told of
    briefing: report.Briefing | None = None
    tls: TlsMaterial | None = None


class End(msgspec.Struct, frozen=True):
    """How a worker ended, and why as far as we know."""

    exit: Exit
    why: str = ""  # why we killed it; empty when we did not
    refused: str = ""  # why it could not serve, in its own words
    stderr: str = ""

    @property
    def is_clean(self) -> bool:
        return self.exit.code == 0 and not self.why


class Listener(Protocol):
    """Who is told about a worker."""

    def ready(self, receive_buffer: int = 0) -> None:
        """It serves; the kernel holds so many bytes for its datagram socket."""

    def reported(self, batch: report.Batch, stored: Callable[[int], None]) -> None: ...

    def command_begun(self, told: report.CommandBegun, recorded: Callable[[], None]) -> None:
        """`recorded()` lets the command run; no harm after the worker's end."""

    def command_ended(self, told: report.CommandEnded) -> None: ...

    def key_used(self, told: report.KeyUsed) -> None: ...

    def ended(self, end: End) -> None:
        """Called once; everything that the worker told has been reported before."""


class Worker:
    """Spawned on creation. Raises OSError when that cannot be done."""

    def __init__(
        self,
        command: tuple[str, ...],
        launch: Launch,
        loop: asyncio.AbstractEventLoop,
        farewell: float,
        bear: Callable[[Plan], Child] = Spawned,
        allowance: Allowance | None = None,
    ) -> None:
        self._loop = loop
        self._farewell = farewell
        self._leaving: asyncio.TimerHandle | None = None
        self._listener: Listener | None = None
        self._questions: dict[int, asyncio.Future[report.Done]] = {}
        self._commands = Commands()
        self._why = ""
        self._refused = ""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = Process(bear(_plan(command, launch, theirs.fileno())))
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        self._link = Link(ours, loop, self, allowance)
        self._last_words = LastWords(self._process.stderr, loop)
        self.pid = self._process.pid
        self.process_start = self._process.started
        self._process.on_exit(loop, self._exited)

    def listen(self, listener: Listener) -> None:
        """To be called at once, before the loop turns."""
        self._listener = listener

    def quiet_for(self) -> float:
        """Seconds since it last said anything, as far as we let it."""
        if self._link.is_held_back:
            return 0.0
        self._link.catch_up()
        return self._loop.time() - self._link.heard_at

    def ask(self, order: report.Send | report.Close) -> asyncio.Future[report.Done]:
        """Its answer, sometime; NotRunning when it ends before. Raises SendRefused when it cannot be asked now."""
        if order.action in self._questions or len(self._questions) >= _MAX_QUESTIONS:
            raise SendRefused("The server has not yet answered what it was asked before: wait, then ask again.")
        self._link.tell(order)
        question = self._questions[order.action] = self._loop.create_future()
        question.add_done_callback(lambda _: self._questions.pop(order.action, None))
        return question

    def brief(self, briefing: report.Briefing) -> None:
        """Tells it what it must know now. Raises SendRefused when it takes nothing."""
        self._link.tell(report.Brief(briefing))

    def certify(self, material: TlsMaterial) -> None:
        """Gives it a renewed certificate. Raises SendRefused when it takes nothing."""
        self._link.tell(report.Certify(material))

    def meet(self, ports: tuple[int, ...]) -> None:
        """Tells it which ports never to answer. Raises SendRefused when it takes nothing."""
        self._link.tell(report.Neighbours(ports))

    def terminate(self) -> None:
        """Asks it to stop."""
        self._process.terminate()

    def kill(self, why: str) -> None:
        """Ends it and its group, now. `why` is a sentence for people."""
        self._why = self._why or why
        self._process.kill()

    # What the link hears

    def heard(self, told: report.FromWorker) -> None:
        """Raises WorkerBroken for what makes no sense."""
        assert self._listener is not None  # noqa: S101 - the loop has not turned before `listen`
        match told:
            case report.Ready(receive_buffer=receive_buffer):
                self._listener.ready(receive_buffer)
            case report.Batch():
                self._listener.reported(told, self._link.stored)
            case report.Done(action=action):
                question = self._questions.get(action)
                if question is not None and not question.done():
                    question.set_result(told)
            case report.Failed(message=message):
                self._refused = message
                self.hung_up()
            case report.CommandBegun():
                self._commands.begun(told)
                self._listener.command_begun(told, partial(self._recorded, told.ask))
            case report.CommandEnded():
                self._commands.ended(told)
                self._listener.command_ended(told)
            case report.KeyUsed():
                self._listener.key_used(told)
            case report.Heartbeat():
                pass  # that it came is all it says

    def _recorded(self, ask: int) -> None:
        self._commands.recorded(ask)
        self._link.recorded(ask)

    def broken(self, why: str) -> None:
        self.kill(f"The worker broke the protocol of its link and was killed. {why}")

    def hung_up(self) -> None:
        if self._leaving is None:
            self._leaving = self._loop.call_later(
                self._farewell, self.kill, "The worker left its link and did not end."
            )

    def _exited(self) -> None:
        self._link.close()
        self._last_words.close()
        exit = self._process.reap()
        if self._leaving is not None:
            self._leaving.cancel()
        for question in list(self._questions.values()):
            if not question.done():
                question.set_exception(NotRunning("The server stopped before it answered: start it and ask again."))
        assert self._listener is not None  # noqa: S101 - the loop has not turned before `listen`
        self._listener.ended(End(exit=exit, why=self._why, refused=self._refused, stderr=self._last_words.text()))


def _plan(command: tuple[str, ...], launch: Launch, link: int) -> Plan:
    start = report.Start(
        spec=msgspec.to_builtins(launch.spec),
        link=link,
        socket=launch.socket,
        next_connection=launch.next_connection,
        peers=launch.peers,
        kernel_drops=launch.kernel_drops,
        briefing=launch.briefing,
        tls=launch.tls,
    )
    return Plan(command=command, stdin=msgspec.json.encode(start), descriptors=(link, launch.socket))
