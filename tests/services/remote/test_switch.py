"""Off until it is meant: the switch, the environment and a file must all agree."""

from pathlib import Path
from typing import Any

import pytest

from services import operations
from services.errors import RemoteCommandsOff
from services.models import Server, Switch
from services.remote import switch

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
COMMAND = {"kind": "command", "name": "lab", "port": 9997, "options": {"shell": True}}


@pytest.fixture(autouse=True)
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


def test_it_is_off_from_the_beginning_and_the_sentence_names_the_command() -> None:
    assert not switch.is_on()
    with pytest.raises(RemoteCommandsOff, match=r"manage\.py remote_commands on"):
        switch.require()


def test_each_of_the_three_keeps_it_off(settings: Any, directory: Path) -> None:
    switch.turn_on("ada")
    assert switch.is_on()
    (directory / "remote_commands.off").touch()
    assert "remote_commands.off" in switch.objection()
    (directory / "remote_commands.off").unlink()
    settings.SOCKPANEL_REMOTE_COMMANDS = "off"
    assert "SOCKPANEL_REMOTE_COMMANDS" in switch.objection()
    settings.SOCKPANEL_REMOTE_COMMANDS = "allowed"
    assert switch.is_on()
    switch.turn_off("ada")
    assert not switch.is_on()


def test_a_file_that_leads_nowhere_keeps_it_off_too(directory: Path) -> None:
    switch.turn_on("ada")
    (directory / "remote_commands.off").symlink_to(directory / "gone")
    assert not switch.is_on()


def test_who_switched_it_is_kept_and_the_supervisor_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hinted: list[str] = []
    monkeypatch.setattr(switch.hints, "hint", hinted.append)
    switch.turn_on("ada")
    switch.turn_off("otto")
    row = Switch.objects.get()
    assert (row.on, row.changed_by, hinted.count("supervisor")) == (False, "otto", 2)


def test_no_step_leads_past_it() -> None:
    with pytest.raises(RemoteCommandsOff):
        operations.create(COMMAND, "ada")
    assert not Server.objects.exists()
    echo = operations.create({"preset": "echo"}, "ada")
    with pytest.raises(RemoteCommandsOff):
        operations.change(echo, {"kind": "command", "reply": None, "options": {"shell": True}}, "ada")
    switch.turn_on("ada")
    lab = operations.create(COMMAND, "ada")
    switch.turn_off("ada")
    for verb in (operations.start, operations.restart):
        with pytest.raises(RemoteCommandsOff):
            verb(lab, "ada")


def test_presets_of_the_kind_are_offered_only_when_it_is_on() -> None:
    assert not [name for name in switch.offered() if name.startswith("command")]
    switch.turn_on("ada")
    assert {"command", "command-ready"} <= set(switch.offered())
