"""What one server's keeper tells the observer: runs, reports and moves, each with the number of its run.

It decides nothing.
"""

from collections.abc import Callable

import msgspec

from services.servers import clock, report
from services.supervisor.events import Begun, Ended, Heeded, History, Moved, Observer, RunEnded, RunStarted
from services.supervisor.states import State
from services.supervisor.wanted import Wanted
from services.supervisor.worker import End


class Change(msgspec.Struct, frozen=True):
    """One move, as its keeper sees it."""

    old: State
    new: State
    reason: str
    who: str
    pid: int | None
    address: str
    retry_in: float | None  # seconds


class Telling:
    """The facts of one server, on their way to `observer`."""

    def __init__(self, server: int, observer: Observer) -> None:
        self.heeded = -1  # the last Wanted.asked that was
        self._server = server
        self._observer = observer
        self._run = 0
        self._told = (-1, -1)  # asked and revision that the observer knows of

    def history(self) -> History:
        """Asked anew before each run. Raises SockpanelError."""
        return self._observer.history(self._server)

    def run_started(self, run: int, pid: int, process_start: int) -> None:
        self._run = run
        self._observer.run_started(RunStarted(self._server, run, pid, process_start, clock.now()))

    def run_ended(self, end: End) -> None:
        self._observer.run_ended(
            RunEnded(self._server, self._run, clock.now(), end.exit.code, end.exit.signal, end.stderr)
        )

    def reported(self, batch: report.Batch, stored: Callable[[int], None]) -> None:
        self._observer.reported(self._server, self._run, batch, stored)

    def command_begun(self, told: report.CommandBegun, recorded: Callable[[], None]) -> None:
        self._observer.command_begun(Begun(self._server, self._run, told), recorded)

    def command_ended(self, told: report.CommandEnded) -> None:
        self._observer.command_ended(Ended(self._server, self._run, told))

    def key_used(self, told: report.KeyUsed) -> None:
        self._observer.key_used(self._server, told)

    def moved(self, change: Change, current: Wanted) -> None:
        """`change` has happened; `current` is the wish that runs, or ran last."""
        at = clock.now()
        self._told = (self.heeded, current.revision)
        self._observer.moved(
            Moved(
                server=self._server,
                old=change.old,
                new=change.new,
                reason=change.reason,
                who=change.who,
                at=at,
                pid=change.pid,
                address=change.address,
                run=self._run,
                asked=self.heeded,
                revision=current.revision,
                retry_at=None if change.retry_in is None else at + int(change.retry_in * 1_000_000),
            )
        )

    def notice(self, state: State, current: Wanted) -> None:
        """Tells of wishes that needed no move, once."""
        if self._told != (self.heeded, current.revision):
            self._told = (self.heeded, current.revision)
            self._observer.heeded(Heeded(self._server, state, *self._told))
