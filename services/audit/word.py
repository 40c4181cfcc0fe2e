"""The word that a restore leaves for the next start, whose audit is another one: a file in the data directory. It writes no entry.

with leaving(data_dir, {"who": "root", "file": "/b.tar"}) as more: # the restore
    more[LAST] = 812
found = read(data_dir)                                             # at the next start; {} where no restore left any
take_away(data_dir)
"""

import contextlib
import json
import logging
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.errors import SockpanelError
from services.storage import places

FILE = "audit.restored"
LAST = "last_entry"  # the number of the last entry that came back
MAX_BYTES = 64 * 1024
_UNKNOWN = "unknown"

logger = logging.getLogger(__name__)


@contextmanager
def leaving(data_dir: Path, words: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Leave it before the restore, and with what is known afterwards once more; not when nothing came of it."""
    before, more = read(data_dir), dict[str, object]()
    _write(data_dir, words)
    try:
        yield more
    except SockpanelError:
        _write(data_dir, before) if before else take_away(data_dir)
        raise
    with contextlib.suppress(SockpanelError):  # the first one says enough
        _write(data_dir, {**words, **more})


def waits(data_dir: Path) -> bool:
    """Whether a restore waits for the next start to tell of it."""
    return stat.S_ISREG(_mode(data_dir))


def is_odd(data_dir: Path) -> bool:
    """Whether something stands in its place that no restore leaves: a folder, a link, a pipe."""
    mode = _mode(data_dir)
    return mode != 0 and not stat.S_ISREG(mode)


def read(data_dir: Path) -> dict[str, object]:
    """What it says, whatever stands there; nothing where none is there."""
    if not waits(data_dir):
        return {}
    try:
        with open(data_dir / FILE, "rb", opener=_open) as file:
            found = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) and found else {"file": _UNKNOWN}


def take_away(data_dir: Path) -> None:
    """Whatever stands there: what cannot be removed gets another name."""
    path = data_dir / FILE
    try:
        path.unlink(missing_ok=True)
    except OSError:
        path.rename(path.with_name(f"{FILE}.{places.stamp()}"))


def take_odd_away(data_dir: Path) -> None:
    """And say so."""
    if is_odd(data_dir):
        take_away(data_dir)
        logger.error(
            "%s was no file, and no restore leaves anything else: it is put aside. Find out who could write there, and run "
            "manage.py audit verify.",
            data_dir / FILE,
        )


def _mode(data_dir: Path) -> int:
    try:
        return (data_dir / FILE).lstat().st_mode
    except FileNotFoundError:
        return 0


def _open(path: str, _: int) -> int:
    """It may have become a link or a pipe meanwhile: neither is followed or waited for."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _write(data_dir: Path, words: Mapping[str, object]) -> None:
    """Whole or not at all, in its own place: root may do it where somebody else could leave a link."""
    draft = data_dir / f".{FILE}.{secrets.token_hex(8)}"
    take_odd_away(data_dir)
    with places.full_disk_told(data_dir):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(json.dumps(words))
                file.flush()
                os.fsync(file.fileno())
            places.give_to_owner(data_dir, draft)
            draft.replace(data_dir / FILE)
        finally:
            draft.unlink(missing_ok=True)
        places.sync(data_dir)
