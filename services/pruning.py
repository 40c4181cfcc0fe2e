"""Removing a server's older messages because a person asked for it, slice by slice between other transactions.

It knows no page: the recorder runs the job, and it queues itself again until nothing is left to go.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from services import retention
from services.books import Book
from services.jobs import Job, book_of

WITHIN = 0.02  # seconds that the slices of one transaction may take: a message may have to wait for two of them


@dataclass
class Wanted:
    """All but the newest `keep` go; `removed` counts."""

    keep: int
    again: Callable[[Job], None]
    finished: Callable[[int], None]
    removed: int = 0


class Prune(Job):
    """A few slices."""

    counts = True

    def __init__(self, server: int, wanted: Wanted) -> None:
        super().__init__(server)
        self.wanted = wanted
        self._gone, self._more, self._tries = 0, False, 0

    def write(self, books: dict[int, Book]) -> None:
        book = book_of(books, self.server)
        first = book.first_seq
        share = 4**self._tries  # after a try that did not fit on the disk, less
        self._tries += 1
        deadline = time.monotonic() + WITHIN / share
        self._more = retention.prune_to(book, self.wanted.keep, deadline, max(1, retention.SLICE // share))
        self._gone = book.first_seq - first

    def done(self) -> None:
        self.wanted.removed += self._gone
        if self._more:
            self.wanted.again(Prune(self.server, self.wanted))
        else:
            self.wanted.finished(self.wanted.removed)
