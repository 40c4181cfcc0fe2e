"""A command finds the running panel, and is not led to one that is gone."""

import json
import os
import stat

import pytest

from services.supervisor.process import process_start
from sockpanel import panel_address
from tests.ports import free_port
from tests.sockpanel.panel import Panel


@pytest.fixture(autouse=True)
def own(settings, tmp_path):
    """A data directory, and a port that is not the usual one."""
    settings.SOCKPANEL_DATA_DIR = tmp_path
    settings.SOCKPANEL_HOST, settings.SOCKPANEL_PORT = "127.0.0.1", 8123


def test_the_address_is_there_while_the_panel_is_and_only_for_its_user():
    assert panel_address.found() is None
    with panel_address.told():
        assert panel_address.found() == "http://127.0.0.1:8123"
        assert stat.S_IMODE(panel_address.path().stat().st_mode) == 0o600
    assert list(panel_address.path().parent.iterdir()) == []


def test_it_goes_when_the_panel_ends_by_an_exit_too():
    with pytest.raises(SystemExit), panel_address.told():
        raise SystemExit(1)
    assert not panel_address.path().exists()


def test_what_another_panel_has_told_stays_while_that_runs():
    first = {"address": "http://127.0.0.1:1", "pid": os.getppid(), "process_start": process_start(os.getppid())}
    panel_address.path().write_text(json.dumps(first))
    with panel_address.told():
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
    assert panel_address.found() is None


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_set_up_link_leads_to_the_panel_that_runs(start_panel, command: str):
    panel: Panel = start_panel(command=command, admin=False)
    del panel.environment["SOCKPANEL_PORT"]
    ended = panel.manage("setup_token")
    assert ended.stdout.splitlines()[-1].startswith(f"{panel.base_url}/setup#token=")
    assert ended.stderr == ""
    panel.stop()
    ended = panel.manage("setup_token")
    assert ended.stdout.splitlines()[-1].startswith("http://127.0.0.1:8000/setup#token=")
    assert ended.stderr.startswith("No panel is known to run on this data: the link assumes")
    assert ended.stderr.endswith(" at http://127.0.0.1:8000.\n")


def test_runserver_tells_its_address_too(start_panel):
    port = str(free_port())
    panel: Panel = start_panel(command="runserver", arguments=[port, "--noreload"], SOCKPANEL_PORT=port)
    assert json.loads((panel.data_dir / "panel-address").read_text())["address"] == panel.base_url
    panel.stop()
    assert not (panel.data_dir / "panel-address").exists()
