"""The data directory and the secret key in it: ours alone, or refused."""

import stat
from pathlib import Path

import pytest

from services.errors import SettingRefused, UnsafeStart
from sockpanel import data_directory


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """Sets the variable X."""
    return lambda value: monkeypatch.setenv("X", value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_data_directory_is_ours_alone(given, tmp_path: Path):
    given(str(tmp_path / "a" / "b"))
    assert mode(data_directory.choose("X", tmp_path)) == 0o700


def test_an_empty_directory_is_closed_to_others(given, tmp_path: Path):
    tmp_path.chmod(0o755)
    given(str(tmp_path))
    assert mode(data_directory.choose("X", tmp_path)) == 0o700


@pytest.mark.parametrize("open_to", [0o755, 0o750, 0o701])
@pytest.mark.parametrize("held", ["secret-key", "control.sqlite3", "messages.sqlite3"])
def test_one_that_others_could_look_into_is_refused_and_left_as_it_was(given, tmp_path: Path, open_to: int, held: str):
    """Closed in silence, nobody would ever ask who has read it."""
    (tmp_path / held).touch()
    tmp_path.chmod(open_to)
    given(str(tmp_path))
    with pytest.raises(UnsafeStart, match=rf"X .*\(mode {open_to:o}\): close it with chmod 700 {tmp_path}\."):
        data_directory.choose("X", tmp_path)
    assert mode(tmp_path) == open_to
    tmp_path.chmod(0o700)
    assert data_directory.choose("X", tmp_path) == tmp_path


def test_an_open_directory_with_other_things_in_it_is_refused_and_left_alone(given, tmp_path: Path):
    tmp_path.chmod(0o755)
    (tmp_path / "letter.txt").touch()
    given(str(tmp_path))
    with pytest.raises(SettingRefused, match="a directory of its own"):
        data_directory.choose("X", tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_is_no_data_directory(given, tmp_path: Path):
    (tmp_path / "file").touch()
    given(str(tmp_path / "file"))
    with pytest.raises(SettingRefused):
        data_directory.choose("X", tmp_path)


def test_the_secret_key_is_made_once_and_readable_by_us_alone(tmp_path: Path):
    first = data_directory.secret_key("X", tmp_path)
    assert data_directory.secret_key("X", tmp_path) == first
    assert len(first) >= 50
    assert mode(tmp_path / "secret-key") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


@pytest.mark.parametrize("open_to", [0o644, 0o640, 0o604])
def test_a_secret_key_that_others_could_read_is_refused_without_being_shown(tmp_path: Path, open_to: int):
    key = data_directory.secret_key("X", tmp_path)
    path = tmp_path / "secret-key"
    path.chmod(open_to)
    with pytest.raises(UnsafeStart, match=f"chmod 600 {path}; or, .* remove it") as refused:
        data_directory.secret_key("X", tmp_path)
    assert key not in refused.value.message
    assert mode(path) == open_to
    path.unlink()
    assert data_directory.secret_key("X", tmp_path) != key


def test_a_short_secret_key_is_refused_without_being_shown(given, tmp_path: Path):
    given("short")
    with pytest.raises(SettingRefused) as refused:
        data_directory.secret_key("X", tmp_path)
    assert "short" not in refused.value.message


def test_two_data_directories_have_two_names(tmp_path: Path):
    assert data_directory.install_id(tmp_path / "a") != data_directory.install_id(tmp_path / "b")
