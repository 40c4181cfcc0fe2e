"""What the recorder is given: each job writes its rows inside the recorder's transaction and is `done` after the commit."""

from collections.abc import Callable, Iterable

from services.books import COLUMNS, Book
from services.models import (
    Connection,
    Counters,
    Execution,
    Incident,
    Message,
    Node,
    Run,
    StateChange,
    Status,
)
from services.servers import clock
from services.supervisor.events import Heeded, Moved, RunEnded, RunStarted

KEEP_RUNS, KEEP_CHANGES = 200, 1000
PURGE_ROWS = 1000


class Job:
    """A piece of work for the recorder."""

    counts = False  # whether it changes the server's book
    waits = False  # for room on the disk; whatever keeps the panel in hand does not
    keeps_order = False  # waits behind what waits of its server
    rows = 0
    size = 0  # bytes of messages

    def __init__(self, server: int) -> None:
        self.server = server

    @property
    def must_wait(self) -> bool:
        """Whether a full disk keeps it, or may."""
        return self.waits or self.keeps_order

    def write(self, books: dict[int, Book]) -> None:
        raise TypeError(f"{type(self).__name__} does not say what it writes.")

    def done(self) -> None:
        """In the loop, after the commit."""

    def given_up(self) -> None:
        """In the loop: the database will never take it. Whoever waits for it is told as if it had, unless a job says otherwise."""
        self.done()

    def instead(self) -> "Job | None":
        """What is written in its place when the database will never take it."""
        return None

    def __str__(self) -> str:
        return type(self).__name__


class Move(Job):
    """A state change: the status, and a row of the history."""

    def __init__(self, moved: Moved) -> None:
        super().__init__(moved.server)
        self.moved = moved

    def write(self, books: dict[int, Book]) -> None:
        moved = self.moved
        StateChange.objects.create(
            server_id=moved.server, at=moved.at, old=moved.old, new=moved.new, reason=moved.reason, who=moved.who
        )
        Status.objects.update_or_create(
            server_id=moved.server,
            defaults={
                "state": moved.new,
                "reason": moved.reason,
                "since": moved.at,
                "pid": moved.pid,
                "address": moved.address,
                "run": moved.run,
                "asked": moved.asked,
                "revision": moved.revision,
                "retry_at": moved.retry_at,
            },
        )
        if moved.new == "RUNNING":
            Run.objects.filter(server_id=moved.server, number=moved.run).update(ready_at=moved.at)


class Heed(Job):
    """What was asked of a server is so already: nothing moved."""

    def __init__(self, heeded: Heeded) -> None:
        super().__init__(heeded.server)
        self.heeded = heeded

    def write(self, books: dict[int, Book]) -> None:
        heard = {"asked": self.heeded.asked, "revision": self.heeded.revision}
        Status.objects.update_or_create(
            server_id=self.server,
            defaults=heard,
            create_defaults={**heard, "state": self.heeded.state, "since": clock.now()},
        )


class BeginRun(Job):
    """A worker was spawned."""

    counts = True

    def __init__(self, started: RunStarted) -> None:
        super().__init__(started.server)
        self.started = started

    def write(self, books: dict[int, Book]) -> None:
        started, book = self.started, book_of(books, self.server)
        Run.objects.create(
            server_id=started.server,
            number=started.run,
            pid=started.pid,
            process_start=started.process_start,
            started_at=started.at,
        )
        book.last_run = max(book.last_run, started.run)
        Run.objects.filter(server_id=started.server, number__lte=started.run - KEEP_RUNS).delete()
        kept = StateChange.objects.filter(server_id=started.server).order_by("-id")[KEEP_CHANGES : KEEP_CHANGES + 1]
        for oldest in kept:
            StateChange.objects.filter(server_id=started.server, id__lte=oldest.id).delete()


class EndRun(Job):
    """A worker is gone: whatever connection it left open is closed."""

    counts = keeps_order = True

    def __init__(self, ended: RunEnded) -> None:
        super().__init__(ended.server)
        self.ended = ended

    def write(self, books: dict[int, Book]) -> None:
        ended, book = self.ended, book_of(books, self.server)
        Run.objects.filter(server_id=ended.server, number=ended.run).update(
            ended_at=ended.at, exit_code=ended.exit_code, signal=ended.signal, stderr=ended.stderr
        )
        close_open(ended.server, ended.at, book.last_seq, "the server ended")
        end_executions(ended.server, ended.at, "the server ended")
        book.open_connections = 0


def end_executions(server: int, at: int, why: str) -> None:
    """Complete every command of a server that is still recorded as running."""
    Execution.objects.filter(server_id=server, ended_at=None).update(ended_at=at, why=why)


def close_open(server: int, at: int, seq: int, why: str) -> None:
    """Close every connection of a server that is still recorded as open."""
    Connection.objects.filter(server_id=server, closed_at=None).update(closed_at=at, closed_seq=seq, why=why)


class Live(Job):
    """A sign of life of this supervisor."""

    def __init__(self, node: str, pid: int, started_at: int, version: str) -> None:
        super().__init__(0)
        self.defaults = {"pid": pid, "started_at": started_at, "version": version}
        self.node = node

    def write(self, books: dict[int, Book]) -> None:
        Node.objects.update_or_create(name=self.node, defaults={**self.defaults, "seen_at": clock.now()})


class Purge(Job):
    """One slice of a deleted server's rows; then `again` is called in the loop while there are more, `finished` at the end."""

    def __init__(self, server: int, again: Callable[[int], None], finished: Callable[[int], None]) -> None:
        super().__init__(server)
        self._again, self._finished, self._more, self._tries = again, finished, False, 0

    def write(self, books: dict[int, Book]) -> None:
        books.pop(self.server, None)
        first = Message.objects.filter(server_id=self.server).order_by("seq").values_list("seq", flat=True).first()
        self._more = first is not None
        rows = max(1, PURGE_ROWS // 4**self._tries)  # after a try that did not fit on the disk, less
        self._tries += 1
        if first is not None:
            Message.objects.filter(server_id=self.server, seq__lt=first + rows).delete()
            return
        for model in (Connection, Run, Execution, StateChange, Incident, Status, Counters):
            model.objects.filter(server_id=self.server).delete()

    def done(self) -> None:
        (self._again if self._more else self._finished)(self.server)


def book_of(books: dict[int, Book], server: int) -> Book:
    """The book of a server; a new one where its own was closed (deleted while a worker still reported)."""
    return books.setdefault(server, Book(server))


def write_books(books: Iterable[Book]) -> None:
    """Save the numbers of these books."""
    Counters.objects.bulk_create(
        [book.row() for book in books],
        update_conflicts=True,
        unique_fields=["server_id"],
        update_fields=[column for column in COLUMNS if column != "server_id"],
    )
