"""The workers of a supervisor that died: waited for, then ended, before anything binds, so that an own orphan is no bind error.

A process is known by its pid and its start time together, and held by a pidfd: nobody else is ever signalled.
"""

import asyncio
import os
import signal
from collections.abc import Iterable

from services.supervisor.process import process_start

_PIDFD_SIGNAL_PROCESS_GROUP = 4  # linux/pidfd.h, since Linux 6.9
_KILLED = 5.0  # seconds that a killed process may take to vanish


async def end_former(processes: Iterable[tuple[int, int]], timeout: float = 2.0) -> list[int]:
    """Returns once none of the (pid, process start) runs: they may leave by themselves for `timeout` seconds, then they are killed.

    The pids of those that had to be. One that may not be killed, or does not die, is left; binding its address will say so.
    """
    former = {pidfd: pid for pid, start in processes if (pidfd := _held(pid, start)) is not None}
    try:
        stubborn = await _remaining(list(former), timeout)
        for pidfd in stubborn:
            _kill(pidfd)
        await _remaining(stubborn, _KILLED)
        return [former[pidfd] for pidfd in stubborn]
    finally:
        for pidfd in former:
            os.close(pidfd)


def _held(pid: int, start: int) -> int | None:
    """A pidfd of that very process, or None when it is gone."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    if process_start(pid) == start:  # looked at after the pidfd was opened: both mean the same process
        return pidfd
    os.close(pidfd)
    return None


async def _remaining(pidfds: list[int], timeout: float) -> list[int]:
    """Those whose process still runs after at most `timeout` seconds."""
    loop = asyncio.get_running_loop()
    left = set(pidfds)
    nobody = asyncio.Event()

    def ended(pidfd: int) -> None:
        loop.remove_reader(pidfd)
        left.discard(pidfd)
        if not left:
            nobody.set()

    for pidfd in pidfds:
        loop.add_reader(pidfd, ended, pidfd)
    try:
        if left:
            await asyncio.wait_for(nobody.wait(), timeout)
    except TimeoutError:
        pass  # those who are left are told
    for pidfd in left:
        loop.remove_reader(pidfd)
    return list(left)


def _kill(pidfd: int) -> None:
    for flags in (_PIDFD_SIGNAL_PROCESS_GROUP, 0):
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL, None, flags)
            return
        except OSError:
            continue  # an older kernel knows no groups here; or it is gone, or not ours to kill
