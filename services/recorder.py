"""The one writer of the messages database: a thread that stores what the workers report, many batches in one transaction.

It knows no process and no browser. What it was given is stored in the order it was given; each job's `done` is called in the loop once
its transaction is committed, and only then is anything shown or acknowledged.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connections, transaction

from services import databases, retention
from services.backlog import Backlog
from services.books import Book
from services.errors import DatabaseAway, DatabaseDamaged
from services.holding import APPETITE, Hold
from services.jobs import Job, write_books
from services.models import MESSAGES, Counters
from services.storage import verdict

logger = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)  # the database, not what is written: try again
UNSTORABLE = (DatabaseError, ValueError, OverflowError)  # what is written: half a character, a number too long
GROUP_ROWS = 20_000  # messages in one transaction at the most
RETRY = (0.1, 2.0)  # seconds before a failed transaction is tried again: first, longest
IDLE = 1.0  # seconds without work after which it tidies
HELD = 0.25  # the same while messages are held
TIDY_EVERY = 2.0  # seconds between two tidyings while there is always work
CLOSE_WITHIN = 10.0  # seconds to store what is left at the end


class Recorder:
    """Takes jobs from one event loop and writes them in its own thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stored: Callable[[set[int]], None],
        broken: Callable[[], None],
        hold: Hold | None = None,
        troubled: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`troubled` is told, in the loop, why nothing is being stored, a code and a sentence; then "" when all is well."""
        self.books: dict[int, Book] = {}
        self.caps: dict[int, retention.Cap] = {}
        self.most = 0  # bytes of the whole database; 0: no bound
        self.trouble = ""  # why nothing is being stored; empty when all is well
        self.failed = False  # ended by an error of its own
        self._loop = loop
        self._stored, self._broken, self._troubled = stored, broken, troubled
        self._hold = hold or Hold()
        self._said = ""  # to `troubled`
        self._backlog = Backlog()
        self._group_bytes = APPETITE  # less after the disk refused a group
        self._has_more = self._is_damaged = False  # to tidy; the database
        self._meant: dict[int, Book] = {}  # as a commit that failed would have left the books
        self._is_doubtful = False  # a transaction failed: what the books hold is what is in the database?
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
            self._backlog.put(job)
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
                self._wait_with(self._store(group))
                self._prune(sum(job.rows for job in group))
                if time.monotonic() - self._tidied > TIDY_EVERY:
                    self._tidy()
        except Exception:
            self.failed = True
            logger.exception("The recorder has failed: this supervisor ends, so that nothing is lost in silence.")
            self._tell(self._broken)
        finally:
            connections[MESSAGES].close()

    def _wait_with(self, left: list[Job]) -> None:
        if left:
            with self._ready:
                self._backlog.hold(left)

    def _next_group(self) -> list[Job]:
        """Wait for work; an empty list ends the thread."""
        while True:
            is_open = self._hold.look()
            self._say()
            with self._ready:
                if not self._backlog and self._closing is None:
                    self._ready.wait(0 if self._has_more else IDLE if is_open else HELD)
                group = self._backlog.take(
                    is_open or self._closing is not None, GROUP_ROWS, min(self._group_bytes, self._hold.appetite)
                )
                news = [] if is_open else self._hold.news(self._backlog.held_servers)
            if self._is_late():
                logger.error("%d jobs are left at the end and are not stored.", len(group) + len(self._backlog))
                return []
            if group or news:
                return group + news
            if self._closing is not None:
                return []
            self._tidy()

    def _is_late(self) -> bool:
        """Whether the time for what is left is over, and there is still something."""
        return self._closing is not None and time.monotonic() > self._closing and bool(self._backlog)

    def _prune(self, stored: int) -> None:
        try:
            retention.prune(self.books, self.caps, stored, self.most)
        except Error as error:
            self._is_doubtful = True
            self._told(error)

    def _tidy(self) -> None:
        self._tidied = time.monotonic()
        try:
            self._has_more = retention.tidy(self.books, self.caps, self.most, not self._hold.is_open)
            self._hold.tidied()
        except Error as error:
            self._has_more, self._is_doubtful = False, True
            self._told(error)

    def _store(self, group: list[Job]) -> list[Job]:
        """One transaction, tried until it is committed and told, or the end comes. Gives back what has to wait for room."""
        delay, left = RETRY[0], list[Job]()
        while True:
            try:
                if not self._was_committed():
                    self._write(group)
            except (*AWAY, *UNSTORABLE) as error:
                if not _holds_back(error):
                    return left + self._store_apart(group, error)
                self._told(error)
                if self._hold.refused(error) and not left:
                    left, group = self._pass_over(group)
                    if not group:
                        return left
                if not self._may_wait(delay):
                    lost = sum(job.rows for job in group)
                    logger.error("%d messages could not be stored before the end: %s", lost, self.trouble)
                    return left
                delay = min(delay * 2, RETRY[1])
            else:
                self.trouble = ""
                self._group_bytes = min(2 * self._group_bytes, APPETITE)
                self._tell(self._after, group)
                return left

    def _pass_over(self, group: list[Job]) -> tuple[list[Job], list[Job]]:
        """The disk is full: what has to wait, and what is tried again at once. At the end everything is."""
        self._say()
        if self._closing is not None:
            return [], group
        self._group_bytes = max(1, self._group_bytes // 4)
        return [job for job in group if job.must_wait], [job for job in group if not job.must_wait]

    def _store_apart(self, group: list[Job], error: Exception) -> list[Job]:
        """Something in the group cannot be stored at all: store the rest, count what is lost. Gives back what has to wait."""
        left: list[Job] = []
        if len(group) > 1:
            for job in group:
                left += [job] if left and job.must_wait else self._store([job])
            return left
        job = group[0]
        logger.error("%s of server %d cannot be stored and is counted as dropped: %s", job, job.server, error)
        if instead := job.instead():
            left = self._store([instead])
        self._tell(job.given_up)
        self._tell(self._stored, {job.server})
        return left

    def _may_wait(self, delay: float) -> bool:
        """Wait before the next try; False when the end would come first."""
        if self._closing is not None and time.monotonic() + delay > self._closing:
            return False
        self._calm.wait(delay)
        return True

    def _write(self, group: list[Job]) -> None:
        touched = {job.server for job in group if job.counts}
        before = {server: self.books[server].snapshot() for server in touched if server in self.books}
        meant: dict[int, Book] = {}
        try:
            with transaction.atomic(using=MESSAGES):
                for job in group:
                    job.write(self.books)
                written = {server: self.books[server] for server in touched if server in self.books}
                write_books(written.values())
                meant = written
        except BaseException:
            self._meant = {server: book for server, book in meant.items() if book != before.get(server)}
            self._is_doubtful = True
            self.books.update(before)
            for server in touched - before.keys():
                self.books.pop(server, None)
            raise

    def _was_committed(self) -> bool:
        """After a failure: whether the last commit was made all the same, and only its answer was lost. The database has the say."""
        if not self._is_doubtful:
            return False
        rows = Counters.objects.filter(pk__in=[*self.books, *self._meant])
        found = {row.pk: Book.read(row) for row in rows}
        meant, self._meant, self._is_doubtful = self._meant, {}, False
        self.books.update(found)
        return bool(meant) and all(found.get(server) == book for server, book in meant.items())

    def _told(self, error: Exception) -> None:
        self._is_damaged = verdict.is_damage(error)
        trouble = databases.refusal(MESSAGES, error).message if self._is_damaged else str(error) or type(error).__name__
        if trouble != self.trouble:
            logger.error("The messages database takes no writes (%s): workers hold back until it does.", trouble)
        self.trouble = trouble
        self._say()
        if _holds_back(error):
            connections[MESSAGES].close_if_unusable_or_obsolete()

    def _say(self) -> None:
        """Tell what is wrong, once."""
        said = self._hold.why
        if self.trouble and not said:
            code = DatabaseDamaged.code if self._is_damaged else DatabaseAway.code
            said = f"{code} The messages database takes no writes ({self.trouble}): workers hold back until it does."
        if said != self._said:
            self._said = said
            self._tell(self._troubled, said)

    def _tell(self, callback: Callable[..., None], *words: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *words)
        except RuntimeError as error:
            logger.info("Nobody is left to be told what was stored last: %s.", error)

    def _after(self, group: list[Job]) -> None:
        for job in group:
            job.done()
        self._stored({job.server for job in group})


def _holds_back(error: Exception) -> bool:
    """Whether the database is at fault, and not what is written."""
    return isinstance(error, AWAY) or verdict.is_damage(error)
