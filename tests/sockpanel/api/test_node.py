"""The presets, and the machine."""

import os
from typing import Any

import pytest

from services import operations
from services.models import Status
from services.presets import PRESETS
from services.remote import switch
from services.version import VERSION

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def test_every_preset_is_there_with_the_fields_of_its_server(viewer: Any) -> None:
    found = {preset["name"]: preset for preset in viewer.get("/presets")["presets"]}
    assert set(found) == {name for name, preset in PRESETS.items() if preset.server["kind"] != "command"}
    assert all(preset["title"] and preset["explains"] and preset["server"]["kind"] for preset in found.values())


def test_presets_that_run_commands_are_there_once_they_are_switched_on(viewer: Any) -> None:
    switch.turn_on("ada")
    assert {preset["name"] for preset in viewer.get("/presets")["presets"]} == set(PRESETS)


def test_each_preset_can_be_created_as_it_is(viewer: Any, admin: Any) -> None:
    for preset in viewer.get("/presets")["presets"]:
        response = admin.ask("POST", "/servers", {"name": preset["name"], **preset["server"]})
        assert response.status_code == 201, response.content


def test_the_node_tells_how_the_house_stands(viewer: Any) -> None:
    node = viewer.get("/node")
    assert node["supervisor"] == {"alive": False, "pid": None}
    assert node["versions"]["sockpanel"] == VERSION
    assert 0 < node["disk"]["free"] <= node["disk"]["total"]
    assert {name: database["answers"] for name, database in node["databases"].items()} == {
        "control": True,
        "messages": True,
    }
    assert node["databases"]["messages"]["bytes"] > 0


def test_a_living_supervisor_has_its_pid_told(viewer: Any, supervised: None) -> None:
    assert viewer.get("/node")["supervisor"] == {"alive": True, "pid": os.getpid()}


def test_it_says_whether_commands_can_be_run_and_through_which_servers(viewer: Any, supervised: None) -> None:
    assert viewer.get("/node")["remote_commands"] == {"on": False, "running": []}
    switch.turn_on("ada")
    server = operations.create({"name": "lab", "kind": "command", "port": 9997, "options": {"shell": True}}, "ada")
    Status.objects.create(server_id=server.pk, state="RUNNING", since=1)
    assert viewer.get("/node")["remote_commands"] == {"on": True, "running": [{"name": "lab", "shell": True}]}
