"""What is kept of each server's messages: the newest rows, bytes and days, pruned in small slices between two transactions."""

import time

import msgspec
from django.db import connections, transaction

from services.books import Book
from services.jobs import write_books
from services.models import MESSAGES, Connection
from services.servers import clock

SLICE = 1000  # rows in one transaction
SLACK = 500  # rows over the cap before a slice is worth its transaction
KEEP_CONNECTIONS = 10_000
TIDY_WITHIN = 0.2  # seconds that one tidying may take
FREE_PAGES = 1000  # of a SQLite file before some are given back to the disk


class Cap(msgspec.Struct, frozen=True):
    """The most that is kept of one server; None: no bound of this sort. `age` is in seconds."""

    rows: int | None = None
    bytes: int | None = None
    age: int | None = None


def prune(books: dict[int, Book], caps: dict[int, Cap], stored: int) -> None:
    """After a transaction that stored so many rows: remove at least as many where a cap is passed."""
    slices = 1 + 2 * stored // SLICE
    for server, cap in list(caps.items()):
        book = books.get(server)
        while book and slices and _excess(book, cap, SLACK) and prune_slice(book, cap):
            slices -= 1


def tidy(books: dict[int, Book], caps: dict[int, Cap]) -> None:
    """Now and then, by age too, a slice of each server in turn until there is nothing more; free pages back to the disk."""
    deadline = time.monotonic() + TIDY_WITHIN
    left = [(books[server], cap) for server, cap in list(caps.items()) if server in books]
    while left and time.monotonic() < deadline:
        left = [
            (book, cap) for book, cap in left if (_excess(book, cap, 0) or _aged(book, cap)) and prune_slice(book, cap)
        ]
    if connections[MESSAGES].vendor == "sqlite":
        _give_back()


def _excess(book: Book, cap: Cap, slack: int) -> bool:
    kept = book.last_seq - book.first_seq + 1
    return bool(kept and ((cap.rows and kept > cap.rows + slack) or (cap.bytes and book.kept_bytes > cap.bytes)))


def _aged(book: Book, cap: Cap) -> bool:
    """Whether there may be messages that are too old."""
    return bool(cap.age and book.first_seq <= book.last_seq)


def prune_slice(book: Book, cap: Cap) -> bool:
    """Remove up to SLICE of the oldest rows that a cap does not cover. Whether any were removed."""
    before = book.snapshot()
    try:
        with transaction.atomic(using=MESSAGES):
            last = _last_to_go(book, cap)
            if last < book.first_seq:
                return False
            _remove(book, last)
            write_books([book])
    except BaseException:
        vars(book).update(vars(before))
        raise
    return True


def _last_to_go(book: Book, cap: Cap) -> int:
    """The newest `seq` of the oldest slice that has to go; first_seq - 1 when none has."""
    last = book.first_seq - 1
    end = min(book.first_seq + SLICE - 1, book.last_seq)
    if cap.rows:
        last = max(last, min(end, book.last_seq - cap.rows))
    if cap.bytes and book.kept_bytes > cap.bytes:
        last = max(last, _seq_by_bytes(book, end, book.kept_bytes - cap.bytes))
    if cap.age:
        last = max(last, _seq_by_age(book, end, clock.now() - cap.age * 1_000_000))
    return last


def _seq_by_bytes(book: Book, end: int, surplus: int) -> int:
    with connections[MESSAGES].cursor() as cursor:
        cursor.execute(
            "SELECT seq, length(data) FROM services_message WHERE server_id = %s AND seq BETWEEN %s AND %s ORDER BY seq",
            [book.server_id, book.first_seq, end],
        )
        for seq, size in cursor:
            surplus -= size
            if surplus <= 0:
                return int(seq)
    return end


def _seq_by_age(book: Book, end: int, oldest: int) -> int:
    with connections[MESSAGES].cursor() as cursor:
        cursor.execute(
            "SELECT max(seq) FROM services_message WHERE server_id = %s AND seq BETWEEN %s AND %s AND at < %s",
            [book.server_id, book.first_seq, end, oldest],
        )
        row = cursor.fetchone()
    return row[0] if row and row[0] is not None else book.first_seq - 1


def _remove(book: Book, last: int) -> None:
    span = [book.server_id, book.first_seq, last]
    where = "FROM services_message WHERE server_id = %s AND seq BETWEEN %s AND %s"
    with connections[MESSAGES].cursor() as cursor:
        cursor.execute(f"SELECT coalesce(sum(length(data)), 0) {where}", span)
        book.kept_bytes = max(0, book.kept_bytes - cursor.fetchone()[0])
        cursor.execute(f"DELETE {where}", span)
    book.first_seq = last + 1
    _old_connections(book)


def _old_connections(book: Book) -> None:
    """Closed connections go with their messages once there are very many."""
    oldest = book.last_connection - KEEP_CONNECTIONS
    if oldest > 0:
        rows = Connection.objects.filter(server_id=book.server_id, number__lte=oldest, number__gt=oldest - SLICE)
        rows.exclude(closed_at=None).delete()


def _give_back() -> None:
    with connections[MESSAGES].cursor() as cursor:
        cursor.execute("PRAGMA freelist_count")
        if cursor.fetchone()[0] > FREE_PAGES:
            cursor.execute(f"PRAGMA incremental_vacuum({FREE_PAGES // 2})").fetchall()
