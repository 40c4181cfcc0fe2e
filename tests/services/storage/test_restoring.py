"""Each step of a restore may be the last one that happens: afterwards it is all old, or completed."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.storage import places, restoring

NAMES = ["control.sqlite3", "messages.sqlite3"]


class Killed(BaseException):
    """What a test has happen in the place of SIGKILL."""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Two databases that say "old", one of them with a log that is not yet in the file."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    for name in NAMES:
        write(folder / name, "older")
    with closing(sqlite3.connect(folder / "messages.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE word SET said = 'old'")
        for path in folder.glob("messages.sqlite3*"):
            shutil.copy(path, tmp_path)
    for path in tmp_path.glob("messages.sqlite3*"):
        shutil.copy(path, folder)
    return folder


def write(path: Path, said: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE word (said)")
        connection.execute("INSERT INTO word VALUES (?)", [said])


def read(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return str(connection.execute("SELECT said FROM word").fetchone()[0])


def replace(data_dir: Path) -> Path:
    with restoring.staging(data_dir) as folder:
        for name in NAMES:
            write(folder / name, "new")
        aside = restoring.set_aside(data_dir, NAMES, [])
        restoring.decide(data_dir, folder)
    restoring.finish(data_dir)
    assert aside is not None
    return aside


def test_what_was_there_is_kept_with_its_log(data_dir: Path):
    aside = replace(data_dir)
    assert [read(data_dir / name) for name in NAMES] == ["new", "new"]
    assert [read(aside / name) for name in NAMES] == ["older", "old"]
    assert not restoring.is_under_way(data_dir)
    assert list(data_dir.glob(".restore-*")) == []


@pytest.mark.parametrize("step", range(30))
def test_ended_before_any_step_it_is_all_old_or_all_new(data_dir: Path, monkeypatch, step: int):
    """A step is whatever changes a name on the disk."""
    left = [step]
    with monkeypatch.context() as patched:
        for method in ("rename", "unlink", "rmdir", "mkdir"):
            patched.setattr(Path, method, counting(getattr(Path, method), left))
        patched.setattr(shutil, "rmtree", counting(shutil.rmtree, left))  # a killed process tidies nothing up
        try:
            replace(data_dir)
        except Killed:
            pass
    if restoring.is_under_way(data_dir):
        restoring.finish(data_dir)
    assert {read(data_dir / name) for name in NAMES} in ({"new"}, {"older", "old"})
    replace(data_dir)  # and another one is none the worse
    assert [read(data_dir / name) for name in NAMES] == ["new", "new"]
    assert sorted(path.name for path in data_dir.iterdir()) == [places.BACKUPS, *NAMES]


def counting(original, left: list[int]):
    def counted(*args, **options):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return original(*args, **options)

    return counted
