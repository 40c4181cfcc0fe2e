"""No server gets a socket file among the panel's own files."""

from pathlib import Path

import pytest

from services import configuration, own_directory
from services.errors import ConfigurationRefused


@pytest.fixture
def own(settings, tmp_path: Path) -> Path:
    """The panel's directory."""
    settings.SOCKPANEL_DATA_DIR = tmp_path / "data"
    (tmp_path / "data" / "bus").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    return tmp_path


def refused(host: object) -> str:
    with pytest.raises(ConfigurationRefused) as error:
        configuration.complete({"kind": "tcp", "transport": "unix", "name": "lab", "host": str(host)})
    return error.value.problems["host"]


@pytest.mark.parametrize("path", ["data/x.sock", "data/bus/x.sock", "data/new/x.sock", "link/bus/x.sock", "data"])
def test_its_own_directory_is_refused_however_it_is_named(own: Path, path: str):
    assert "the panel's own directory" in refused(own / path)


@pytest.mark.parametrize("path", ["elsewhere/../data/bus/x.sock", "../etc/x.sock", "a/.."])
def test_a_path_that_goes_up_again_is_refused(own: Path, path: str):
    assert "without .." in refused(own / path)


@pytest.mark.parametrize("path", ["x.sock", "data-2/x.sock", "a..b/..x.sock"])
def test_a_path_elsewhere_is_taken(own: Path, path: str):
    assert configuration.complete({"kind": "tcp", "transport": "unix", "name": "lab", "host": str(own / path)})["host"]


def test_an_address_is_no_path(own: Path):
    assert own_directory.objection("tcp", str(own / "data")) is None
