"""Both databases as one file, made while they are used. With PostgreSQL its own tools do it.

No secret that could be used is inside: passwords and tokens are hashes, who is signed in is left out, private keys stay behind.

made = backup.make(None)            # made.path
"""

import fcntl
import os
import shlex
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import connections

from services import databases
from services.errors import BackupFailed, DatabaseDamaged, SockpanelError
from services.models import MESSAGES
from services.storage import archive, copying, places, verdict
from services.storage.archive import Manifest
from services.version import VERSION

ORDER = (MESSAGES, "default")  # a message of a server that the control database does not know would be thrown away
SESSIONS = "who is signed in"
SECRETS = ("secret-key", "setup-token", "keys", "tls")  # of the data directory; what stands in the databases are hashes
DRAFT = ".sockpanel-backup-"  # how names of folders begin in which a backup is made
OURS = "sockpanel-draft"  # a file in each of them: only what has it may be removed


class Made(msgspec.Struct, frozen=True):
    """A backup."""

    path: Path
    manifest: Manifest


def make(target: Path | None) -> Made:
    """Copy both databases while they are used, check the copies, and pack them. Raises BackupFailed or DatabaseDamaged."""
    require_sqlite("pg_dump --format=custom {} --file=TARGET")
    directory = Path(settings.SOCKPANEL_DATA_DIR)
    path = _place(directory, target)
    with places.full_disk_told(path.parent), _draft(path.parent) as folder:
        files = {databases.NAMES[alias]: file_of(alias) for alias in ORDER}
        largest = max(places.size_of(file) for file in files.values())
        places.require_room(path.parent, sum(map(places.size_of, files.values())) + largest, "The backup")
        packed = folder / path.name
        manifest = _pack(packed, folder, directory)
        places.sync(packed)
        if path.parent == (directory / places.BACKUPS).absolute():
            places.give_to_owner(directory, packed)
        _publish(packed, path)
    return Made(path, manifest)


def require_sqlite(command: str) -> None:
    """PostgreSQL's own tools know it better; the password is none that a screen should show."""
    found = [alias for alias in ORDER if connections[alias].vendor == "postgresql"]
    if found:
        names = " and ".join(databases.NAMES[alias] for alias in found)
        where = " ".join(f"{name}={shlex.quote(value)}" for name, value in _address(found[0]) if value)
        raise BackupFailed(
            f"PostgreSQL holds the {names} database: use {command.format(where)} (pg_dump(1), pg_restore(1))."
        )


def _address(alias: str) -> list[tuple[str, str]]:
    words = connections[alias].settings_dict
    return [(f"--{key}", str(words[key.upper()])) for key in ("host", "port")] + [
        ("--username", str(words["USER"])),
        ("--dbname", str(words["NAME"])),
    ]


def file_of(alias: str) -> Path:
    file = databases.file_of(alias)
    if file is None:
        raise BackupFailed(f"The {databases.NAMES[alias]} database is no file: there is nothing to copy.")
    return file


def _place(directory: Path, target: Path | None) -> Path:
    """Where the backup goes; never over a file."""
    name = f"sockpanel-{places.stamp()}.tar"
    if target is None:
        return places.backups(directory) / name
    path = target / name if target.is_dir() else target
    if not path.parent.is_dir():
        raise BackupFailed(f"There is no folder {path.parent}: make it, or name another place.")
    if os.path.lexists(path):
        raise BackupFailed(f"{path} is there already, and no backup overwrites another: choose another name.")
    return path.absolute()


@contextmanager
def _draft(parent: Path) -> Iterator[Path]:
    """A folder beside the target, 0700, for what is not whole yet; it goes whatever happens, at the latest with the next one."""
    for left in parent.glob(f"{DRAFT}*/{OURS}"):
        with _locked(left.parent) as nobody_has_it:
            if nobody_has_it:
                shutil.rmtree(left.parent)
    with tempfile.TemporaryDirectory(prefix=DRAFT, dir=parent) as folder, _locked(Path(folder)):
        (Path(folder) / OURS).touch(mode=0o600)  # once it is locked: until then it is nobody's, and left alone
        yield Path(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether we could lock it; to the end of the block or of the process."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # gone meanwhile, or none that we made
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _pack(packed: Path, folder: Path, directory: Path) -> Manifest:
    made_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    with archive.Writer(packed) as writer:
        for alias in ORDER:
            name = databases.NAMES[alias]
            copied = _copied(alias, folder)
            writer.add(name, copied, migrations_in(copied))
            copied.unlink()
        left_out = tuple(name for name in SECRETS if (directory / name).exists())
        return writer.finish(made_at, (VERSION, sqlite3.sqlite_version), (*left_out, SESSIONS))


def _copied(alias: str, folder: Path) -> Path:
    """A copy of one database, every page of it read."""
    name, target = databases.NAMES[alias], folder / archive.file_of(databases.NAMES[alias])
    try:
        copying.copy(file_of(alias), target)
        copying.verify(target, name)
        if alias == "default":
            copying.forget_sessions(target)
    except sqlite3.Error as error:
        raise _failure(alias, error) from error
    except DatabaseDamaged as error:
        raise verdict.damaged(name, file_of(alias), error.message) from error
    return target


def _failure(alias: str, error: sqlite3.Error) -> SockpanelError:
    if verdict.is_circumstance(error):
        return BackupFailed(f"The {databases.NAMES[alias]} database could not be copied ({error}): look at the disk.")
    return verdict.damaged(databases.NAMES[alias], file_of(alias), str(error))


def migrations_in(file: Path) -> tuple[str, ...]:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall()
    return tuple(".".join(row) for row in rows)


def _publish(packed: Path, path: Path) -> None:
    """Give the whole file its name, unless somebody else took it meanwhile."""
    try:
        _link(packed, path)
    except FileExistsError:
        raise BackupFailed(f"{path} is there already, and no backup overwrites another: choose another name.") from None
    places.sync(path.parent)


def _link(packed: Path, path: Path) -> None:
    """Name a file anew, over nothing; a file system without links first gets an empty file of that name."""
    try:
        os.link(packed, path)
    except OSError as error:
        if error.errno not in places.NO_LINKS:
            raise
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        packed.replace(path)
