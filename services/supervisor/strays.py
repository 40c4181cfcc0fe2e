"""Processes that became our children because whoever started them ended: reaped, and ended when they outstay a short leave.

What a worker starts (commands) has a warden that ends it; who is left all the same is swept here. Linux alone tells children apart
(/proc/PID/task/TID/children, proc(5)); elsewhere nothing is adopted.
"""

import ctypes
import logging
import os
import signal
from pathlib import Path

logger = logging.getLogger(__name__)

LEAVE = 10.0  # seconds: a warden has to end its command first
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)


def adopt_orphans() -> None:
    """Orphans among our descendants become our children from now on."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


class Strays:
    """All our children but those in `known`, which forgets whoever is no child any more."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self._seen: dict[int, float] = {}  # pid -> when it must be gone (monotonic)

    def tidy(self, now: float) -> None:
        """Reap who has ended, and end who has been here too long."""
        children = _children()
        self.known.intersection_update(children)
        strays = [pid for pid in children if pid not in self.known]
        self._seen = {pid: self._seen.get(pid, now + LEAVE) for pid in strays}
        for pid, leave in self._seen.items():
            if not _reaped(pid) and now >= leave:
                logger.warning("Process %d outlived the worker that it came from: it is ended.", pid)
                _end(pid)


def _children() -> list[int]:
    found: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (thread / "children").read_text().split())
        except FileNotFoundError:
            continue  # a thread that has just ended
    return found


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _end(pid: int) -> None:
    """It is our child and has not been reaped, so the number is nobody else's."""
    os.kill(pid, signal.SIGKILL)
