"""The one writer of the messages database: a thread that stores what the workers report, many batches in one transaction.

It knows no process and no browser. What it was given is stored in the order it was given; each job's `done` is called in the loop once
its transaction is committed, and only then is anything shown or acknowledged.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from django.db import DatabaseError, OperationalError, connections, transaction

from services import retention
from services.books import Book
from services.jobs import Job, write_books
from services.models import MESSAGES

logger = logging.getLogger(__name__)

GROUP_ROWS = 20_000  # messages in one transaction at the most
RETRY = (0.1, 2.0)  # seconds before a failed transaction is tried again: first, longest
IDLE = 1.0  # seconds without work after which it tidies
CLOSE_WITHIN = 10.0  # seconds to store what is left at the end


class Recorder:
    """Takes jobs from one event loop and writes them in its own thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stored: Callable[[set[int]], None], broken: Callable[[], None]
    ) -> None:
        self.books: dict[int, Book] = {}
        self.caps: dict[int, retention.Cap] = {}
        self.trouble = ""  # why nothing is being stored; empty when all is well
        self._loop = loop
        self._stored, self._broken = stored, broken
        self._jobs: deque[Job] = deque()
        self._ready = threading.Condition()
        self._closing: float | None = None  # monotonic deadline
        self._calm = threading.Event()  # never set: a wait between two tries
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a job; bounded by what the workers may have unacknowledged."""
        with self._ready:
            self._jobs.append(job)
            self._ready.notify()

    async def close(self) -> None:
        """Store what is queued, for a few seconds at the most, and end the thread."""
        with self._ready:
            self._closing = time.monotonic() + CLOSE_WITHIN
            self._ready.notify()
        await asyncio.to_thread(self._thread.join, CLOSE_WITHIN + 5.0)

    def _run(self) -> None:
        try:
            while group := self._next_group():
                if self._store(group):
                    self._tell(self._after, group)
                self._prune(sum(job.rows for job in group))
        except Exception:
            logger.exception("The recorder has failed: this supervisor ends, so that nothing is lost in silence.")
            self._tell(self._broken)
        finally:
            connections[MESSAGES].close()

    def _next_group(self) -> list[Job]:
        """Wait for work; an empty list ends the thread."""
        while True:
            with self._ready:
                if not self._jobs and self._closing is None:
                    self._ready.wait(IDLE)
                if self._jobs:
                    return self._take()
                if self._closing is not None:
                    return []
            self._tidy()

    def _take(self) -> list[Job]:
        group, rows = [], 0
        while self._jobs and rows < GROUP_ROWS:
            job = self._jobs.popleft()
            rows += job.rows
            group.append(job)
        return group

    def _prune(self, stored: int) -> None:
        try:
            retention.prune(self.books, self.caps, stored)
        except DatabaseError as error:
            self._told(error)

    def _tidy(self) -> None:
        try:
            retention.tidy(self.books, self.caps)
        except DatabaseError as error:
            self._told(error)

    def _store(self, group: list[Job]) -> bool:
        """One transaction, tried until it is committed; False when the end came first."""
        delay = RETRY[0]
        while True:
            try:
                self._write(group)
            except OperationalError as error:
                self._told(error)
                if not self._may_wait(delay):
                    lost = sum(job.rows for job in group)
                    logger.error("%d messages could not be stored before the end: %s", lost, self.trouble)
                    return False
                delay = min(delay * 2, RETRY[1])
            except DatabaseError as error:
                self._store_apart(group, error)
                return True
            else:
                self.trouble = ""
                return True

    def _store_apart(self, group: list[Job], error: DatabaseError) -> None:
        """Something in the group cannot be stored at all: store the rest, count and report what is lost."""
        if len(group) > 1:
            for job in group:
                self._store([job])
            return
        job = group[0]
        logger.error("%s of server %d cannot be stored and is counted as dropped: %s", job, job.server, error)
        job.refused(self.books)

    def _may_wait(self, delay: float) -> bool:
        """Wait before the next try; False when the end would come first."""
        if self._closing is not None and time.monotonic() + delay > self._closing:
            return False
        self._calm.wait(delay)
        return True

    def _write(self, group: list[Job]) -> None:
        touched = {job.server for job in group if job.counts}
        before = {server: self.books[server].snapshot() for server in touched if server in self.books}
        try:
            with transaction.atomic(using=MESSAGES):
                for job in group:
                    job.write(self.books)
                write_books(self.books[server] for server in touched if server in self.books)
        except BaseException:
            self.books.update(before)
            for server in touched - before.keys():
                self.books.pop(server, None)
            raise

    def _told(self, error: Exception) -> None:
        trouble = str(error) or type(error).__name__
        if trouble != self.trouble:
            logger.error("The messages database takes no writes (%s): workers hold back until it does.", trouble)
        self.trouble = trouble
        if isinstance(error, OperationalError):
            connections[MESSAGES].close_if_unusable_or_obsolete()

    def _tell(self, callback: Callable[..., None], *words: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *words)
        except RuntimeError as error:
            logger.info("Nobody is left to be told what was stored last: %s.", error)

    def _after(self, group: list[Job]) -> None:
        for job in group:
            job.done()
        self._stored({job.server for job in group})
