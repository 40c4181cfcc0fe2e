"""One child process and its group: spawned, signalled, waited for, and never mistaken for another.

It knows nothing of servers. A pid is only used while the child has not been reaped, so that it cannot be anybody else's.
"""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from services.supervisor.timers import Loop

ROOT = Path(__file__).resolve().parents[2]

# What a child may see of our environment: never a password, a key or the address of a database
_ALLOWED = frozenset({"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LD_PRELOAD"})
_ALLOWED_PREFIXES = ("LC_", "PYTHON", "FAKETIME")


class Plan(msgspec.Struct, frozen=True):
    """What to run, with what on its stdin and which file descriptors."""

    command: tuple[str, ...]
    stdin: bytes
    descriptors: tuple[int, ...] = ()


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


class Spawned:
    """A child that runs a command."""

    def __init__(self, plan: Plan) -> None:
        """Raises OSError when it cannot be spawned."""
        stdin = in_memory(plan.stdin)
        try:
            self._child = subprocess.Popen(  # noqa: S603 - the command is the supervisor's own, the words of people are on its stdin
                plan.command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env=environment(),
                pass_fds=plan.descriptors,
                start_new_session=True,
            )
        finally:
            os.close(stdin)
        assert self._child.stderr is not None  # noqa: S101 - a pipe was asked for
        self.pid, self.stderr = self._child.pid, self._child.stderr.fileno()

    def wait(self) -> int:
        status = self._child.wait()
        if self._child.stderr is not None:
            self._child.stderr.close()
        return status


class Process:
    """A running child, as its keeper needs it."""

    def __init__(self, child: Child) -> None:
        """Raises OSError when it cannot be held; then it is ended."""
        self._child = child
        self.pid, self.stderr = child.pid, child.stderr
        self.started = process_start(self.pid) or 0
        try:
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


def in_memory(content: bytes) -> int:
    """A descriptor of a file with that content: a pipe that the child does not read would block us."""
    descriptor = os.memfd_create("start")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def environment() -> dict[str, str]:
    """What a child sees of ours."""
    return {name: value for name, value in os.environ.items() if name in _ALLOWED or name.startswith(_ALLOWED_PREFIXES)}


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
