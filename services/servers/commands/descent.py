"""All that a process has started, and what those have started: found and ended, whatever they did to get away.

Part of the cage and of its worker: it uses the standard library alone. The caller must be a child subreaper (PR_SET_CHILD_SUBREAPER,
prctl(2)), so that orphans become its children instead of leaving its sight.
"""

import _signal  # type: ignore[import-not-found]  # `signal` without its enums, which cost the cage a third of its start
import ctypes
import os
import time

Set = set[int] | frozenset[int]

_SUBREAPER = 36
_PAUSE = 0.001  # seconds between two looks at who is left

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Orphans among our descendants become our children from now on."""
    _libc.prctl(_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


def end(within: float, spare: Set = frozenset()) -> dict[int, int]:
    """End all descendants but the children in `spare` and theirs; wait status of each child that was reaped (as waitpid has it).

    First all are stopped, so that none makes new ones meanwhile. After `within` seconds it gives up.
    """
    deadline, spared = time.monotonic() + within, frozenset(spare)
    stopped: set[int] = set()
    while time.monotonic() < deadline and (news := set(_descendants(spared)) - stopped):
        _send(news, _signal.SIGSTOP)
        stopped |= news
    reaped: dict[int, int] = {}
    while time.monotonic() < deadline and (left := _descendants(spared)):
        _send(left, _signal.SIGKILL)
        if not _reap(spared, reaped):
            time.sleep(_PAUSE)
    return reaped


def _reap(spared: frozenset[int], reaped: dict[int, int]) -> bool:
    """Whether any of our children could be."""
    before = len(reaped)
    for pid in children(os.getpid()):
        if pid in spared:
            continue
        try:
            found, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
        if found:
            reaped[found] = status
    return len(reaped) > before


def _descendants(spared: frozenset[int]) -> list[int]:
    found = [pid for pid in children(os.getpid()) if pid not in spared]
    for pid in found:  # it grows while we go
        found += children(pid)
    return found


def children(pid: int) -> list[int]:
    """The children of a process; none when it has ended, for then they are somebody else's."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as listed:
                found += map(int, listed.read().split())
    except OSError:
        return found
    return found


def _send(pids: Set | list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue  # gone already
