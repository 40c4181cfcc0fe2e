"""Everybody who uses the databases shares a lock, which a restore must have for itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.errors import DatabaseAway, RestoreRefused
from services.storage import users
from tests.waiting import eventually

JOIN = """
import sys
from pathlib import Path
from services.storage import users
users.join(Path(sys.argv[1]))
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(data_directory: Path):
    """Another process that uses them."""
    command = [sys.executable, "-c", JOIN, str(data_directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def test_many_may_use_them(data_directory: Path, other):
    users.join(data_directory)
    users.join(data_directory)
    users.leave(data_directory)
    users.leave(data_directory)


def test_whoever_wants_to_be_alone_is_told_who_is_there(data_directory: Path, other):
    with pytest.raises(RestoreRefused, match=rf"pid {other.pid}"), users.alone(data_directory):
        pass


def test_he_is_alone_as_soon_as_they_are_dead(data_directory: Path, other):
    other.kill()
    other.wait(10)
    with users.alone(data_directory):
        with pytest.raises(DatabaseAway, match="being restored"):
            users.join(data_directory)


def test_waits_for_those_who_leave_in_time(data_directory: Path, other):
    other.stdin.close()  # it ends
    with users.alone(data_directory, within=10.0):
        assert eventually(lambda: other.poll() is not None)


def test_the_lock_is_not_inherited(data_directory: Path):
    """A worker that outlives its supervisor holds up nobody."""
    users.join(data_directory)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        users.leave(data_directory)
        with users.alone(data_directory, within=5.0):
            assert child.poll() is None
        child.kill()
