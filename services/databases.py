"""Both databases as files and schemas: made, migrated after a copy, judged. It knows no server and no request.

databases.prepare()             # commands that bring the panel up
databases.require_current()     # all others: one line where a migration is missing
"""

import fcntl
import filecmp
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import Error, InterfaceError, OperationalError, connections, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor

from services import advisory, disk
from services.errors import DatabaseAway, DatabaseBehind, DatabaseDamaged, SockpanelError, StoreBusy, StoreFull
from services.models import MESSAGES
from services.storage import copying, places, restoring, users, verdict

NAMES = {"default": "control", MESSAGES: "messages"}  # alias -> what people call it
OURS = frozenset({"services", "accounts"})  # apps whose migrations only a Sockpanel has
# A file that is there once both databases are: an empty one is never made in a lost one's place
MADE = "databases.made"
MIGRATION_LOCK = 0x536F636B  # PostgreSQL's advisory lock of whoever migrates
MIGRATE_WITHIN = 60  # seconds that another machine's migration may take


def prepare() -> None:
    """Make what is missing and migrate what is older, after a copy (SQLite). Raises DatabaseAway or DatabaseDamaged."""
    directory = _directory()
    disk.make_way(directory)
    with _alone():
        if restoring.is_under_way(directory):
            with users.alone(directory, within=5.0):
                restoring.finish(directory)
        users.join(directory)
        numbers = {alias: _look_at(alias) for alias in NAMES}
        _require_pair(set(numbers.values()) - {0})
        for alias in NAMES:
            with judged(alias):
                _migrate(alias)
        _mark(numbers)


def behind(aliases: Iterable[str] = tuple(NAMES)) -> list[str]:
    """The names of those databases that are not there or lack migrations. Raises DatabaseAway or DatabaseDamaged."""
    return [NAMES[alias] for alias in aliases if _is_behind(alias)]


def require_current(aliases: Iterable[str] = tuple(NAMES)) -> None:
    """Raises DatabaseBehind with the command that helps, DatabaseAway or DatabaseDamaged."""
    users.join(_directory())
    if restoring.is_under_way(_directory()):
        raise DatabaseAway("A restore was interrupted: start with manage.py up, which completes it, or restore again.")
    if names := behind(aliases):
        which = f"The {names[0]} database is" if len(names) == 1 else "The databases are"
        raise DatabaseBehind(f"{which} not there or not up to date: run manage.py up, which makes and migrates both.")


def ask() -> None:
    """Ask each database one question. Raises DatabaseAway, DatabaseBehind or DatabaseDamaged."""
    for alias, name in NAMES.items():
        file = file_of(alias)
        if file is not None and not file.exists():
            raise DatabaseAway(f"The {name} database {file} is not there: restore it, or start with manage.py up.")
        with judged(alias), connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")


def file_of(alias: str) -> Path | None:
    """The SQLite file; None for PostgreSQL, and for a test's database in memory."""
    connection = connections[alias]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(connection.settings_dict["NAME"])


def applied(alias: str) -> tuple[str, ...]:
    """The migrations that a database has, as `app.name`."""
    with judged(alias):
        return tuple(sorted(".".join(key) for key in MigrationExecutor(connections[alias]).loader.applied_migrations))


def _directory() -> Path:
    return Path(settings.SOCKPANEL_DATA_DIR)


def _look_at(alias: str) -> int:
    """Judge a file, made where there never was one: its panel's number."""
    file = file_of(alias)
    if file is None:
        return 0
    _require_not_lost(alias, file)
    if not file.exists():  # SQLite gives its own files beside it the same mode
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    return verdict.judge(NAMES[alias], file)


def _require_not_lost(alias: str, file: Path) -> None:
    """A file that was made here and is gone, or empty, was lost: whoever finds an empty panel may make himself its admin."""
    if _is_there(file) or not (_directory() / MADE).exists():
        return
    how = "is empty, and it was not" if file.exists() else "is not there, and it was"
    raise DatabaseDamaged(
        f"The {NAMES[alias]} database {file} {how}: {verdict.help_with(_directory())}. "
        f"To go on with an empty one instead, remove {_directory() / MADE}."
    )


