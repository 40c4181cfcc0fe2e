"""A copy of an SQLite database while others read and write it; nobody waits for it. It knows no Django.

The copy is of one moment: the source's snapshot is held from the first page to the last, which blocks no writer in WAL mode
(without it, each commit of another process would make the copy begin anew). Meanwhile the write-ahead log cannot begin anew and grows
by what is written. The copy is flushed every few megabytes, so that a commit never waits for more than that to reach the disk.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from services.errors import DatabaseDamaged
from services.storage import places

STEP_PAGES = 1024  # copied at once: 4 MiB
FLUSH_EVERY = 4  # steps
BUSY = 20.0  # seconds to wait for a lock of the source
SESSIONS = {  # the second is of the first versions: a backup is made before their databases are migrated
    "accounts_session": "DELETE FROM accounts_session",
    "django_session": "DELETE FROM django_session",
}


def copy(source: Path, target: Path) -> None:
    """Make `target`, 0600, one file that needs no log. Raises BackupFailed, or sqlite3.Error for a source that cannot be read."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(sqlite3.connect(source, timeout=BUSY, isolation_level=None)) as giver,
        closing(sqlite3.connect(target, isolation_level=None)) as taker,
    ):
        taker.execute("PRAGMA synchronous = OFF")  # flushed below, and at the end
        giver.execute("BEGIN")
        giver.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot is of this moment
        with _Flushing(target) as flushing:
            giver.backup(taker, pages=STEP_PAGES, progress=flushing.step, sleep=0)
        giver.execute("ROLLBACK")
        taker.execute("PRAGMA journal_mode = DELETE")
    places.sync(target)


def settle(file: Path) -> None:
    """Bring what only its log has into a file that nobody else uses, and take the log away. Raises sqlite3.Error."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()


class _Flushing:
    """Keeps what is not yet on the disk small."""

    def __init__(self, path: Path) -> None:
        self._path, self._steps = path, 0

    def __enter__(self) -> "_Flushing":
        self._descriptor = os.open(self._path, os.O_RDWR)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def step(self, status: int, remaining: int, total: int) -> None:
        self._steps += 1
        if self._steps % FLUSH_EVERY == 0:
            os.fdatasync(self._descriptor)


def verify(file: Path, name: str) -> None:
    """Read every page of a copy that nobody else uses. Raises DatabaseDamaged."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        found = [str(error)]
    if found != ["ok"]:
        raise DatabaseDamaged(f"The copy {file.name} of the {name} database is damaged ({found[0]}).")


def forget_sessions(file: Path) -> None:
    """Take out who is signed in, also from the pages that the file no longer uses: a session's key lets its holder in."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for table in SESSIONS.keys() & tables:
            connection.execute(SESSIONS[table])
        connection.execute("VACUUM")
    places.sync(file)
