"""Who has the databases of a data directory open: a lock that they share, and that a restore needs for itself. It knows no Django.

Held to the end of the process; the kernel frees the lock of one that dies.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.errors import DatabaseAway, RestoreRefused
from services.storage import places

PAUSE = 0.05  # seconds between two tries
_held: dict[Path, int] = {}  # data directory -> descriptor of the lock


def join(data_dir: Path) -> None:
    """Be one of them from now on. Raises DatabaseAway while a restore is under way."""
    if data_dir in _held:
        return
    descriptor = _open(data_dir)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DatabaseAway(f"The databases in {data_dir} are being restored: wait until that is done.") from None
    _held[data_dir] = descriptor


def leave(data_dir: Path) -> None:
    """Let go. No harm when nothing is held."""
    descriptor = _held.pop(data_dir, None)
    if descriptor is not None:
        os.close(descriptor)


@contextmanager
def alone(data_dir: Path, within: float = 0.0) -> Iterator[None]:
    """With nobody else there. Raises RestoreRefused, naming who is, after `within` seconds."""
    descriptor = _open(data_dir)
    try:
        end = time.monotonic() + within
        while not _taken(descriptor):
            if time.monotonic() >= end:
                raise RestoreRefused(
                    f"Sockpanel runs on {data_dir}{_names(descriptor)}: stop it first, then restore. Nothing was changed."
                )
            time.sleep(PAUSE)
        yield
    finally:
        os.close(descriptor)


def _open(data_dir: Path) -> int:
    path = data_dir / "databases.used"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    places.give_to_owner(data_dir, path)
    return descriptor


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _names(descriptor: int) -> str:
    """The processes that hold a lock of this file, as far as the kernel tells."""
    inode = str(os.fstat(descriptor).st_ino)
    try:
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return ""
    pids = sorted({line[4] for line in lines if "FLOCK" in line and line[5].rpartition(":")[2] == inode}, key=int)
    return f" ({', '.join(f'pid {pid}{_command(pid)}' for pid in pids)})" if pids else ""


def _command(pid: str) -> str:
    """Its first words, as people would know it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    said = " ".join(word for word in words[1:3] if word)
    return f": {said}" if said.isprintable() and said else ""
