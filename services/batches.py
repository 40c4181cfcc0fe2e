"""What the recorder does with a worker's batch: messages, connections and incidents become rows, the rest is counted.

It knows no transaction and no thread: the recorder calls `write` inside one and `done` after it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections

from services import bulk, tls_columns
from services.books import Book
from services.jobs import Job, book_of
from services.models import MESSAGES, Incident
from services.servers import report
from services.servers.report import Batch, Counted, MessageRow

# A datagram peer that an earlier run knew is opened again under its old number.
OPEN_CONNECTION = (
    "INSERT INTO services_connection (server_id, number, run, peer, opened_at, opened_seq, last_at, "
    "tls_version, tls_cipher, tls_name, tls_client, tls_client_sha256, why, received, bytes_in, sent, bytes_out) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', 0, 0, 0, 0) "
    "ON CONFLICT (server_id, number) DO UPDATE SET run = excluded.run, closed_at = NULL, closed_seq = NULL, why = ''"
)
KEEP_INCIDENTS = 1000
FEW = 100  # messages that are added up one by one
MANY_BYTES = 1024 * 1024


class StoreBatch(Job):
    """A worker's batch: messages, connections, totals."""

    counts = waits = True

    def __init__(self, server: int, run: int, batch: Batch, stored: Callable[[int], None]) -> None:
        super().__init__(server)
        self.run, self.batch, self._stored = run, batch, stored
        self.rows = len(batch.messages)
        self.size = _size(batch.messages)

    def done(self) -> None:
        self._stored(self.batch.number)

    def instead(self) -> Job:
        return CountBatch(self.server, self.batch)

    def write(self, books: dict[int, Book]) -> None:
        book = book_of(books, self.server)
        if self.batch.opened:
            self._open(book)
        if self.batch.messages:
            self._messages(book)
        if self.batch.touched:
            self._touch()
        if self.batch.closed:
            self._close(book)
        if self.batch.incidents:
            note_incidents(self.server, self.batch.incidents)
        book.count(self.batch.counted)
        book.open_connections = self.batch.open_connections

    def _messages(self, book: Book) -> None:
        messages = self.batch.messages
        bulk.insert_messages(self.server, self.run, book.last_seq + 1, messages)
        outgoing, sent_bytes, all_bytes = _sums(messages)
        book.last_seq += len(messages)
        book.last_at = messages[-1][0]
        book.stored += len(messages) - outgoing
        book.stored_bytes += all_bytes - sent_bytes
        book.sent_stored += outgoing
        book.sent_stored_bytes += sent_bytes
        book.kept_bytes += sum(len(row[4]) for row in messages)

    def _open(self, book: Book) -> None:
        opened = self.batch.opened
        with connections[MESSAGES].cursor() as cursor:
            cursor.executemany(
                OPEN_CONNECTION,
                [
                    (
                        self.server,
                        o.number,
                        self.run,
                        o.peer[:255],
                        o.at,
                        book.last_seq,
                        o.at,
                        *tls_columns.columns(o.tls),
                    )
                    for o in opened
                ],
            )
        book.connections += len(opened)
        book.last_connection = max(book.last_connection, *(o.number for o in opened))

    def _touch(self) -> None:
        self._update(
            "SET last_at = %s, received = received + %s, bytes_in = bytes_in + %s, "
            "sent = sent + %s, bytes_out = bytes_out + %s",
            [
                (t.last_at, t.received, t.bytes_in, t.sent, t.bytes_out, self.server, t.number)
                for t in self.batch.touched
            ],
        )

    def _close(self, book: Book) -> None:
        self._update(
            "SET closed_at = %s, closed_seq = %s, why = %s",
            [(c.at, book.last_seq, c.why[:255], self.server, c.number) for c in self.batch.closed],
        )

    def _update(self, change: str, rows: list[tuple[Any, ...]]) -> None:
        with connections[MESSAGES].cursor() as cursor:
            cursor.executemany(f"UPDATE services_connection {change} WHERE server_id = %s AND number = %s", rows)


class CountBatch(Job):
    """The totals of a batch whose messages cannot be stored: they count as dropped."""

    counts = waits = True

    def __init__(self, server: int, batch: Batch) -> None:
        super().__init__(server)
        self.batch = batch

    def write(self, books: dict[int, Book]) -> None:
        messages = self.batch.messages
        outgoing, sent_bytes, all_bytes = _sums(messages)
        book = book_of(books, self.server)
        book.count(self.batch.counted)
        book.count(
            Counted(
                dropped=_if_any(len(messages) - outgoing),
                dropped_bytes=_if_any(all_bytes - sent_bytes),
                sent_dropped=_if_any(outgoing),
                sent_dropped_bytes=_if_any(sent_bytes),
            )
        )
        book.open_connections = self.batch.open_connections


def _if_any(number: int) -> dict[str, int]:
    return {"unstorable": number} if number else {}


def _size(messages: list[MessageRow]) -> int:
    """Bytes, if only about: a batch of many messages holds a mebibyte (services.servers.reporter)."""
    return sum(row[5] for row in messages) if len(messages) <= FEW else MANY_BYTES


def _sums(messages: list[MessageRow]) -> tuple[int, int, int]:
    """How many go out, their bytes, and the bytes of all."""
    outgoing = sum(row[3] for row in messages)
    sent_bytes = sum(row[5] for row in messages if row[3]) if outgoing else 0
    return outgoing, sent_bytes, sum(row[5] for row in messages)


def note_incidents(server: int, incidents: Iterable[report.Incident]) -> None:
    """Write down what a server refused or slowed down; the newest are kept."""
    rows = [
        Incident(
            server_id=server, at=one.at, rule=one.rule[:16], source=one.source[:255], what=one.what, count=one.count
        )
        for one in incidents
    ]
    Incident.objects.bulk_create(rows)
    newest = Incident.objects.filter(server_id=server).order_by("-id").values_list("id", flat=True)
    oldest = newest[KEEP_INCIDENTS : KEEP_INCIDENTS + 1].first()
    if oldest is not None:
        Incident.objects.filter(server_id=server, id__lte=oldest).delete()
