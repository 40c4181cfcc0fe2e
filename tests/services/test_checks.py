"""The system checks of what runs."""

from pathlib import Path

import pytest

from services import checks
from services.supervisor.lock import SupervisorLock


@pytest.mark.parametrize(
    ("version", "mended"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 1), True),
        ((4, 0, 0), True),
    ],
)
def test_knows_the_versions_that_bear_several_writers(version, mended):
    assert checks.is_mended(version) is mended


@pytest.fixture
def old(settings, monkeypatch, data_directory: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = data_directory
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 40, 1))
    return data_directory


def test_one_supervisor_is_no_reason_to_warn(old):
    with SupervisorLock(old, "local"):
        assert checks.one_writer(None) == []


def test_two_supervisors_on_an_old_sqlite_are(old):
    with SupervisorLock(old, "east"), SupervisorLock(old, "west"):
        assert [(found.id, "east, west" in found.msg) for found in checks.one_writer(None)] == [("services.W001", True)]
    assert checks.one_writer(None) == []


def test_two_supervisors_on_a_mended_one_are_not(old, monkeypatch):
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 3))
    with SupervisorLock(old, "east"), SupervisorLock(old, "west"):
        assert checks.one_writer(None) == []
