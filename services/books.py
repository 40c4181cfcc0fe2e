"""The running numbers of each server as the recorder keeps them between two transactions: sequence, totals, what is kept.

It knows no thread; `Counters` rows are its memory across restarts.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass, field, fields

from services.models import Counters
from services.servers.report import Counted

SUMS = ("dropped", "dropped_bytes", "sent_dropped", "sent_dropped_bytes", "refused")  # reason -> number
MAX_PEERS = 1000  # datagram peers whose numbers a new worker is told


@dataclass
class Book:
    """The numbers of one server; the fields of Counters, and what only lives in memory."""

    server_id: int
    last_seq: int = 0
    first_seq: int = 1
    last_at: int | None = None
    last_connection: int = 0
    last_run: int = 0
    open_connections: int = 0
    connections: int = 0
    received: int = 0
    stored: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    sent_stored: int = 0
    sent_dropped: dict[str, int] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    kept_bytes: int = 0
    stored_bytes: int = 0
    dropped_bytes: dict[str, int] = field(default_factory=dict)
    sent_stored_bytes: int = 0
    sent_dropped_bytes: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def count(self, counted: Counted) -> None:
        """Add what a worker counted beside the messages."""
        self.received += counted.received
        self.bytes_in += counted.bytes_in
        self.sent += counted.sent
        self.bytes_out += counted.bytes_out
        for name in SUMS:
            _add(getattr(self, name), getattr(counted, name))

    def snapshot(self) -> "Book":
        book = copy.copy(self)
        for name in SUMS:
            setattr(book, name, dict(getattr(self, name)))
        return book

    def row(self) -> Counters:
        return Counters(**{name: getattr(self, name) for name in COLUMNS})

    @classmethod
    def read(cls, row: Counters) -> "Book":
        return cls(**{name: getattr(row, name) for name in COLUMNS})


COLUMNS = tuple(column.name for column in fields(Book))


@dataclass
class Allotted:
    """Numbers handed out ahead of the store: the next run, the next connection, the peers of a datagram server.

    Lives in the supervisor's loop; the Book follows once things are committed.
    """

    last_run: int = 0
    last_connection: int = 0
    peers: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def opened(self, number: int, peer: str, remember: bool) -> None:
        self.last_connection = max(self.last_connection, number)
        if remember:
            self.peers[peer] = number
            self.peers.move_to_end(peer)
            if len(self.peers) > MAX_PEERS:
                self.peers.popitem(last=False)


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for reason, number in more.items():
        total[reason] = total.get(reason, 0) + number
