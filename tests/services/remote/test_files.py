"""Private keys in the data directory: made once, read by their owner alone, never half written."""

import os
import threading
from pathlib import Path

import pytest

from services.errors import KeyRefused
from services.remote import files


@pytest.fixture(autouse=True)
def directory(settings: object, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path / "data"  # type: ignore[attr-defined]
    return tmp_path / "data" / "keys"


def test_a_key_is_made_at_first_use_and_stays_the_same(directory: Path) -> None:
    first = files.panel_public()
    assert (first, len(first)) == (files.panel_public(), 32)
    assert [path.name for path in directory.iterdir()] == ["panel.key"]
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "panel.key").stat().st_mode & 0o777 == 0o600


def test_every_server_has_its_own(directory: Path) -> None:
    assert len({files.server_public(1), files.server_public(2), files.panel_public()}) == 3
    files.forget_server(1)
    files.forget_server(1)
    assert sorted(path.name for path in directory.iterdir()) == ["panel.key", "server-2.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(directory: Path, mode: int) -> None:
    files.panel_key()
    (directory / "panel.key").chmod(mode)
    with pytest.raises(KeyRefused, match="may be read by others"):
        files.panel_key()


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_file_that_holds_no_key_is_refused_and_not_replaced(directory: Path, text: str) -> None:
    files.panel_key()
    (directory / "panel.key").write_text(text)
    with pytest.raises(KeyRefused, match="holds no key"):
        files.panel_key()
    assert (directory / "panel.key").read_text() == text


def test_a_file_of_other_bytes_is_refused_and_not_replaced(directory: Path) -> None:
    files.panel_key()
    (directory / "panel.key").write_bytes(b"\xff\xfe" * 32)
    with pytest.raises(KeyRefused, match="holds no key"):
        files.panel_key()


def test_what_the_system_refuses_is_told_with_its_reason(directory: Path) -> None:
    (directory / "panel.key").mkdir(parents=True)
    with pytest.raises(KeyRefused, match=r"panel\.key cannot be used \(Is a directory\): look at the data directory"):
        files.panel_key()
    (directory / "server-1.key").mkdir()
    files.forget_server(1)


def test_a_disk_without_room_leaves_nothing_behind(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("services.remote.files.os.fsync", full)
    with pytest.raises(KeyRefused, match="No space left on device"):
        files.panel_key()
    assert list(directory.iterdir()) == []


def test_many_at_once_get_the_same_key(directory: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(files.panel_public())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert os.listdir(directory) == ["panel.key"]
