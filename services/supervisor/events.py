"""What the supervisor tells its observer, and what it asks of it. Frozen facts; times are microseconds since 1970, UTC."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from services.servers.report import Batch, CommandBegun, CommandEnded, KeyUsed
from services.supervisor.states import State


class Moved(msgspec.Struct, frozen=True):
    """One move of a server from state to state."""

    server: int
    old: State
    new: State
    reason: str  # a sentence for people
    who: str  # who asked; empty when it happened by itself
    at: int
    pid: int | None  # of the worker, while there is one
    address: str  # while a socket is open; else empty
    run: int  # the number of the run, or of the last one
    asked: int  # the last Wanted.asked that was heeded
    revision: int  # the Wanted.revision that runs, or ran last
    retry_at: int | None  # BACKOFF: when it is tried again


class Heeded(msgspec.Struct, frozen=True):
    """A wish was taken notice of and no move came of it: a stop of a stopped server, a change that needs no restart."""

    server: int
    state: State
    asked: int
    revision: int


class RunStarted(msgspec.Struct, frozen=True):
    """A worker was spawned."""

    server: int
    run: int
    pid: int
    process_start: int  # clock ticks since boot: with the pid, one process for sure
    at: int


class RunEnded(msgspec.Struct, frozen=True):
    """A worker ended; everything it told before has been reported."""

    server: int
    run: int
    at: int
    exit_code: int | None
    signal: int | None
    stderr: str  # its last lines, hostile bytes made visible


class History(msgspec.Struct, frozen=True):
    """Where the numbers of a server stand, asked before each start of a worker."""

    next_run: int = 1
    next_connection: int = 1
    peers: dict[str, int] = {}  # datagram peers seen before: address -> connection number


class Begun(msgspec.Struct, frozen=True):
    """A command is about to run on a remote-command server, and waits until it is written down."""

    server: int
    run: int
    told: CommandBegun


class Ended(msgspec.Struct, frozen=True):
    """It ended."""

    server: int
    run: int
    told: CommandEnded


class Observer(Protocol):
    """Who is told. Called in the supervisor's loop: nothing here may block or raise, except where it says so."""

    def history(self, server: int) -> History:
        """May raise SockpanelError: the server is tried again later."""

    def moved(self, moved: Moved) -> None: ...

    def heeded(self, heeded: Heeded) -> None: ...

    def run_started(self, started: RunStarted) -> None: ...

    def run_ended(self, ended: RunEnded) -> None: ...

    def reported(self, server: int, run: int, batch: Batch, stored: Callable[[int], None]) -> None:
        """Call `stored(batch.number)`, in the same loop, once the batch is committed; later than the run's end does no harm."""

    def command_begun(self, begun: Begun, recorded: Callable[[], None]) -> None:
        """Call `recorded()`, in the same loop, once it is committed; never when that fails."""

    def command_ended(self, ended: Ended) -> None: ...

    def key_used(self, server: int, used: KeyUsed) -> None: ...
