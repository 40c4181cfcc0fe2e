"""What is kept of the messages: the newest rows, bytes and days of each server, and so much of all. Pruned in small slices."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
from django.db import connections, transaction

from services import space
from services.books import Book
from services.jobs import write_books
from services.models import MESSAGES, Connection
from services.servers import clock

SLICE = 1000  # rows removed at once
SLACK = 500  # rows over the cap before a slice is worth its time
KEEP_CONNECTIONS = 10_000
TIDY_WITHIN = 0.1  # seconds that one tidying may take, or little more: so long may a write have to wait
PRUNE_WITHIN = 0.02  # seconds that the slices of one transaction may take
PER_ROW = 5e-6  # seconds more for each message that was stored: more must go than comes


class Cap(msgspec.Struct, frozen=True):
    """The most that is kept of one server; None: no bound of this sort. `age` is in seconds."""

    rows: int | None = None
    bytes: int | None = None
    age: int | None = None


def prune(books: dict[int, Book], caps: dict[int, Cap], stored: int, most: int = 0) -> None:
    """After a transaction that stored so many rows: remove more than that where a cap is passed, or all use over `most` bytes."""
    deadline = time.monotonic() + PRUNE_WITHIN + stored * PER_ROW
    slices = 1 + 2 * stored // SLICE
    over = [(books[server], cap) for server, cap in list(caps.items()) if server in books]
    over = [(book, cap) for book, cap in over if _excess(book, cap, SLACK)]
    if over:
        with _changing([book for book, _ in over]):
            for book, cap in over:
                while slices and time.monotonic() < deadline and _excess(book, cap, SLACK) and _slice(book, cap):
                    slices -= 1
    if slices and space.is_over(most):
        _prune_largest(_ours(books, caps), most, deadline)


def tidy(books: dict[int, Book], caps: dict[int, Cap], most: int = 0, is_full: bool = False) -> bool:
    """Now and then, by age too, a slice of each server in turn until there is nothing more; free pages back to the disk.

    Whether there may be more to do.
    """
    deadline = time.monotonic() + TIDY_WITHIN
    left = [(books[server], cap) for server, cap in list(caps.items()) if server in books]
    while left and time.monotonic() < deadline:
        left = [
            (book, cap) for book, cap in left if (_excess(book, cap, 0) or _aged(book, cap)) and prune_slice(book, cap)
        ]
    mine = _ours(books, caps)
    more = _prune_connections(mine, deadline)
    if space.is_over(most) and time.monotonic() < deadline:
        _prune_largest(mine, most, deadline)
    return space.give_back(deadline, is_full) or more or bool(left)


def _ours(books: dict[int, Book], caps: dict[int, Cap]) -> list[Book]:
    """None of a server that another node has by now. The loop may add to both meanwhile."""
    return [books[server] for server in list(caps) if server in books]


def _prune_largest(books: list[Book], most: int, deadline: float) -> None:
    """The oldest messages of whoever has most go until all fit."""
    with _changing(books):
        while time.monotonic() < deadline and space.is_over(most):
            book = space.largest(books)
            if book is None or not _slice(book, Cap(rows=max(1, book.last_seq - book.first_seq + 1 - SLICE))):
                return


def prune_to(book: Book, keep: int, deadline: float, rows: int = SLICE) -> bool:
    """Inside a transaction: remove all but the newest `keep`, `rows` at once, one slice at the least. Whether more are to go."""
    while _remove_slice(book, book.last_seq - keep, rows):
        if time.monotonic() >= deadline:
            break
    return book.last_seq - keep >= book.first_seq


def _excess(book: Book, cap: Cap, slack: int) -> bool:
    kept = book.last_seq - book.first_seq + 1
    return bool(kept and ((cap.rows and kept > cap.rows + slack) or (cap.bytes and book.kept_bytes > cap.bytes)))


def _aged(book: Book, cap: Cap) -> bool:
    """Whether there may be messages that are too old."""
    return bool(cap.age and book.first_seq <= book.last_seq)


def prune_slice(book: Book, cap: Cap) -> bool:
    """Remove up to SLICE of the oldest rows that a cap does not cover. Whether any were removed."""
    with _changing([book]):
        return _slice(book, cap)


@contextmanager
def _changing(books: Iterable[Book]) -> Iterator[None]:
    """One transaction: these books are written with what was removed, or are as they were."""
    before = [(book, book.snapshot()) for book in books]
    try:
        with transaction.atomic(using=MESSAGES):
            yield
            if changed := [book for book, was in before if book.first_seq != was.first_seq]:
                write_books(changed)
    except BaseException:
        for book, was in before:
            vars(book).update(vars(was))
        raise


def _slice(book: Book, cap: Cap) -> bool:
    return _remove_slice(book, _last_to_go(book, cap))


def _remove_slice(book: Book, last: int, rows: int = SLICE) -> bool:
    """Remove up to `rows` of the oldest, none after `last`. Whether any were removed."""
    last = min(last, book.first_seq + rows - 1, book.last_seq)
    if last < book.first_seq:
        return False
    _remove(book, last)
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


def _prune_connections(books: Iterable[Book], deadline: float) -> bool:
    """Whether there are more to go."""
    for book in books:
        while _old_connections(book):
            if time.monotonic() >= deadline:
                return True
    return False


def _old_connections(book: Book) -> bool:
    """Closed connections go once there are very many, whether they sent anything or not. Whether there are more to go."""
    oldest = book.last_connection - KEEP_CONNECTIONS
    if oldest <= 0:
        return False
    closed = Connection.objects.filter(server_id=book.server_id, number__lte=oldest).exclude(closed_at=None)
    numbers = list(closed.order_by("number").values_list("number", flat=True)[:SLICE])
    if numbers:
        Connection.objects.filter(server_id=book.server_id, number__in=numbers).delete()
    return len(numbers) == SLICE
