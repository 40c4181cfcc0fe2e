"""A copy is of one moment, however much is written meanwhile, and no writer waits for it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from services.errors import DatabaseDamaged
from services.storage import copying
from tests.services.stored import is_whole, query

# Moves sums between two accounts until it is told to end; prints its slowest transaction
WRITER = """
import sqlite3, sys, time, threading
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
c.execute("PRAGMA synchronous = FULL")
stop, slowest, count = threading.Event(), 0.0, 0
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
print("ready", flush=True)
while not stop.is_set():
    started = time.perf_counter()
    c.execute("BEGIN IMMEDIATE")
    c.execute("UPDATE account SET sum = sum - 1 WHERE id = 1")
    c.execute("UPDATE account SET sum = sum + 1 WHERE id = 2")
    c.execute("COMMIT")
    slowest, count = max(slowest, time.perf_counter() - started), count + 1
print(slowest, count)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """48 MiB, with two accounts whose sum never changes."""
    path = tmp_path / "source.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, sum INTEGER)")
        connection.execute("INSERT INTO account VALUES (1, 1000000), (2, 0)")
        connection.execute("CREATE TABLE ballast (data BLOB)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO ballast VALUES (zeroblob(1048576))", [()] * 48)
        connection.execute("COMMIT")
    return path


def test_shows_one_moment_while_others_write_and_they_do_not_wait(source: Path, tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        writer.stdout.readline()
        for number in range(3):
            copying.copy(source, tmp_path / f"{number}.sqlite3")
        told, _ = writer.communicate(timeout=20)
    slowest, count = told.split()
    for number in range(3):
        copy = tmp_path / f"{number}.sqlite3"
        assert query(copy, "SELECT sum(sum) FROM account") == [(1_000_000,)]
        assert is_whole(copy)
        copying.verify(copy, "control")
    assert int(count) > 10
    assert float(slowest) < 1.0  # seconds; the copy took longer than this on a loaded machine


def test_needs_no_log_beside_it(source: Path, tmp_path: Path):
    copying.copy(source, tmp_path / "copy.sqlite3")
    assert query(tmp_path / "copy.sqlite3", "PRAGMA journal_mode") == [("delete",)]
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.sqlite3"]


def test_a_copy_that_is_not_whole_is_found(source: Path, tmp_path: Path):
    copy = tmp_path / "copy.sqlite3"
    copying.copy(source, copy)
    with copy.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(DatabaseDamaged, match=r"copy\.sqlite3"):
        copying.verify(copy, "messages")
