"""The write-ahead log of the messages database (SQLite): bounded, though a long read keeps it from beginning anew.

SQLite checkpoints by itself after each few megabytes; the log begins at its start again only when nobody reads from it at that moment.
It is used in the recorder's thread alone.
"""

import time
from pathlib import Path

from django.db import connections

from services.models import MESSAGES

LONG = 64 * 1024 * 1024  # bytes from which on readers are waited for, a moment
# Bytes from which on nothing more is stored until they are done; one transaction may pass it
TOO_LONG = 192 * 1024 * 1024
PATIENCE = 100  # milliseconds that one try may wait for readers
TRY_EVERY = 1.0  # seconds


class WriteAheadLog:
    """Of the database in `file`; of none when that is None (PostgreSQL)."""

    def __init__(self, file: Path | None = None) -> None:
        self._path = file.with_name(f"{file.name}-wal") if file is not None else None
        self._tried_at, self._is_read = float("-inf"), False

    def is_too_long(self) -> bool:
        """Whether nothing more should be written now. Raises django.db.Error where it cannot be begun anew."""
        if self._size() > LONG and time.monotonic() - self._tried_at >= TRY_EVERY:
            self.begin_anew()
        return self._size() > TOO_LONG

    def keep_short(self, most: int) -> None:
        """Begin it anew above `most` bytes; while somebody reads it, not at every call. Raises django.db.Error."""
        is_time = not self._is_read or time.monotonic() - self._tried_at >= TRY_EVERY
        if is_time and self._size() > most:
            self.begin_anew()

    def begin_anew(self) -> None:
        """Everything into the database, and the log's bytes back to the disk, unless somebody reads."""
        if self._path is None:
            return
        self._tried_at = time.monotonic()
        usual = int(connections[MESSAGES].settings_dict["OPTIONS"]["timeout"] * 1000)
        with connections[MESSAGES].cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PATIENCE}")
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._is_read = self._size() > 0
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {usual:d}")

    def _size(self) -> int:
        try:
            return self._path.stat().st_size if self._path is not None else 0
        except FileNotFoundError:
            return 0
