"""The head of the chain goes to the log and to a file; what was told before a restore binds nobody any more."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services import audit
from services.audit import heads
from services.audit.heads import Head

ONE, TWO, THREE = (character * 64 for character in "abc")


@pytest.mark.django_db
def test_it_is_told_to_the_log_and_to_a_file_of_the_owner_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    heads.tell(tmp_path, "start")  # there is none yet
    assert not (tmp_path / heads.FILE).exists()
    first = audit.record("server.start", "ada")
    with caplog.at_level(logging.INFO, logger="services.audit.heads"):
        heads.tell(tmp_path, "start")
        heads.tell(tmp_path, "hourly")
    assert heads.of(tmp_path) == [Head(1, first.hash)] * 2
    assert heads.read(caplog.messages) == [Head(1, first.hash)] * 2
    assert (tmp_path / heads.FILE).stat().st_mode & 0o777 == 0o600


def test_it_is_found_in_any_log_and_nothing_else_is():
    lines = [
        f'{{"at": "...", "logger": "services.audit.heads", "message": "Audit head 7 {ONE} (hourly)"}}\n',
        f"Nov 21 panel[7]: 15:00:00 INFO services.audit.heads: Audit head 8 {TWO} (start)\n",
        f"Audit head 9 {TWO[:-1]} (start)\n",
        f"Audit head {'9' * 30} {TWO} (start)\n",
        "GET /servers/\n",
    ]
    assert heads.read(lines) == [Head(7, ONE), Head(8, TWO)]


def test_a_restore_makes_void_what_was_told_before():
    lines = [f"Audit head 7 {ONE} (hourly)", f"Audit head 5 {TWO} (restored)", f"Audit head 6 {THREE} (hourly)"]
    assert heads.read(lines) == [Head(5, TWO, is_restored=True), Head(6, THREE)]


def test_without_a_file_nothing_was_told(tmp_path: Path):
    assert (heads.of(tmp_path), heads.fault(tmp_path)) == ([], heads.MISSING)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda path: path.write_text(""), "tells of no head"),
        (lambda path: path.write_bytes(b"\xff\0junk\n" * 100), "tells of no head"),
        (os.mkfifo, "tells of no head"),
        (os.mkdir, "cannot be read (Is a directory)"),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read (Too many levels of symbolic links)"),
        (lambda path: path.write_text(f"Audit head 7 {ONE} (hourly)\n"), ""),
    ],
)
def test_a_file_that_tells_of_none_is_known_by_its_fault(tmp_path: Path, make: Callable[[Path], object], fault: str):
    make(tmp_path / heads.FILE)
    assert (len(heads.of(tmp_path)), heads.fault(tmp_path)) == (0 if fault else 1, fault)
