"""Every command that is a panel tells where it is, to commands and to servers."""

import json

import pytest

from tests.ports import free_port
from tests.sockpanel.panel import Panel


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


def test_no_command_serves_on_the_port_of_a_panel_whose_setting_it_does_not_know(start_panel):
    port = str(free_port())
    panel: Panel = start_panel(arguments=["--port", port], SOCKPANEL_PORT=port)
    del panel.environment["SOCKPANEL_PORT"]
    ended = panel.manage("runservice", "echo", "--host", "127.0.0.2", "--port", port)
    assert ended.returncode != 0
    assert f"Port {port} is the panel's own" in ended.stderr
