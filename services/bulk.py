"""Many messages into the messages database at once: executemany on SQLite, COPY in its binary form on PostgreSQL.

It knows no book and no transaction: the recorder calls it inside one.

    insert_messages([(server, seq, at, run, connection, peer, direction, data, size, sent_by), ...])
"""

from collections.abc import Sequence

from django.db import connections

from services.models import MESSAGES

MessageTuple = tuple[int, int, int, int, int, str, int, bytes, int, str]

COLUMNS = "server_id, seq, at, run, connection, peer, direction, data, size, sent_by"
TYPES = ("int8", "int8", "int8", "int8", "int8", "text", "int2", "bytea", "int8", "text")
INSERT_MESSAGE = f"INSERT INTO services_message ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - only fixed text
COPY_MESSAGES = f"COPY services_message ({COLUMNS}) FROM STDIN (FORMAT BINARY)"


def insert_messages(rows: Sequence[MessageTuple]) -> None:
    """Raises django.db's errors, and ValueError or OverflowError where a row holds what no column takes."""
    connection = connections[MESSAGES]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(INSERT_MESSAGE, rows)
            return
        with connection.wrap_database_errors, cursor.copy(COPY_MESSAGES) as copy:
            copy.set_types(TYPES)
            for row in rows:
                copy.write_row(row)
