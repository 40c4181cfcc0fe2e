"""What the recorder has still to write, in order; while there is no room on the disk, messages wait and everything else goes on.

It knows no thread and no database: the recorder holds its lock.

    backlog.put(job)
    group = backlog.take(is_open=True, rows=20_000, size=32 * 1024 * 1024)
"""

from collections import deque

from services.jobs import Job


class Backlog:
    """Two queues: what comes next, and what was passed over because it has to wait."""

    def __init__(self) -> None:
        self._next: deque[Job] = deque()
        self._held: deque[Job] = deque()
        self.held_servers: set[int] = set()

    def put(self, job: Job) -> None:
        self._next.append(job)

    def take(self, is_open: bool, rows: int, size: int) -> list[Job]:
        """Jobs for one transaction, of so many rows and bytes or little more; empty when there is nothing to do now."""
        if is_open and self._held:
            self._release()
        group: list[Job] = []
        while self._next and rows > 0 and size > 0:
            job = self._next.popleft()
            if not is_open and self._must_wait(job):
                self._hold(job)
                continue
            rows -= job.rows
            size -= job.size
            group.append(job)
        return group

    def hold(self, jobs: list[Job]) -> None:
        """The disk refused what was taken: it waits until messages may be stored, and then comes before all others."""
        for job in jobs:
            self._hold(job)

    def _must_wait(self, job: Job) -> bool:
        return job.waits or (job.keeps_order and job.server in self.held_servers)

    def _hold(self, job: Job) -> None:
        self._held.append(job)
        self.held_servers.add(job.server)

    def _release(self) -> None:
        self._next.extendleft(reversed(self._held))
        self._held.clear()
        self.held_servers.clear()

    def __bool__(self) -> bool:
        return bool(self._next)

    def __len__(self) -> int:
        return len(self._next) + len(self._held)
