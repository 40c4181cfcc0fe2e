"""Processes that became our children because whoever started them ended: reaped, and ended when they outstay a short leave.

What a worker starts (commands) has a warden that ends it; who is left all the same is swept here. Orphans may be none of our business,
too: those of a whole container come to its process 1, and children that were here before us may have children. Where either can be,
orphans are reaped and nothing more. Linux alone tells children apart (/proc/PID/task/TID/children, proc(5)).
"""

import ctypes
import logging
import os
from pathlib import Path

from services.servers.commands import descent
from services.supervisor.former import end_former
from services.supervisor.process import process_start

logger = logging.getLogger(__name__)

LEAVE = 10.0  # seconds: a warden has to end its command first
LAST_LEAVE = 2.0  # the same when we end
_END_WITHIN = 0.2  # seconds that the supervisor stands still for at the most
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)


def adopt_orphans() -> None:
    """Orphans among our descendants become our children from now on. Raises OSError where the system does not do that."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Strays:
    """All our children but those in `known`: there when this was made, or put in since. Raises OSError, as all here."""

    def __init__(self) -> None:
        self.known = set(_children())
        self._are_ours = os.getpid() != 1 and not self.known  # every orphan comes from a worker
        self._leave: float | None = None  # when all of them must be gone (monotonic)

    def tidy(self, now: float) -> None:
        """Reap who has ended, and end who has been here too long."""
        self.known = set(filter(_is_child, self.known))
        strays = self._found()
        left = [pid for pid in strays if not _reaped(pid)]
        if not strays or not self._are_ours:
            self._leave = None
            return
        if self._leave is None:
            self._leave = now + LEAVE  # of all: whoever forks before its own leave is over gains nothing
        if now >= self._leave:
            logger.warning("Processes that outlived the worker that they came from are ended: %s.", left or strays)
            descent.end(_END_WITHIN, spare=self.known)
            self._leave = now + LEAVE  # who cannot be ended is tried again then

    async def sweep(self) -> None:
        """Returns when they are gone: by themselves within a short leave, else they are ended."""
        strays = [pid for pid in self._found() if not _reaped(pid)]
        if strays and self._are_ours:
            await end_former([(pid, process_start(pid) or 0) for pid in strays], LAST_LEAVE)
            descent.end(_END_WITHIN, spare=self.known)

    def _found(self) -> list[int]:
        """Those who have ended are among them, until they are reaped."""
        return [pid for pid in _children() if pid not in self.known]


def _children() -> list[int]:
    """Now and then one is missing: the kernel makes the list while others end (proc(5))."""
    found: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that has just ended
    return found


def _is_child(pid: int) -> bool:
    """Whether it is a child of ours, running or not yet reaped."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
