"""The supervisor says in the audit that it began, tells the head each hour, and notes when the clock was set."""

import os
from pathlib import Path

import pytest
from django.db import Error

from services import operations
from services.audit import entries, heads, watch, word
from services.audit.watch import STEP, TELL_EVERY, Watch
from services.errors import RestoreRefused
from services.models import AuditEntry
from tests.services.audit.odd import ODD, put_odd

pytestmark = pytest.mark.django_db


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic_now = 1_800_000_000.0, 1000.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.monotonic_now

    def clock_gettime(self, _: int) -> float:
        return self.monotonic_now

    CLOCK_BOOTTIME = 7

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic_now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watch, "time", made)
    return made


def last() -> AuditEntry:
    return AuditEntry.objects.order_by("-number")[0]


def test_a_start_is_told_with_what_starts_by_itself(tmp_path: Path):
    operations.create({"preset": "echo", "name": "lab", "autostart": True}, "ada")
    operations.create({"preset": "echo", "name": "other", "port": 18_031}, "ada")
    Watch(tmp_path, "local").begin()
    assert (last().verb, last().way, entries.told(last())["new"]) == (
        "supervisor.start",
        "supervisor",
        {"autostart": ["lab"]},
    )
    assert [head.number for head in heads.of(tmp_path)] == [3]


def test_one_that_runs_a_single_server_tells_the_head_and_writes_no_start(tmp_path: Path):
    operations.create({"preset": "echo", "name": "lab"}, "ada")
    Watch(tmp_path, "local").attend()
    assert [head.number for head in heads.of(tmp_path)] == [last().number]
    assert last().verb == "server.create"


def test_the_head_is_told_each_hour(tmp_path: Path, clock: Clock):
    one = Watch(tmp_path, "local")
    one.begin()
    clock.passes(TELL_EVERY - 1)
    assert not one.is_due()
    clock.passes(1)
    assert one.is_due()
    one.look()
    assert not one.is_due()
    assert len(heads.of(tmp_path)) == 2


@pytest.mark.parametrize("step", [STEP + 0.1, -3600.0])
def test_a_step_of_the_clock_is_told_once(tmp_path: Path, clock: Clock, step: float):
    one = Watch(tmp_path, "local")
    clock.wall += step
    assert one.is_due()
    one.look()
    assert (last().verb, last().what) == ("clock.step", f"node local: {step:+.1f} s")
    assert not one.is_due()


def test_a_clock_that_is_a_little_off_is_no_step(tmp_path: Path, clock: Clock):
    one = Watch(tmp_path, "local")
    clock.wall += STEP
    assert not one.is_due()


def test_a_restore_is_told_in_the_audit_that_came_back(tmp_path: Path):
    with word.leaving(tmp_path, {"who": "root (command line)", "file": "/b.tar"}):
        pass
    Watch(tmp_path, "local").begin()
    restored, started = AuditEntry.objects.order_by("number")
    assert (restored.verb, restored.who, restored.what, started.verb) == (
        "restore",
        "root (command line)",
        "/b.tar",
        "supervisor.start",
    )
    assert "(restored)" in (tmp_path / heads.FILE).read_text()
    Watch(tmp_path, "local").begin()
    assert AuditEntry.objects.filter(verb="restore").count() == 1


def test_a_restore_that_was_refused_is_not_told(tmp_path: Path):
    with pytest.raises(RestoreRefused), word.leaving(tmp_path, {"who": "root"}):
        raise RestoreRefused("It runs.")
    Watch(tmp_path, "local").begin()
    assert last().verb == "supervisor.start"


def test_a_refused_restore_leaves_the_word_of_the_one_before(tmp_path: Path):
    with word.leaving(tmp_path, {"who": "ada", "file": "one"}):
        pass
    with pytest.raises(RestoreRefused), word.leaving(tmp_path, {"who": "ada", "file": "two"}):
        raise RestoreRefused("It runs.")
    Watch(tmp_path, "local").begin()
    assert AuditEntry.objects.get(verb="restore").what == "one"


@pytest.mark.parametrize("words", [b"", b"[]", b"\xff\0", b"[" * 100_000, b'{"file": ' + b"7" * 100_000])
def test_a_word_of_a_restore_that_somebody_made_up_keeps_no_supervisor_from_starting(tmp_path: Path, words: bytes):
    path = tmp_path / word.FILE
    path.write_bytes(words)
    Watch(tmp_path, "local").begin()
    assert last().verb == "supervisor.start"
    assert not path.exists()


@pytest.mark.parametrize("kind", ODD)
def test_what_no_restore_leaves_is_put_aside_and_every_head_goes_on_to_bind(tmp_path: Path, kind: str):
    Watch(tmp_path, "local").begin()
    put_odd(tmp_path, kind)
    Watch(tmp_path, "local").begin()
    assert [entry.verb for entry in AuditEntry.objects.all()] == ["supervisor.start"] * 2
    assert [(head.number, head.is_restored) for head in heads.of(tmp_path)] == [(1, False), (2, False)]
    assert not os.path.lexists(tmp_path / word.FILE)


def test_the_word_goes_also_where_no_head_can_be_told(tmp_path: Path):
    with word.leaving(tmp_path, {"who": "root"}):
        pass
    (tmp_path / heads.FILE).mkdir()
    Watch(tmp_path, "local").begin()
    assert AuditEntry.objects.filter(verb="restore").count() == 1
    assert not word.waits(tmp_path)


def test_a_supervisor_that_cannot_write_there_serves_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise Error("database or disk is full")

    monkeypatch.setattr(watch, "record", fail)
    Watch(tmp_path, "local").begin()
    assert "could not write into the audit" in caplog.text
