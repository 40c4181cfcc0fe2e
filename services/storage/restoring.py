"""Databases put in the place of others, safe to kill at any moment. It knows no Django and no archive.

New files lie in a folder of the data directory (`staging`). What was there is linked into backups/. Then the folder is renamed to
`restore-under-way`: from that moment the restore is decided, and `finish` moves its files into place, again if need be at the next
start of anything. A write-ahead log of the former database goes first: SQLite would apply it to the new one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.storage import copying, places

UNDER_WAY = "restore-under-way"
STAGING = ".restore-"


def is_under_way(data_dir: Path) -> bool:
    """Whether a restore was decided and did not come to its end."""
    return (data_dir / UNDER_WAY).is_dir()


@contextmanager
def staging(data_dir: Path) -> Iterator[Path]:
    """A folder for the new files, gone at the end unless `decide` took it. Leftovers of killed ones go first."""
    for left in data_dir.glob(f"{STAGING}*"):
        shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def set_aside(data_dir: Path, names: list[str], staying: list[str]) -> Path | None:
    """Keep each file that is there now in a folder of backups/; the folder, None when there was nothing.

    `names` are about to be replaced: a second name is enough. `staying` are databases that go on being written: they are copied.
    """
    there = [path for name in names for path in (data_dir / name, *places.beside(data_dir / name)) if path.exists()]
    if not there and not staying:
        return None
    folder = places.backups(data_dir) / f"before-restore-{places.stamp()}"
    folder.mkdir(mode=0o700)
    places.give_to_owner(data_dir, folder)
    for path in there:
        _second_name(path, folder / path.name)
    for name in staying:
        copying.copy(data_dir / name, folder / name)
    for path in folder.iterdir():
        places.give_to_owner(data_dir, path)
    places.sync(folder)
    places.sync(folder.parent)
    return folder


def decide(data_dir: Path, folder: Path) -> None:
    """The new files, all in `folder` and whole, are the databases from now on."""
    for path in folder.iterdir():
        places.give_to_owner(data_dir, path)
        places.sync(path)
    places.sync(folder)
    folder.rename(data_dir / UNDER_WAY)
    places.sync(data_dir)


def finish(data_dir: Path) -> None:
    """Move what a decided restore has not moved yet. Nobody may have a database open."""
    folder = data_dir / UNDER_WAY
    for path in sorted(folder.iterdir()):
        target = data_dir / path.name
        for log in places.beside(target):
            log.unlink(missing_ok=True)
        places.sync(data_dir)
        path.rename(target)
        places.sync(data_dir)
    folder.rmdir()
    places.sync(data_dir)


def _second_name(path: Path, name: Path) -> None:
    """A link, or a copy where the file system has no links."""
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in places.NO_LINKS:
            raise
        shutil.copyfile(path, name)
        places.sync(name)