def _is_there(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _require_pair(numbers: set[int]) -> None:
    if len(numbers) > 1:
        raise DatabaseDamaged(
            "The control and the messages database are those of two different panels: "
            f"{verdict.help_with(_directory())}."
        )


def _mark(numbers: dict[str, int]) -> None:
    """Let each file say what it is and which panel's."""
    number = max(numbers.values()) or secrets.randbelow(2**31 - 1) + 1
    for alias, has in numbers.items():
        if file_of(alias) is not None and has != number:
            with judged(alias), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                for statement in verdict.marks(NAMES[alias], number):
                    cursor.execute(statement)
    (_directory() / MADE).touch(mode=0o600)


def _is_behind(alias: str) -> bool:
    file = file_of(alias)
    if file is not None and not _is_there(file):
        _require_not_lost(alias, file)
        return True  # and asking would make an empty one
    with judged(alias):
        return bool(_missing(alias))


def _missing(alias: str) -> list[object]:
    """The migrations that the database lacks."""
    executor = MigrationExecutor(connections[alias])
    loader = executor.loader
    newer = [key for key in loader.applied_migrations if key[0] in OURS and key not in loader.disk_migrations]
    if newer:
        raise DatabaseDamaged(
            f"The {NAMES[alias]} database is from a newer Sockpanel (it has {'.'.join(newer[0])}): "
            f"install that version, or {verdict.help_with(_directory())}."
        )
    return list(executor.migration_plan(loader.graph.leaf_nodes()))


def _migrate(alias: str) -> None:
    """All missing migrations in one transaction: whoever is killed meanwhile leaves the old database."""
    if not _missing(alias):
        return
    if MigrationExecutor(connections[alias]).loader.applied_migrations:
        _copy(alias)
    connection = connections[alias]
    # SQLite's schema editor wants it, and before the transaction
    constrained = connection.disable_constraint_checking()
    try:
        with transaction.atomic(using=alias):
            advisory.take(connection, MIGRATION_LOCK, MIGRATE_WITHIN)
            call_command("migrate", database=alias, interactive=False, verbosity=0, skip_checks=True)
    finally:
        if constrained:
            connection.enable_constraint_checking()


def _copy(alias: str) -> None:
    """A whole, verified copy of an SQLite file in backups/, whose name tells the time. PostgreSQL has tools of its own for that."""
    file = file_of(alias)
    if file is None:
        return
    folder = places.backups(file.parent)
    target = folder / f"{NAMES[alias]}-{places.stamp()}.sqlite3"
    draft = target.with_suffix(".draft")
    with places.full_disk_told(folder):
        _remove_drafts(folder, alias)
        places.require_room(folder, places.size_of(file), f"The copy of the {NAMES[alias]} database before its upgrade")
        try:
            copying.copy(file, draft)
            copying.verify(draft, NAMES[alias])
            if not _is_copied(draft, folder, alias):
                places.give_to_owner(file.parent, draft)
                draft.rename(target)
                places.sync(folder)
        finally:
            _remove_drafts(folder, alias)


def _remove_drafts(folder: Path, alias: str) -> None:
    """Also those of a process that was killed: whoever copies is alone."""
    for left in folder.glob(f"{NAMES[alias]}-*.draft*"):
        left.unlink(missing_ok=True)


def _is_copied(draft: Path, folder: Path, alias: str) -> bool:
    """Whether the newest copy is the same: an upgrade that fails at each start does not fill the disk."""
    copies = sorted(folder.glob(f"{NAMES[alias]}-*.sqlite3"))
    return bool(copies) and filecmp.cmp(draft, copies[-1], shallow=False)


@contextmanager
def judged(alias: str) -> Iterator[None]:
    """A database's refusal as a sentence."""
    name = NAMES[alias]
    try:
        yield
    except InconsistentMigrationHistory as error:
        raise DatabaseDamaged(
            f"The {name} database has a history that no Sockpanel wrote ({error}): {verdict.help_with(_directory())}."
        ) from error
    except (Error, sqlite3.Error, ValueError) as error:  # ValueError: a time of a migration that is none
        raise refusal(alias, error) from error


def refusal(alias: str, error: Exception) -> SockpanelError:
    """What SQLite and PostgreSQL say of a database that is empty, closed to us, away, or none of ours."""
    reason, name, file = _reason(error), NAMES[alias], file_of(alias)
    if "no such table: django_migrations" in reason or ("relation" in reason and "does not exist" in reason):
        return DatabaseBehind(f"The {name} database is empty: run manage.py up.")
    if "permission denied" in reason:
        return DatabaseAway(
            f"The {name} database does not let this user work ({reason}): make the user of its URL its owner."
        )
    if file is not None and not verdict.is_circumstance(error):
        return verdict.damaged(name, file, reason)
    if isinstance(error, OperationalError | InterfaceError | sqlite3.OperationalError):
        return DatabaseAway(f"The {name} database does not answer ({reason}): see that it runs and can be reached.")
    return DatabaseDamaged(f"The {name} database is damaged or not ours ({reason}): restore a copy.")


def failure(error: Exception) -> SockpanelError | None:
    """What an error of either database means while the panel runs; None for one that is our own mistake."""
    if verdict.is_damage(error):
        return DatabaseDamaged(
            f"A database is damaged ({_reason(error)}): stop Sockpanel and {verdict.help_with(_directory())}."
        )
    if verdict.is_full(error):
        return StoreFull(
            "The disk is full, nothing was changed: free some space or remove old messages, and try again."
        )
    if isinstance(error, OperationalError | InterfaceError):
        return StoreBusy("The database did not answer in time: try again.")
    return None


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time; the kernel frees the lock of one that dies."""
    path = _directory() / "databases.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        places.give_to_owner(_directory(), path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
