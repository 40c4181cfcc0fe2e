"""Where the SQLite databases and their copies lie, and what goes wrong on the way to a disk. It knows no Django.

A database is one file and, while it is in use, a write-ahead log and its index beside it.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from services.errors import BackupFailed

BACKUPS = "backups"  # folder in the data directory
BESIDE = ("-wal", "-shm", "-journal")  # SQLite's own files beside a database
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # what a file system without hard links says
SPARE = 16 * 1024 * 1024  # bytes that a copy leaves free


def backups(data_dir: Path) -> Path:
    """The folder of copies, 0700."""
    folder = data_dir / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    give_to_owner(data_dir, folder)
    return folder


def give_to_owner(data_dir: Path, path: Path) -> None:
    """Root may work for somebody else: what it makes in a data directory belongs to whom the directory belongs."""
    if os.geteuid() == 0:
        owner = data_dir.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def stamp() -> str:
    """The time as names of files tell it: they sort by age."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"


def newest(data_dir: Path) -> Path | None:
    """The newest whole backup in its usual place."""
    found = sorted((data_dir / BACKUPS).glob("sockpanel-*.tar*"))
    return found[-1] if found else None


def beside(file: Path) -> list[Path]:
    return [file.with_name(file.name + suffix) for suffix in BESIDE]


def size_of(file: Path) -> int:
    """Bytes of a database with its log."""
    log = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (log.stat().st_size if log.exists() else 0)


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_room(folder: Path, wanted: int, what: str) -> None:
    """Raises BackupFailed where so many bytes do not fit."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        raise BackupFailed(
            f"{what} needs {mebibytes(wanted)} in {folder}, and {mebibytes(free)} are free: "
            "make room, or name another place."
        )


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """A disk without room, or without permission, as a sentence."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise BackupFailed(
            f"Nothing can be written in {folder} ({reason}): make room or see to the disk, or name another place."
        ) from error


def mebibytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f} MiB"
