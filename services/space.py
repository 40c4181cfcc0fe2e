"""How much of the disk the messages database uses, who uses most of it, and how free pages go back to the disk.

It is used in the recorder's thread. PostgreSQL gives space back by itself (autovacuum); there the messages are added up instead.
"""

import time

from django.db import connections

from services.books import Book
from services.models import MESSAGES, Counters

ROW_BYTES = 100  # of a message beside its data, about
FREE_PAGES = 1000  # of a SQLite file that are kept for what comes next, at the most
FREE_SHARE = 50  # and no more than this part of the file
PAGES_AT_ONCE = 250
FEW_PAGES = 50  # at once where there is hardly room for the log of it


def is_over(most: int) -> bool:
    """Whether the database uses more than `most` bytes; 0: no bound."""
    return bool(most) and used() > most


def used() -> int:
    """Bytes that hold something."""
    if connections[MESSAGES].vendor != "sqlite":
        return sum(_weight(row.kept_bytes, row.first_seq, row.last_seq) for row in Counters.objects.all())
    return (_pragma("page_count") - _pragma("freelist_count")) * _pragma("page_size")


def largest(books: list[Book]) -> Book | None:
    """Whose messages take most; None when that is nobody, or a server that another supervisor has in hand."""
    mine = max(books, key=_kept, default=None)
    if mine is None or mine.first_seq > mine.last_seq:
        return None
    others = Counters.objects.exclude(pk__in=[book.server_id for book in books])
    if any(_weight(row.kept_bytes, row.first_seq, row.last_seq) > _kept(mine) for row in others):
        return None
    return mine


def give_back(deadline: float, is_full: bool = False) -> bool:
    """Free pages of a SQLite file back to the disk, a few at a time; on a full disk only a few. Whether there are more."""
    if connections[MESSAGES].vendor != "sqlite":
        return False
    spare = min(FREE_PAGES, _pragma("page_count") // FREE_SHARE)
    at_once = FEW_PAGES if is_full else PAGES_AT_ONCE
    with connections[MESSAGES].cursor() as cursor:
        while (surplus := _pragma("freelist_count") - spare) > 0:
            if time.monotonic() >= deadline:
                return True
            cursor.execute(f"PRAGMA incremental_vacuum({min(surplus, at_once):d})").fetchall()
            if is_full:
                return surplus > at_once
    return False


def _kept(book: Book) -> int:
    return _weight(book.kept_bytes, book.first_seq, book.last_seq)


def _weight(kept_bytes: int, first_seq: int, last_seq: int) -> int:
    return kept_bytes + ROW_BYTES * (last_seq - first_seq + 1)


def _pragma(name: str) -> int:
    with connections[MESSAGES].cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return int(cursor.fetchone()[0])
