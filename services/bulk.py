"""Many messages into the messages database at once: COPY in its binary form on PostgreSQL, statements of many rows on SQLite.

It knows no book and no transaction: the recorder calls it inside one. This runs for every message there is.

    insert_messages(server, run, first_seq, [(at, connection, peer, direction, data, size, sent_by), ...])
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from services.models import MESSAGES
from services.servers.report import MessageRow

COLUMNS = "server_id, seq, at, run, connection, peer, direction, data, size, sent_by"
TYPES = ("int8", "int8", "int8", "int8", "int8", "text", "int2", "bytea", "int8", "text")
COPY_MESSAGES = f"COPY services_message ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
# Python's sqlite3 lets go of the interpreter's lock once for each statement, and has to win it back from the supervisor's loop: rows
# that share a statement are stored 1.6 times as fast beside a busy loop, and 1.3 times beside an idle one.
ROWS_AT_ONCE = 50

# Without it sqlite3 asks every bytes object whether it can adapt itself, and formats an error because it cannot: 0.1 us a row.
sqlite3.register_adapter(bytes, bytes)


def insert_messages(server: int, run: int, first: int, messages: Sequence[MessageRow]) -> None:
    """The first of them gets the number `first`.

    Raises django.db's errors, and ValueError or OverflowError where a row holds what no column takes.
    """
    connection = connections[MESSAGES]
    if connection.vendor != "postgresql":
        _insert(connection, (server, run), first, messages)
        return
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(COPY_MESSAGES) as copy:
        copy.set_types(TYPES)
        for seq, (at, number, *rest) in enumerate(messages, first):
            copy.write_row((server, seq, at, run, number, *rest))


def _insert(connection: BaseDatabaseWrapper, same: tuple[int, int], first: int, messages: Sequence[MessageRow]) -> None:
    """Past Django's cursor, which would look through a statement of 50 rows for placeholders each time."""
    whole = len(messages) // ROWS_AT_ONCE * ROWS_AT_ONCE
    flat = chain.from_iterable
    many = [[*same, first + at, *flat(messages[at : at + ROWS_AT_ONCE])] for at in range(0, whole, ROWS_AT_ONCE)]
    single = [[*same, first + at, *messages[at]] for at in range(whole, len(messages))]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        _execute(connection.connection, INSERT_MANY, many)
        _execute(connection.connection, INSERT_ONE, single)


def _execute(database: sqlite3.Connection, statement: str, values: list[list[Any]]) -> None:
    if values:
        database.executemany(statement, values)


def _statement(rows: int) -> str:
    """What all rows share is said once: ?1 the server, ?2 the run, ?3 the first number."""
    shown = ", ".join(f"(?1, ?3 + {number}, ?, ?2, ?, ?, ?, ?, ?, ?)" for number in range(rows))
    return f"INSERT INTO services_message ({COLUMNS}) VALUES {shown}"  # noqa: S608 - only fixed text


INSERT_ONE, INSERT_MANY = _statement(1), _statement(ROWS_AT_ONCE)
