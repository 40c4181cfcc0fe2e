"""What is wrong is told with a code and what to do, also when no database can be read."""

import pytest
from django.db import OperationalError

from services import disk, trouble
from services.disk import MIB, Room
from services.supervisor.lock import SupervisorLock

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def supervised(data_dir):
    with SupervisorLock(data_dir, "local", 1) as lock:
        lock.settle()
        yield lock


def codes() -> list[str]:
    return [one.code for one in trouble.current()]


def test_a_supervised_panel_with_room_has_no_trouble(supervised):
    assert trouble.current() == []


def test_a_panel_that_nobody_supervises_says_what_to_start():
    (one,) = trouble.current()
    assert (one.level, one.code) == ("error", "SP-2201")
    assert "manage.py up" in one.sentence


def test_what_the_supervisor_noted_is_told_in_its_words(supervised):
    supervised.note("SP-4001 The disk is full: free some space.")
    (one,) = trouble.current()
    assert (one.level, one.code, one.sentence) == ("error", "SP-4001", "The disk is full: free some space.")


def test_messages_are_stored_until_the_supervisor_notes_why_not(supervised):
    assert trouble.is_storing()
    supervised.note("SP-4001 The disk is full: free some space.")
    assert not trouble.is_storing()
    supervised.note("")
    assert trouble.is_storing()


def test_a_short_disk_is_a_warning_that_comes_after_errors(supervised, monkeypatch):
    supervised.note("SP-4002 A long read.")
    monkeypatch.setattr(disk, "look", lambda _: Room(100_000 * MIB, 800 * MIB, 64 * MIB))
    assert codes() == ["SP-4002", "SP-4003"]
    assert "800.0 MiB left" in trouble.current()[1].sentence


def test_a_disk_that_is_full_is_not_called_short_as_well(supervised, monkeypatch):
    supervised.note("SP-4001 The disk is full.")
    monkeypatch.setattr(disk, "look", lambda _: Room(100_000 * MIB, 100 * MIB, 64 * MIB))
    assert codes() == ["SP-4001"]


def test_a_supervisor_that_dies_again_and_again_is_a_crash_loop_until_it_lives(data_dir):
    for _ in range(trouble.LOOP):
        assert "SP-2209" not in codes()
        lock = SupervisorLock(data_dir, "local", 1)
        lock.acquire()
        lock.release(is_sound=False)
    assert codes() == ["SP-2209"]
    with SupervisorLock(data_dir, "local", 2) as lock:
        assert codes() == ["SP-2209"]
        lock.settle()
        assert codes() == []


def test_a_database_that_is_away_hides_no_other_trouble(monkeypatch):
    def away(node: str) -> bool:
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr("services.nodes.alive", away)
    monkeypatch.setattr(disk, "look", lambda _: Room(100_000 * MIB, 0, 0))
    assert codes() == ["SP-4003"]
