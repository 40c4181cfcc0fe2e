"""One supervisor per data directory and node."""

import os
import stat
import subprocess
import sys

import pytest

from services.errors import AlreadySupervised
from services.supervisor.lock import SupervisorLock, holder, lock_path

HOLD = """
import sys
from services.supervisor.lock import SupervisorLock
SupervisorLock(sys.argv[1], "local").acquire()
print("held", flush=True)
input()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_the_lock_is_held_by_who_has_it_and_only_then(tmp_path):
    assert holder(tmp_path, "local") is None
    with SupervisorLock(tmp_path, "local"):
        assert holder(tmp_path, "local") == os.getpid()
    assert holder(tmp_path, "local") is None


def test_a_second_supervisor_is_told_the_pid_of_the_first(tmp_path, other):
    with pytest.raises(AlreadySupervised, match=f'pid {other.pid}, runs the node "local"'):
        SupervisorLock(tmp_path, "local").acquire()
    assert holder(tmp_path, "local") == other.pid


def test_asking_who_holds_it_takes_nothing_away(tmp_path, other):
    for _ in range(3):
        assert holder(tmp_path, "local") == other.pid
    with pytest.raises(AlreadySupervised):
        SupervisorLock(tmp_path, "local").acquire()


def test_asking_in_the_holders_own_process_keeps_the_lock(tmp_path):
    with SupervisorLock(tmp_path, "local"):
        holder(tmp_path, "local")
        with pytest.raises(AlreadySupervised):
            SupervisorLock(tmp_path, "local").acquire()


def test_a_supervisor_that_was_killed_holds_nothing(tmp_path, other):
    other.kill()
    other.wait()
    assert holder(tmp_path, "local") is None
    with SupervisorLock(tmp_path, "local"):
        assert holder(tmp_path, "local") == os.getpid()


def test_each_node_has_a_lock_of_its_own(tmp_path):
    with SupervisorLock(tmp_path, "local"), SupervisorLock(tmp_path, "lab"):
        assert holder(tmp_path, "lab") == os.getpid()


def test_the_file_is_for_its_owner_alone_and_stays(tmp_path):
    with SupervisorLock(tmp_path, "local"):
        assert lock_path(tmp_path, "local").read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(lock_path(tmp_path, "local").stat().st_mode) == 0o600


def test_releasing_twice_does_no_harm(tmp_path):
    lock = SupervisorLock(tmp_path, "local")
    lock.acquire()
    lock.release()
    lock.release()
