"""The word of a restore is written and read whatever somebody has put in its place, and leads nobody elsewhere."""

import json
import os
import stat
from pathlib import Path

import pytest

from services.audit import heads, word
from services.errors import RestoreRefused
from tests.services.audit.odd import ODD, put_odd


def left(directory: Path) -> None:
    with word.leaving(directory, {"who": "root", "file": "/b.tar"}) as more:
        assert word.read(directory) == {"who": "root", "file": "/b.tar"}  # a restore that is killed has left it
        more[word.LAST] = 7


def test_it_says_what_was_restored_and_how_much_came_back(tmp_path: Path):
    left(tmp_path)
    assert word.read(tmp_path) == {"who": "root", "file": "/b.tar", "last_entry": 7}
    assert stat.S_IMODE((tmp_path / word.FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [word.FILE]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path):
    other = tmp_path / "other"
    other.write_text("of somebody else")
    (tmp_path / word.FILE).symlink_to(other)
    left(tmp_path)
    assert other.read_text() == "of somebody else"
    assert json.loads((tmp_path / word.FILE).read_text())["last_entry"] == 7


@pytest.mark.parametrize("kind", ODD)
def test_a_restore_puts_aside_what_stands_there(tmp_path: Path, kind: str):
    put_odd(tmp_path, kind)
    left(tmp_path)
    assert word.waits(tmp_path)


@pytest.mark.parametrize("kind", ODD)
def test_a_refused_restore_leaves_nothing(tmp_path: Path, kind: str):
    put_odd(tmp_path, kind)
    with pytest.raises(RestoreRefused), word.leaving(tmp_path, {"who": "root"}):
        raise RestoreRefused("It runs.")
    assert not os.path.lexists(tmp_path / word.FILE)


@pytest.mark.parametrize("kind", ODD)
def test_nobody_waits_or_keeps_a_descriptor_where_it_is_no_file(tmp_path: Path, kind: str):
    put_odd(tmp_path, kind)
    (tmp_path / heads.FILE).mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        assert (word.read(tmp_path), word.waits(tmp_path), word.is_odd(tmp_path)) == ({}, False, True)
        assert "cannot be read" in heads.fault(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
