"""Many messages into the messages database at once: COPY in its binary form on PostgreSQL, statements of many rows on SQLite.

It knows no book and no transaction: the recorder calls it inside one.

    insert_messages([(server, seq, at, run, connection, peer, direction, data, size, sent_by), ...])
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.db import connections
from django.db.backends.utils import CursorWrapper

from services.models import MESSAGES

MessageTuple = tuple[int, int, int, int, int, str, int, bytes, int, str]

COLUMNS = "server_id, seq, at, run, connection, peer, direction, data, size, sent_by"
TYPES = ("int8", "int8", "int8", "int8", "int8", "text", "int2", "bytea", "int8", "text")
COPY_MESSAGES = f"COPY services_message ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
# Python's sqlite3 lets go of the interpreter's lock once for each statement, and has to win it back from the supervisor's loop: rows
# that share a statement are stored 1.6 times as fast beside a busy loop, and 1.3 times beside an idle one.
ROWS_AT_ONCE = 50
FIELDS = len(TYPES)


def insert_messages(rows: Sequence[MessageTuple]) -> None:
    """Raises django.db's errors, and ValueError or OverflowError where a row holds what no column takes."""
    connection = connections[MESSAGES]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            _insert(cursor, rows)
            return
        with connection.wrap_database_errors, cursor.copy(COPY_MESSAGES) as copy:
            copy.set_types(TYPES)
            for row in rows:
                copy.write_row(row)


def _insert(cursor: CursorWrapper, rows: Sequence[MessageTuple]) -> None:
    values: list[Any] = list(chain.from_iterable(rows))
    whole = len(rows) // ROWS_AT_ONCE * ROWS_AT_ONCE * FIELDS
    width = ROWS_AT_ONCE * FIELDS
    cursor.executemany(INSERT_MANY, [values[start : start + width] for start in range(0, whole, width)])
    cursor.executemany(INSERT_ONE, [values[start : start + FIELDS] for start in range(whole, len(values), FIELDS)])


def _statement(rows: int) -> str:
    row = f"({', '.join(['%s'] * FIELDS)})"
    return f"INSERT INTO services_message ({COLUMNS}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - only fixed text


INSERT_ONE, INSERT_MANY = _statement(1), _statement(ROWS_AT_ONCE)
