"""`manage.py runserver`: a working panel to develop, with a supervisor along."""

from tests.ports import addresses_of_localhost, free_port_of_localhost
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Visitor
from tests.waiting import eventually


def test_it_serves_and_brings_a_supervisor_which_goes_with_it(start_panel):
    port = str(free_port_of_localhost())
    panel: Panel = start_panel(command="runserver", arguments=[port], SOCKPANEL_PORT=port)
    supervise = eventually(lambda: panel.children().get("supervise"))
    assert panel.login().get("/api/v1/node").status == 200
    assert panel.visitor().get("/healthz", Host="evil.example").status == 400
    for host in addresses_of_localhost():
        assert Visitor(host, panel.port).get("/healthz").status == 200
    assert panel.visitor().get("/static/css/tokens.css").status == 200
    others = panel.children().values()
    assert panel.stop() == 0
    assert not supervise.is_running()
    eventually(lambda: not any(process.is_running() for process in others))


def test_it_leaves_a_supervisor_alone_that_runs_already(panel: Panel, start_panel):
    port = str(free_port_of_localhost())
    beside: Panel = start_panel(
        command="runserver", arguments=[port, "--noreload"], data_dir=panel.data_dir, SOCKPANEL_PORT=port
    )
    assert "supervise" not in beside.children()
    assert beside.login().get("/api/v1/node").status == 200
    assert beside.stop() == 0
    assert panel.children()["supervise"].is_running()
