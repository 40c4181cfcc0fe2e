"""The process of a cage, as its worker holds it: spawned with a plan, told to end its command, heard, and never lost.

It knows no loop: it hands out descriptors to wait for.

    cage = Cage(plan)  # cage.out, cage.err: what the command writes; cage.status: read `news()`; cage.pidfd: `reap()`
    cage.let_go()  # the cage ends the command and all that it started, and then itself
"""

import fcntl
import marshal
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from services.servers.commands import descent
from services.servers.commands.allowed import Plan

SCRIPT = Path(__file__).with_name("cage.py")
PIPE_BYTES = 1024 * 1024  # that the kernel holds, where it lets us
ORPHANS_WITHIN = 0.2  # seconds to end what a cage left behind that was killed itself
MAX_STATUS = 4096

_cages: set[int] = set()  # pids of those that run
_orphans_are_ours = False


def adopt_orphans() -> None:
    """For a process whose children are cages, and nothing else: what a cage that was killed leaves behind is ended, too."""
    global _orphans_are_ours
    descent.adopt_orphans()
    _orphans_are_ours = True


class Cage:
    """Leader of a session of its own: when the worker's group is killed, it lives on to end the command."""

    def __init__(self, plan: Plan) -> None:
        """Spawns it. Raises OSError."""
        ends: list[int] = []
        try:
            for _ in range(4):
                ends += os.pipe()
            self.out, out, self.err, err, control, self._control, self.status, status = ends
            self._child = _popen(plan, out, err, control, status)
            self.pidfd = _pidfd(self._child)
        except OSError:
            for descriptor in ends:
                os.close(descriptor)
            raise
        for descriptor in (out, err, control, status):
            os.close(descriptor)
        for descriptor in (self.out, self.err):
            _widen(descriptor)
        for descriptor in (self.out, self.err, self.status):
            os.set_blocking(descriptor, False)
        self._rest = b""
        _cages.add(self._child.pid)

    def news(self) -> list[list[str]] | None:
        """What the cage has told since, line by line, in words (see cage.py); None when it will tell nothing more."""
        try:
            data = os.read(self.status, MAX_STATUS)
        except BlockingIOError:
            return []
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode().split() for line in lines]

    def let_go(self) -> None:
        """The end of this pipe is the cage's word to end everything. Once or often."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def kill(self) -> None:
        """For a cage that does not do its work. Its command ends with it; `reap` ends the others."""
        if self.pidfd >= 0:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def reap(self) -> None:
        """When `pidfd` is readable: the cage has ended. What it left behind, when it was killed, is ended."""
        os.close(self.pidfd)
        self.pidfd = -1
        _cages.discard(self._child.pid)
        if self._child.wait() != 0 and _orphans_are_ours:
            descent.end(ORPHANS_WITHIN, spare=_cages)


def _popen(plan: Plan, out: int, err: int, control: int, status: int) -> "subprocess.Popen[bytes]":
    scratch = tempfile.gettempdir() if plan.scratch else ""
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}  # Python may need it
    with open(os.memfd_create("plan"), "w+b") as stdin:
        stdin.write(marshal.dumps({**msgspec.structs.asdict(plan), "scratch": scratch}))
        stdin.seek(0)
        return subprocess.Popen(  # noqa: S603 - our own script; what it runs stands in the plan
            (sys.executable, "-I", "-S", str(SCRIPT), str(control), str(status)),
            stdin=stdin,
            stdout=out,
            stderr=err,
            cwd="/",
            env={"LANG": "C.UTF-8", **environment},
            pass_fds=(control, status),
            start_new_session=True,
        )


def _pidfd(child: "subprocess.Popen[bytes]") -> int:
    try:
        return os.pidfd_open(child.pid)
    except OSError:
        child.kill()
        child.wait()
        raise


def _widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # beyond what this user may have: it works with less
