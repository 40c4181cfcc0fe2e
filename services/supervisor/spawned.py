"""A child process that runs a command: with an environment that tells it nothing secret, and no descriptor that is not its own.

It knows nothing of servers.

    child = Spawned(Plan(command=(sys.executable, "-m", "services.servers"), stdin=start, descriptors=(link,)))
"""

import os
import signal
import subprocess
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]

# What a child may see of our environment: never a password, a key or the address of a database
_ALLOWED = frozenset({"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LD_PRELOAD"})
_ALLOWED_PREFIXES = ("LC_", "PYTHON", "FAKETIME")


class Plan(msgspec.Struct, frozen=True):
    """What to run, with what on its stdin and which file descriptors."""

    command: tuple[str, ...]
    stdin: bytes
    descriptors: tuple[int, ...] = ()


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


def hear_of_ends() -> None:
    """Have children wait to be reaped, so that how they ended can be told, also where whoever started us ignores it (sigaction(2))."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # inherited: nothing here ignores it
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


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
