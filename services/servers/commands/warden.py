"""The parent inside the cage: starts the command, waits for it or for the word to end it, and leaves nothing of it behind.

Part of the cage: it uses the standard library alone, and little of it.
"""

import _signal  # type: ignore[import-not-found]  # `signal` without its enums, which cost a third of the start
import marshal
import os
import select
from types import SimpleNamespace

from services.servers.commands import confine, descent, scratch

SWEEP_WITHIN = 1.2  # seconds to end every descendant


def main(control: int, status: int) -> None:
    """From the plan on stdin to the end of the command. Whatever goes wrong is told, not written where its output goes."""
    try:
        with open(0, "rb", closefd=False) as stdin:
            plan = SimpleNamespace(**marshal.load(stdin))  # noqa: S302 - the worker, our parent, wrote it
        ended = Warden(plan, control, status).run()
    except OSError as error:
        _tell(status, f"failed cage {error.errno or 0}")
        return
    _tell(status, f"code {ended}" if ended >= 0 else f"signal {-ended}")


class Warden:
    """Around one command."""

    def __init__(self, plan: SimpleNamespace, control: int, status: int) -> None:
        self._plan, self._control, self._status = plan, control, status
        self._child = 0
        self._errors = -1
        self._ended: int | None = None  # as waitpid has it

    def run(self) -> int:
        """The exit status; a signal as a negative number. Raises OSError when there was nothing to fork with."""
        descent.adopt_orphans()
        woken = _wake_for_children()
        self._plan.scratch = scratch.make(self._plan.scratch, self._plan.user) if self._plan.scratch else ""
        try:
            self._errors = self._fork()
            self._wait(woken)
        finally:
            swept = descent.end(SWEEP_WITHIN)
            scratch.remove(self._plan.scratch, self._plan.user)
        if self._ended is None:
            self._ended = swept.get(self._child, _signal.SIGKILL)
        return os.waitstatus_to_exitcode(self._ended)

    def _fork(self) -> int:
        """The pipe on which the child tells what went wrong; its end says that the program runs."""
        errors, theirs = os.pipe()
        warden = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            confine.become(self._plan, theirs, warden)
        os.close(theirs)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # the command alone has its pipes, so that their end is its end
            os.dup2(nowhere, descriptor)
        return errors

    def _wait(self, woken: int) -> None:
        """Until the command has ended, or shall."""
        poll = select.poll()
        for descriptor in (self._errors, self._control, woken):
            poll.register(descriptor, select.POLLIN)
        while self._ended is None:
            ready = dict(poll.poll())
            if self._errors in ready:
                poll.unregister(self._errors)
                self._tell_start()
            if woken in ready:
                os.read(woken, 4096)
                self._reap()
            if self._control in ready:
                return
        if self._errors >= 0:
            self._tell_start()  # it began and ended between two looks

    def _reap(self) -> None:
        """Orphans too: until they are waited for, they count among the processes that the user may have."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._child:
                    self._ended = status
        except ChildProcessError:
            return  # nobody is left

    def _tell_start(self) -> None:
        told = os.read(self._errors, 256)  # all of it: the child writes once
        os.close(self._errors)
        self._errors = -1
        _tell(self._status, f"failed {told.decode()}" if told else "started")


def _wake_for_children() -> int:
    """A pipe that a byte comes from when a child has ended."""
    woken, wake = os.pipe()
    for descriptor in (woken, wake):
        os.set_blocking(descriptor, False)
    _signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
    return woken


def _tell(status: int, told: str) -> None:
    try:
        os.write(status, told.encode() + b"\n")
    except BrokenPipeError:
        pass  # the worker is gone
