"""Both databases as files and schemas: made, migrated after a copy, judged. It knows no server and no request.

databases.prepare()             # commands that bring the panel up
databases.require_current()     # all others: one line where a migration is missing
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import Error, InterfaceError, OperationalError, connections
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor

from services.errors import DatabaseAway, DatabaseBehind, DatabaseDamaged, SockpanelError
from services.models import MESSAGES

NAMES = {"default": "control", MESSAGES: "messages"}  # alias -> what people call it
OURS = frozenset({"services", "accounts"})  # apps whose migrations only a Sockpanel has


def prepare() -> None:
    """Make what is missing and migrate what is older, after a copy (SQLite). Raises DatabaseAway or DatabaseDamaged."""
    with _alone():
        for alias in NAMES:
            _make_file(alias)
            with _judged(alias):
                _migrate(alias)


def behind() -> list[str]:
    """The names of the databases that are not there or lack migrations. Raises DatabaseAway or DatabaseDamaged."""
    return [name for alias, name in NAMES.items() if _is_behind(alias)]


def require_current() -> None:
    """Raises DatabaseBehind with the command that helps, DatabaseAway or DatabaseDamaged."""
    if names := behind():
        which = f"The {names[0]} database is" if len(names) == 1 else "The databases are"
        raise DatabaseBehind(f"{which} not there or not up to date: run manage.py up, which makes and migrates both.")


def ask() -> None:
    """Ask each database one question. Raises DatabaseAway, DatabaseBehind or DatabaseDamaged."""
    for alias, name in NAMES.items():
        file = _file(alias)
        if file is not None and not file.exists():
            raise DatabaseAway(f"The {name} database {file} is not there: restore it, or start with manage.py up.")
        with _judged(alias), connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")


def _is_behind(alias: str) -> bool:
    file = _file(alias)
    if file is not None and not (file.exists() and file.stat().st_size):
        return True  # and asking would make an empty one
    with _judged(alias):
        return bool(_missing(alias))


def _missing(alias: str) -> list[object]:
    """The migrations that the database lacks."""
    executor = MigrationExecutor(connections[alias])
    loader = executor.loader
    newer = [key for key in loader.applied_migrations if key[0] in OURS and key not in loader.disk_migrations]
    if newer:
        raise DatabaseDamaged(
            f"The {NAMES[alias]} database is from a newer Sockpanel (it has {'.'.join(newer[0])}): "
            "install that version, or restore a copy from before."
        )
    return list(executor.migration_plan(loader.graph.leaf_nodes()))


def _migrate(alias: str) -> None:
    if _missing(alias):
        if MigrationExecutor(connections[alias]).loader.applied_migrations:
            _copy(alias)
        call_command("migrate", database=alias, interactive=False, verbosity=0, skip_checks=True)


def _copy(alias: str) -> None:
    """A whole copy of an SQLite file in backups/, whose name tells the time. PostgreSQL has tools of its own for that."""
    file = _file(alias)
    if file is None:
        return
    folder = file.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{NAMES[alias]}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.sqlite3"
    target.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _file(alias: str) -> Path | None:
    """The SQLite file; None for PostgreSQL, and for a test's database in memory."""
    connection = connections[alias]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(connection.settings_dict["NAME"])


def _make_file(alias: str) -> None:
    """An empty file that only we may read: SQLite gives its own files beside it the same mode."""
    file = _file(alias)
    if file is not None and not file.exists():
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))


@contextmanager
def _judged(alias: str) -> Iterator[None]:
    """A database's refusal as a sentence."""
    name = NAMES[alias]
    try:
        yield
    except InconsistentMigrationHistory as error:
        raise DatabaseDamaged(
            f"The {name} database has a history that no Sockpanel wrote ({error}): restore a copy."
        ) from error
    except Error as error:
        raise _refusal(name, error) from error


def _refusal(name: str, error: Error) -> SockpanelError:
    """What SQLite and PostgreSQL say of a database that is empty, closed to us, away, or none of ours."""
    reason = _reason(error)
    if "no such table" in reason or ("relation" in reason and "does not exist" in reason):
        return DatabaseBehind(f"The {name} database is empty: run manage.py up.")
    if "permission denied" in reason:
        return DatabaseAway(
            f"The {name} database does not let this user work ({reason}): make the user of its URL its owner."
        )
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseAway(f"The {name} database does not answer ({reason}): see that it runs and can be reached.")
    return DatabaseDamaged(f"The {name} database is damaged or not ours ({reason}): restore a copy.")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time; the kernel frees the lock of one that dies."""
    descriptor = os.open(Path(settings.SOCKPANEL_DATA_DIR) / "databases.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
