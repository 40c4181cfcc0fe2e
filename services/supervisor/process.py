"""One child process and its group: signalled, waited for, and never mistaken for another.

It knows nothing of servers. A pid is only used while the child has not been reaped, so that it cannot be anybody else's.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from services.supervisor.timers import Loop


class Exit(msgspec.Struct, frozen=True):
    """How a process ended: one of the two."""

    code: int | None
    signal: int | None


class Child(Protocol):
    """A child of this process, however it came to be; leader of a session and a process group of its own."""

    pid: int
    stderr: int  # the descriptor that its stderr is read from

    def wait(self) -> int:
        """Waits for its end: its exit code, or the negative number of the signal. Called once, and frees what it held here."""


class Process:
    """A running child, as its keeper needs it."""

    def __init__(self, child: Child) -> None:
        """Raises OSError when it cannot be held; then it is ended."""
        self._child = child
        self.pid, self.stderr = child.pid, child.stderr
        try:
            self.started = process_start(self.pid) or 0
            self._pidfd = os.pidfd_open(self.pid)
        except OSError:
            self.kill()
            child.wait()
            raise

    def on_exit(self, loop: Loop, ended: Callable[[], None]) -> None:
        """Has `ended` called once, when the process has ended and before it is reaped."""

        def exited() -> None:
            loop.remove_reader(self._pidfd)
            ended()

        loop.add_reader(self._pidfd, exited)

    def terminate(self) -> None:
        """SIGTERM to the process, if it still runs."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it ended by itself just now

    def kill(self) -> None:
        """SIGKILL to its whole group. Only until it is reaped: afterwards the number may be another group's."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nobody is left in it

    def reap(self) -> Exit:
        """How it ended, after it has; frees what it held here. Whoever is left of its group is killed."""
        self.kill()
        status = self._child.wait()
        os.close(self._pidfd)
        return Exit(code=status, signal=None) if status >= 0 else Exit(code=None, signal=-status)


def process_start(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (proc(5)); None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(b")")[2].split()[19])


def signal_name(number: int) -> str:
    """`SIGKILL`, or `signal 99` where there is no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
