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

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connections, transaction

from services import retention
from services.books import Book
from services.jobs import Job, write_books
from services.models import MESSAGES

logger = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)  # the database, not what is written: try again
UNSTORABLE = (DatabaseError, ValueError, OverflowError)  # what is written: half a character, a number too long
GROUP_ROWS = 20_000  # messages in one transaction at the most
RETRY = (0.1, 2.0)  # seconds before a failed transaction is tried again: first, longest
IDLE = 1.0  # seconds without work after which it tidies
TIDY_EVERY = 2.0  # seconds between two tidyings while there is always work
CLOSE_WITHIN = 10.0  # seconds to store what is left at the end


class Recorder:
    """Takes jobs from one event loop and writes them in its own thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stored: Callable[[set[int]], None], broken: Callable[[], None]
    ) -> None:
        self.books: dict[int, Book] = {}
        self.caps: dict[int, retention.Cap] = {}
        self.trouble = ""  # why nothing is being stored; empty when all is well
        self.failed = False  # ended by an error of its own
        self._loop = loop
        self._stored, self._broken = stored, broken
        self._jobs: deque[Job] = deque()
        self._ready = threading.Condition()
        self._closing: float | None = None  # monotonic deadline
        self._tidied = time.monotonic()
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
                self._store(group)
                self._prune(sum(job.rows for job in group))
                if time.monotonic() - self._tidied > TIDY_EVERY:
                    self._tidy()
        except Exception:
            self.failed = True
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
        except Error as error:
            self._told(error)

    def _tidy(self) -> None:
        self._tidied = time.monotonic()
        try:
            retention.tidy(self.books, self.caps)
        except Error as error:
            self._told(error)

    def _store(self, group: list[Job]) -> None:
        """One transaction, tried until it is committed, and told then; given up when the end comes first."""
        delay = RETRY[0]
        while True:
            try:
                self._write(group)
            except AWAY as error:
                self._told(error)
                if not self._may_wait(delay):
                    lost = sum(job.rows for job in group)
                    logger.error("%d messages could not be stored before the end: %s", lost, self.trouble)
                    return
                delay = min(delay * 2, RETRY[1])
            except UNSTORABLE as error:
                self._store_apart(group, error)
                return
            else:
                self.trouble = ""
                self._tell(self._after, group)
                return

    def _store_apart(self, group: list[Job], error: Exception) -> None:
        """Something in the group cannot be stored at all: store the rest, count and report what is lost."""
        if len(group) > 1:
            for job in group:
                self._store([job])
            return
        job = group[0]
        logger.error("%s of server %d cannot be stored and is counted as dropped: %s", job, job.server, error)
        if instead := job.instead():
            self._store([instead])
        self._tell(job.given_up)
        self._tell(self._stored, {job.server})

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
        if isinstance(error, AWAY):
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
