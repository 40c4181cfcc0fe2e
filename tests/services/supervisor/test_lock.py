"""One supervisor per data directory and node."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from services.errors import AlreadySupervised
from services.supervisor.lock import SupervisorLock, holder, lock_path, look, trouble

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
        assert lock_path(tmp_path, "local").read_text().startswith(f"{os.getpid()} ")
    assert stat.S_IMODE(lock_path(tmp_path, "local").stat().st_mode) == 0o600


def test_releasing_twice_does_no_harm(tmp_path):
    lock = SupervisorLock(tmp_path, "local")
    lock.acquire()
    lock.release()
    lock.release()


def test_a_note_is_read_by_others_while_the_lock_is_held_and_no_longer(tmp_path):
    with SupervisorLock(tmp_path, "local") as lock:
        assert trouble(tmp_path, "local") == ""
        lock.note("SP-4001 The disk is full: 🧹 it.")
        assert trouble(tmp_path, "local") == "SP-4001 The disk is full: 🧹 it."
        assert holder(tmp_path, "local") == os.getpid()
        lock.note("")
        assert trouble(tmp_path, "local") == ""
        lock.note("SP-4001 again")
    assert trouble(tmp_path, "local") == ""


def test_a_disk_that_takes_no_note_ends_nothing_and_keeps_no_lock(tmp_path, monkeypatch, caplog):
    def full(*_words):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk, SupervisorLock(tmp_path, "local") as lock:
        disk.setattr(os, "pwrite", full)
        lock.note("SP-4001 The disk is full.")
        lock.settle()
        assert holder(tmp_path, "local") == os.getpid()
    assert holder(tmp_path, "local") is None
    assert (
        f"{lock_path(tmp_path, 'local')} cannot be written (No space left on device): look at its disk." in caplog.text
    )


def test_a_note_of_any_length_leaves_the_files_length_alone(tmp_path):
    with SupervisorLock(tmp_path, "local") as lock:
        size = lock_path(tmp_path, "local").stat().st_size
        lock.note("€" * 5000)
        assert trouble(tmp_path, "local").strip("€") == ""
        assert lock_path(tmp_path, "local").stat().st_size == size
    assert lock_path(tmp_path, "local").stat().st_size == size


def test_young_deaths_in_a_row_are_counted_until_one_lives_or_ends_well(tmp_path):
    def live(*, die: bool, steady: bool = False) -> int:
        lock = SupervisorLock(tmp_path, "local", started_at=1)
        lock.acquire()
        if steady:
            lock.settle()
        deaths = look(tmp_path, "local")[1].deaths
        lock.release(is_sound=not die)
        return deaths

    assert [live(die=True), live(die=True), live(die=True, steady=True)] == [0, 1, 2]
    assert [live(die=True), live(die=False), live(die=True), live(die=True)] == [0, 1, 0, 1]


def test_a_file_from_an_older_version_still_names_its_holder(tmp_path):
    lock_path(tmp_path, "local").write_text("812\n")
    assert look(tmp_path, "local")[1].pid == 812
    with SupervisorLock(tmp_path, "local"):
        assert holder(tmp_path, "local") == os.getpid()
