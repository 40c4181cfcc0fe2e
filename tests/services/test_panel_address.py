"""A command finds the running panel, and is not led to one that is gone."""

import json
import os
import stat

import pytest

from services import panel_address
from services.supervisor.process import process_start


@pytest.fixture(autouse=True)
def own(settings, tmp_path):
    """A data directory, and a port that is not the usual one."""
    settings.SOCKPANEL_DATA_DIR = tmp_path
    settings.SOCKPANEL_HOST, settings.SOCKPANEL_PORT = "127.0.0.1", 8123


def test_the_address_is_there_while_the_panel_is_and_only_for_its_user():
    assert panel_address.found() is None
    with panel_address.told("http://127.0.0.1:8123"):
        assert (panel_address.found(), panel_address.port()) == ("http://127.0.0.1:8123", 8123)
        assert stat.S_IMODE(panel_address.path().stat().st_mode) == 0o600
    assert list(panel_address.path().parent.iterdir()) == []


def test_it_goes_when_the_panel_ends_by_an_exit_too():
    with pytest.raises(SystemExit), panel_address.told("http://127.0.0.1:8123"):
        raise SystemExit(1)
    assert not panel_address.path().exists()


def test_what_another_panel_has_told_stays_while_that_runs():
    first = {"address": "http://127.0.0.1:1", "pid": os.getppid(), "process_start": process_start(os.getppid())}
    panel_address.path().write_text(json.dumps(first))
    with panel_address.told("http://127.0.0.1:8123"):
        assert panel_address.found() == "http://127.0.0.1:1"
    assert panel_address.found() == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "left",
    [
        '{"address": "http://127.0.0.1:8123", "pid": 4194305, "process_start": null}',
        '{"address": "http://127.0.0.1:8123", "pid": 4194305, "process_start": 7}',
        f'{{"address": "http://127.0.0.1:8123", "pid": {os.getpid()}, "process_start": 7}}',  # the number came round
        '{"address": 8123, "pid": 1, "process_start": 7}',
        "[]",
        "",
        "{",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
    ids=range(8),  # a process id in a test's name would differ between the workers of one run
)
def test_what_a_killed_panel_left_is_not_believed(left: str):
    panel_address.path().write_bytes(left.encode("latin-1"))
    assert (panel_address.found(), panel_address.port()) == (None, None)


def test_behind_a_proxy_the_port_is_the_panels():
    with panel_address.told("https://panel.example.org"):
        assert (panel_address.found(), panel_address.port()) == ("https://panel.example.org", 8123)
