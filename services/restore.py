"""A backup put in the place of both databases, or one automatic copy in the place of its own. Nothing may run meanwhile.

found = restore.look(path)          # what it is
restore.restore(path)
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from services import backup, databases
from services.errors import BackupRefused, SockpanelError
from services.models import MESSAGES
from services.storage import archive, copying, places, restoring, users, verdict


class Found(msgspec.Struct, frozen=True):
    """What a file holds."""

    path: Path
    made_at: str  # as it says of itself
    sockpanel: str  # the version that made it; empty for an automatic copy
    databases: dict[str, int]  # name -> bytes


class Restored(msgspec.Struct, frozen=True):
    """What a restore did."""

    found: Found
    aside: Path | None  # where the former databases are
    last_entry: int | None  # of the audit that came back
    unknown: tuple[int, ...]  # servers with messages that the restored control database does not know


def look(path: Path) -> Found:
    """What a file says of itself, unchecked. Raises BackupRefused."""
    backup.require_sqlite("pg_restore --clean --if-exists {} FILE")
    if _is_database(path):
        return Found(path, path.stem.partition("-")[2], "", {_name_of(path): places.size_of(path)})
    manifest = archive.read_manifest(path)
    sizes = {name: kept.bytes for name, kept in manifest.databases.items()}
    return Found(path, manifest.made_at, manifest.sockpanel, sizes)


def restore(path: Path) -> Restored:
    """Put it in place, once it is found to be whole. Raises BackupRefused, BackupFailed or RestoreRefused."""
    found, directory = look(path), Path(settings.SOCKPANEL_DATA_DIR)
    connections.close_all()
    users.leave(directory)
    with places.full_disk_told(directory), users.alone(directory):
        if restoring.is_under_way(directory):
            restoring.finish(directory)
        with restoring.staging(directory) as folder:
            places.require_room(directory, sum(found.databases.values()), "The restore")
            _stage(found, folder)
            _require_ours(found, folder)
            last_entry, unknown = _last_entry(folder), _unknown(folder)
            staying = [backup.file_of(MESSAGES)] if unknown else []
            places.require_room(directory, sum(map(places.size_of, staying)), "What the restore keeps")
            names = [file.name for file in folder.iterdir()]
            aside = restoring.set_aside(directory, names, [file.name for file in staying])
            restoring.decide(directory, folder)
        restoring.finish(directory)
    return Restored(found, aside, last_entry, unknown)


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as content:
            return content.read(len(verdict.MAGIC)) == verdict.MAGIC
    except OSError as error:
        raise BackupRefused(f"{path} cannot be read ({error.strerror}): name a file that `backup` made.") from None


def _name_of(path: Path) -> str:
    """Which of our databases a file is."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise BackupRefused(f"{path} is damaged ({error}): choose another file.") from error
    for name, table in verdict.OURS.items():
        if table in tables:
            return name
    raise BackupRefused(f"{path} is a database, and none of a Sockpanel: choose another file.")


def _stage(found: Found, folder: Path) -> None:
    """Write the new databases into `folder` under the names of the old ones."""
    if found.sockpanel:
        archive.unpack(found.path, folder)
    else:
        _stage_one(found.path, folder / archive.file_of(next(iter(found.databases))))
    for alias, name in databases.NAMES.items():
        file = folder / archive.file_of(name)
        if file.exists():
            file.chmod(0o600)
            file.rename(folder / backup.file_of(alias).name)


def _stage_one(path: Path, target: Path) -> None:
    """One database with what only its log has, as a crash leaves it. The file itself is not touched."""
    shutil.copyfile(path, target)
    for log, beside in zip(places.beside(path), places.beside(target), strict=True):
        if log.exists() and not log.name.endswith("-shm"):  # an index, made anew from the log
            shutil.copyfile(log, beside)
    try:
        copying.settle(target)
    except sqlite3.Error as error:
        raise BackupRefused(f"{path} is damaged ({error}): choose another file.") from error


def _last_entry(folder: Path) -> int | None:
    """The number of the audit's last entry in the new control database; 0 for an audit without any."""
    new = folder / backup.file_of(next(iter(databases.NAMES))).name
    if not new.exists():
        return None
    with closing(sqlite3.connect(new)) as known:
        try:
            return int(known.execute("SELECT coalesce(max(number), 0) FROM services_auditentry").fetchone()[0])
        except (sqlite3.Error, ValueError):  # one of a version without an audit, or edited
            return None


def _unknown(folder: Path) -> tuple[int, ...]:
    """Servers with messages that stay, of which a control database in `folder` knows nothing: the next start forgets them."""
    control, messages = (backup.file_of(alias) for alias in databases.NAMES)
    new = folder / control.name
    if not new.exists() or (folder / messages.name).exists() or not messages.exists():
        return ()
    with closing(sqlite3.connect(new)) as known, closing(sqlite3.connect(messages)) as recorded:
        servers = {row[0] for row in known.execute("SELECT id FROM services_server")}
        return tuple(sorted({row[0] for row in recorded.execute("SELECT server_id FROM services_counters")} - servers))


def _require_ours(found: Found, folder: Path) -> None:
    """Each is what its name says, whole, of this version or an older one, and belongs to the other."""
    numbers = set()
    for alias, name in databases.NAMES.items():
        current, file = backup.file_of(alias), folder / backup.file_of(alias).name
        if file.exists():
            numbers.add(_judged(found, name, file))
        elif current.exists():
            numbers.add(verdict.judge(name, current))
    if len(numbers - {0}) > 1:
        raise BackupRefused(f"{found.path} belongs to another panel than what it would stand beside: choose another.")


def _judged(found: Found, name: str, file: Path) -> int:
    """A whole database's panel number."""
    try:
        copying.verify(file, name)
        number = verdict.judge(name, file)
        has = backup.migrations_in(file)
    except SockpanelError as error:
        raise BackupRefused(f"{found.path} holds a {name} database that cannot be used: {error.message}") from error
    except sqlite3.Error as error:
        raise BackupRefused(f"{found.path} holds no database of a Sockpanel ({error}): choose another file.") from error
    known = {".".join(key) for key in MigrationLoader(None).disk_migrations}
    newer = [one for one in has if one.partition(".")[0] in databases.OURS and one not in known]
    if newer:
        raise BackupRefused(
            f"{found.path} is from a newer Sockpanel (it has {newer[0]}): restore it with that version."
        )
    return number
