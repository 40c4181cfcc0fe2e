"""Who makes up a restore, so that no head is compared any more, is found out where anybody can know."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from services import audit
from services.audit import evidence, heads, word
from services.audit.heads import Head
from services.audit.verifying import verify
from services.audit.watch import Watch
from services.models import AuditEntry
from services.servers import clock
from services.supervisor.lock import SupervisorLock
from tests.services.audit.odd import ODD, put_odd

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


@pytest.fixture
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


def faults(directory: Path, log: list[Head] | None = None) -> str:
    """What speaks against it, beside the guard that the tests' databases go without."""
    found = verify([*evidence.told(directory), *(log or ())])
    return " ".join(one for one in evidence.against(directory, found, log) if one != evidence.UNGUARDED)


def restored(directory: Path) -> None:
    with word.leaving(directory, {"who": "root", "file": "/b.tar"}):
        pass


def test_a_restore_that_waits_for_its_start_is_one(directory: Path):
    Watch(directory, "local").begin()
    restored(directory)
    assert faults(directory) == ""
    assert evidence.beside(directory, verify([]), None) == [evidence.WAITING]


def test_a_word_of_a_restore_that_a_start_should_have_taken_away_is_made_up(directory: Path):
    restored(directory)
    Watch(directory, "local").begin()
    assert faults(directory) == ""
    restored(directory)
    long_ago = time.time() - 3600
    os.utime(directory / word.FILE, (long_ago, long_ago))
    assert "nobody restores under one" in faults(directory)
    assert evidence.told(directory) != []  # so the heads bind again


def test_a_word_of_a_restore_under_a_running_supervisor_is_made_up(directory: Path):
    with SupervisorLock(directory, "local", clock.now()):
        Watch(directory, "local").begin()
        os.utime(directory / heads.FILE)
        restored(directory)
        later = time.time() + 60
        os.utime(directory / word.FILE, (later, later))
        assert "nobody restores under one" in faults(directory)
    assert faults(directory) == ""  # nobody could know


@pytest.mark.parametrize("kind", ODD)
def test_what_no_restore_leaves_is_made_up_at_once(directory: Path, kind: str):
    Watch(directory, "local").begin()
    put_odd(directory, kind)
    assert "is no file, and no restore leaves anything else" in faults(directory)
    assert evidence.told(directory) != []


def came_back(directory: Path, number: int) -> None:
    with word.leaving(directory, {"who": "root", "file": "/b.tar"}) as more:
        more[word.LAST] = number


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_restore_on_a_machine_with_another_clock_waits_all_the_same(directory: Path, hours: int):
    """What came back is counted: the clock of the machine that made the backup may be ahead."""
    Watch(directory, "local").begin()
    came_back(directory, 1)
    then = time.time() + 3600 * hours
    os.utime(directory / word.FILE, (then, then))
    assert faults(directory) == ""
    assert evidence.beside(directory, verify([]), None) == [evidence.WAITING]


@pytest.mark.parametrize("number", [0, 2, 10**30, -1])
def test_a_count_that_does_not_fit_was_made_up(directory: Path, number: int):
    Watch(directory, "local").begin()
    came_back(directory, number)
    assert "nobody restores under one" in faults(directory)


def test_a_restore_before_the_run_of_a_single_server_still_waits(directory: Path):
    restored(directory)
    time_of = (directory / word.FILE).stat().st_mtime_ns // 1000
    with SupervisorLock(directory, "local", time_of + 1):
        Watch(directory, "local").attend()
        assert faults(directory) == ""


def told_as_restored(directory: Path, number: int) -> None:
    entry = AuditEntry.objects.get(number=number)
    with (directory / heads.FILE).open("a") as file:
        file.write(f"2026-11-21T15:00:00.000000Z Audit head {number} {entry.hash} (restored)\n")


def test_a_head_after_a_restore_that_is_in_no_audit_was_made_up(directory: Path):
    Watch(directory, "local").begin()
    for _ in range(3):
        audit.record("send", "ada")
    assert faults(directory) == ""
    told_as_restored(directory, 3)
    assert "Head 3 was told as the first one after a restore" in faults(directory)
    log = [Head(3, AuditEntry.objects.get(number=3).hash, is_restored=True)]
    (directory / heads.FILE).unlink()
    assert "Head 3 was told as the first one after a restore" in faults(directory, log)


def test_a_restore_long_before_is_none_of_that_head(directory: Path):
    restored(directory)
    Watch(directory, "local").begin()
    for _ in range(evidence.BESIDE + 2):
        audit.record("send", "ada")
    assert faults(directory) == ""
    told_as_restored(directory, evidence.BESIDE + 3)
    assert "somebody wrote that line" in faults(directory)


def test_the_head_after_a_restore_is_one_also_where_others_write_at_once(directory: Path):
    restored(directory)
    Watch(directory, "local").begin()
    assert [head.is_restored for head in heads.of(directory)] == [True]
    (directory / heads.FILE).unlink()
    for _ in range(5):
        audit.record("send", "ada")
    told_as_restored(directory, 7)
    assert faults(directory) == ""


def test_a_restore_whose_entry_was_cut_is_not_missed(directory: Path):
    for number in range(10):
        audit.record("send", "ada", what=f"{number}")
    told_as_restored(directory, 9)
    cut = audit.record("audit.cut", "ada", cut=8, new={"hash": AuditEntry.objects.get(number=8).hash})
    AuditEntry.objects.filter(number__lte=8).delete()
    assert cut.number == 11
    assert faults(directory) == ""
