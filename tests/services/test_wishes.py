"""One look at what is wanted: nobody's records are taken for left over, and a server that moved is let go."""

from pathlib import Path
from typing import Any

import pytest

from services import wishes
from services.models import Execution, Run, Server, Status
from services.remote import files, keys, switch
from services.supervisor.wanted import Wanted

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def make(name: str, node: str = "local") -> Server:
    return Server.objects.create(name=name, kind="tcp", transport="tcp", host="127.0.0.1", port=8007, node=node)


def test_what_is_recorded_of_no_server_is_left_over():
    Status.objects.create(server_id=404, state="STOPPED", since=1)
    assert wishes.read("local", None, set()).gone == [404]


def test_a_server_that_another_node_starts_during_the_look_is_not_left_over(monkeypatch):
    recorded = wishes._recorded

    def meanwhile(known: set[int]) -> set[int]:
        Status.objects.create(server_id=make("young", node="other").pk, state="RUNNING", since=1)
        return recorded(known)

    monkeypatch.setattr(wishes, "_recorded", meanwhile)
    assert wishes.read("local", None, set()).gone == []


def test_a_server_that_went_to_another_node_is_let_go():
    here, gone = make("here"), make("moved", node="other")
    wish = wishes.read("local", None, {here.pk, gone.pk, 404})
    assert (wish.left, wish.gone) == ({gone.pk}, [404])


def test_a_server_that_came_back_has_its_books_read_anew():
    server = make("lab")
    assert [book.server_id for book in wishes.read("local", None, set()).books] == [server.pk]
    assert wishes.read("local", None, {server.pk}).books == []


@pytest.fixture
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


def commanding(name: str, wanted: str = "running") -> Server:
    words = {"kind": "command", "transport": "tcp", "host": "127.0.0.1", "port": 9997, "wanted": wanted}
    return Server.objects.create(name=name, options={"shell": True}, **words)


def look() -> dict[str, Wanted]:
    return {one.spec.name: one for one in wishes.read("local", None, set()).wanted}


def test_a_server_that_runs_commands_is_wanted_with_its_briefing(directory):
    switch.turn_on("ada")
    lab = commanding("lab")
    keys.generate({"name": "ci"}, "ada")
    wanted = look()["lab"]
    assert (wanted.running, wanted.barred) == (True, "")
    assert wanted.briefing.identity == files.server_identity(lab.pk)
    assert [key.name for key in wanted.briefing.keys] == ["the panel", "ci"]


def test_while_they_are_off_none_is_wanted_whatever_its_row_says(directory):
    commanding("lab")
    make("echo")
    wanted = look()
    assert (wanted["lab"].running, wanted["lab"].briefing) == (False, None)
    assert "manage.py remote_commands on" in wanted["lab"].barred
    assert Server.objects.get(name="lab").wanted == "running"
    assert wanted["echo"].barred == ""


def test_what_nobody_wants_is_neither_barred_nor_briefed(directory):
    commanding("lab", wanted="stopped")
    assert (look()["lab"].barred, look()["lab"].briefing) == ("", None)
    assert not (directory / "keys").exists()


def test_a_key_file_that_others_may_read_keeps_its_server_from_running_and_no_other(directory):
    switch.turn_on("ada")
    lab = commanding("lab")
    commanding("desk")
    files.server_identity(lab.pk)
    (directory / "keys" / f"server-{lab.pk}.key").chmod(0o644)
    wanted = look()
    assert (wanted["lab"].running, wanted["desk"].running) == (False, True)
    assert "may be read by others" in wanted["lab"].barred


def test_without_the_panels_key_none_runs(directory):
    switch.turn_on("ada")
    commanding("lab")
    files.panel_key()
    (directory / "keys" / "panel.key").write_text("")
    assert "panel.key holds no key" in look()["lab"].barred


def test_servers_without_commands_ask_nothing_of_keys_and_switch(directory, monkeypatch):
    monkeypatch.setattr(switch, "objection", lambda: pytest.fail("it was asked"))
    make("echo")
    assert look()["echo"].barred == ""


def test_without_a_database_a_word_bars_what_was_wanted_last(directory):
    switch.turn_on("ada")
    commanding("lab")
    commanding("stopped", wanted="stopped")
    make("echo")
    barred = {one.spec.name: one for one in wishes.barred(wishes.read("local", None, set()).wanted, "off")}
    assert (barred["lab"].running, barred["lab"].barred) == (False, "off")
    assert (barred["stopped"].barred, barred["echo"].barred) == ("", "")


def test_commands_that_a_dead_supervisor_left_running_have_ended():
    lab = commanding("lab")
    Run.objects.create(server_id=lab.pk, number=1, pid=1, process_start=1, started_at=1)
    words = {"server_id": lab.pk, "run": 1, "connection": 1, "at": 1, "command": "uname"}
    Execution.objects.create(ask=1, ended_at=2, exit_code=0, **words)
    Execution.objects.create(ask=2, **words)
    wishes.settle_former("local", 9)
    done, cut = Execution.objects.order_by("ask")
    assert (done.ended_at, done.exit_code, done.why) == (2, 0, "")
    assert (cut.ended_at, cut.exit_code, cut.why) == (9, None, "the supervisor ended without a word")


def test_a_server_whose_certificate_cannot_be_had_is_wanted_without_it_and_says_why():
    server = make("lab")
    Server.objects.filter(pk=server.pk).update(wanted="running", tls={"mode": "on", "certificate": "lost"})
    wanted = look()["lab"]
    assert (wanted.running, wanted.barred, wanted.tls) == (True, "", None)
    assert wanted.missing.startswith("There is no certificate named 'lost'")
