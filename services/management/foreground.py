"""A server in the foreground of a terminal: supervised as always, its messages printed as they come, nothing recorded.

It knows no database.
"""

import asyncio
from collections.abc import Callable

from services import panel_port, terminal
from services.management.printer import Printer
from services.servers.report import IN, Batch, KeyUsed, MessageRow
from services.servers.spec import ServerSpec
from services.supervisor.events import Begun, Ended, Heeded, History, Moved, RunEnded, RunStarted
from services.supervisor.states import AT_REST, State
from services.supervisor.supervisor import Supervisor
from services.supervisor.wanted import Wanted

ONLY = 1  # the number of the one server
KEYS = {  # nothing is known here of whose they are
    "session": "the key of a session of Sockpanel, which is not shown: sign out of it",
    "token": "a token of Sockpanel, which is not shown: revoke it",
}


class Foreground:
    """The supervisor's observer: prints, and acknowledges at once."""

    def __init__(self, spec: ServerSpec, hint: str, printer: Printer, over: asyncio.Event) -> None:
        self.failure = ""  # why it could not serve, as a sentence
        self._spec = spec
        self._hint = hint
        self._printer = printer
        self._over = over
        self._run = self._connection = 0
        self._received = self._sent = 0
        self._peers: dict[str, int] = {}

    def history(self, server: int) -> History:
        self._run += 1
        return History(self._run, self._connection + 1, dict(self._peers))

    def moved(self, moved: Moved) -> None:
        if moved.new == State.RUNNING:
            self._printer.line(
                f"{self._spec.name} serves on {self._spec.transport} {terminal.plain(moved.address)}; Ctrl-C ends it."
            )
            if self._hint:
                self._printer.line(self._hint)
        elif moved.new == State.FATAL:
            self.failure = moved.reason
        elif moved.new in (State.BACKOFF, State.EXITED):
            self._printer.line(f"{self._spec.name}: {terminal.plain(moved.reason)}")
        if moved.new in AT_REST:
            self._over.set()

    def heeded(self, heeded: Heeded) -> None:
        """Nothing moved: nothing to say."""

    def run_started(self, started: RunStarted) -> None:
        """The move to RUNNING says it."""

    def run_ended(self, ended: RunEnded) -> None:
        for line in ended.stderr.splitlines():
            self._printer.line(f"  worker: {terminal.plain(line)}")

    def reported(self, server: int, run: int, batch: Batch, stored: Callable[[int], None]) -> None:
        for opened in batch.opened:
            self._connection = max(self._connection, opened.number)
            self._remember(opened.peer, opened.number)
            self._printer.line(f"{terminal.clock(opened.at)} ++ #{opened.number} {terminal.plain(opened.peer)} opened")
        for row in batch.messages:
            self._message(row)
        for key in batch.exposed:
            self._printer.line(
                f"{terminal.clock(key.at)} !! #{key.connection} {terminal.plain(key.peer)} sent {KEYS[key.kind]}"
            )
        for closed in batch.closed:
            self._printer.line(f"{terminal.clock(closed.at)} -- #{closed.number} {terminal.plain(closed.why)}")
        self._received += batch.counted.received
        self._sent += batch.counted.sent
        stored(batch.number)

    def command_begun(self, begun: Begun, recorded: Callable[[], None]) -> None:
        """Nothing can be written down here: the command is refused when its time is over."""

    def command_ended(self, ended: Ended) -> None:
        """It never began."""

    def key_used(self, server: int, used: KeyUsed) -> None:
        """No key is known here."""

    def _message(self, row: MessageRow) -> None:
        if self._printer.is_full:  # then not even the time to make the line is spent
            self._printer.left_out(1)
            return
        at, connection, peer, direction, data, size, _ = row
        self._printer.line(terminal.message(at, connection, peer, "in" if direction == IN else "out", size, data))

    def _remember(self, peer: str, number: int) -> None:
        """A datagram peer keeps its number in the next run of the worker."""
        if not self._spec.is_stream:
            self._peers[peer] = number
            while len(self._peers) > 1000:
                del self._peers[next(iter(self._peers))]

    def summary(self) -> str:
        return f"{self._spec.name} ended: received {self._received:,}, sent {self._sent:,}."


async def serve(spec: ServerSpec, hint: str, stop: asyncio.Event) -> str:
    """Run `spec` until `stop` is set or it ends by itself. Returns why it could not serve, as a sentence; "" when all is well."""
    printer = Printer(gone=stop)
    foreground = Foreground(spec, hint, printer, stop)
    supervisor = Supervisor(foreground, opener=panel_port.open_socket)
    try:
        await supervisor.reconcile([Wanted(id=ONLY, spec=spec, running=True, restart="on-failure", asked=1)])
        await stop.wait()
    finally:
        await supervisor.close()
        if not foreground.failure:
            printer.line(foreground.summary())
        printer.close()
    return foreground.failure
